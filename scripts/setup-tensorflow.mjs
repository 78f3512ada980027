/**
 * Installs the native training backend, @tensorflow/tfjs-node, beside the packages that are there already
 *
 *     npm run setup:tensorflow
 *
 * npm skips this optional dependency when its install script cannot reach the one host that serves libtensorflow. This
 * script installs the package without its install script, then takes libtensorflow from that host if it answers, or else
 * from the tensorflow-cpu wheel of the Python package index, and builds the small binding against it. package.json and
 * the lock file stay as they are; everything happens in a staging folder that is renamed into place when it works.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const NAME = '@tensorflow/tfjs-node'

/** Verified against the binding; any later one is tried when this one is not to be had */
const WHEELS = ['tensorflow-cpu==2.21.0', 'tensorflow-cpu>=2.16']
/** The C library does not depend on Python: any wheel for this kind of machine will do */
const WHEEL_PLATFORM = ['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311', '--platform', 'manylinux_2_27_x86_64', '--platform', 'manylinux2014_x86_64']
const OFFICIAL_HOST = process.env.TFJS_NODE_CDN_STORAGE ?? 'https://storage.googleapis.com/'
const NAPI_VERSION = 8

const HOST_TIMEOUT_MS = 5_000
const VERIFY_TIMEOUT_MS = 60_000
const INSTALL_TIMEOUT_MS = 150_000
const DOWNLOAD_TIMEOUT_MS = 300_000
const BUILD_TIMEOUT_MS = 150_000

/** What stands between this machine and the native backend, in one line */
class SetupError extends Error {
  name = 'SetupError'
}

/** Multiplies two matrices with the package found from a folder; fails when it does not load */
const CHECK = `
const { createRequire } = require('node:module')
const util = require('node:util')
util.isNullOrUndefined ??= (value) => value === null || value === undefined
const from = createRequire(process.argv[1])
const tf = from(process.argv[2])
const product = tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).dataSync()
if (tf.getBackend() !== 'tensorflow' || product.length !== 4 || product.some((value) => value !== 3)) throw new Error('wrong product ' + product)
`

/** Takes the C headers and the two libraries out of a wheel */
const UNPACK = `
import os, shutil, sys, zipfile
wheel, target = sys.argv[1], sys.argv[2]
headers = ('tensorflow/include/tensorflow/c/', 'tensorflow/include/tensorflow/core/platform/', 'tensorflow/include/xla/tsl/', 'tensorflow/include/tsl/')
libraries = ('libtensorflow_cc.so.2', 'libtensorflow_framework.so.2')
found = 0
with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        name = entry.filename
        if name.startswith(headers) and name.endswith('.h') and '..' not in name:
            path = os.path.join(target, 'include', name[len('tensorflow/include/'):])
        elif name.startswith('tensorflow/') and name[len('tensorflow/'):] in libraries:
            path = os.path.join(target, 'lib', os.path.basename(name))
            found += 1
        else:
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(entry) as source, open(path, 'wb') as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
if found != len(libraries):
    sys.exit('the wheel holds no ' + ' and '.join(libraries))
`

let staging
let child

function say (text) {
  console.log(`setup-tensorflow: ${text}`)
}

/** The end of a program's output: what a user needs to see when it failed */
function ending (output) {
  const lines = output.trim().split('\n').filter((line) => line.trim() !== '' && !/^npm (warn|notice)/.test(line))
  return lines.slice(-3).join(' | ').slice(-400)
}

/** Runs a program to its end. Throws SetupError when it cannot start, fails, or takes longer than `timeoutMs` */
function run (command, args, { cwd = ROOT, timeoutMs, env = {} }) {
  return new Promise((resolve, reject) => {
    let output = ''
    child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => { child.kill('SIGKILL') }, timeoutMs)
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => { output = (output + String(data)).slice(-65_536) })
    }
    child.on('error', (err) => {
      clearTimeout(timer)
      reject(new SetupError(`${command} cannot be started: ${err.message}`))
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) {
        resolve(output)
      } else {
        const how = signal === 'SIGKILL' ? `took longer than ${timeoutMs / 1000} s` : `failed with ${signal ?? `exit code ${code}`}`
        reject(new SetupError(`${command} ${args[0] ?? ''} ${how}: ${ending(output)}`))
      }
    })
  })
}

function node (args, options) {
  return run(process.execPath, args, options)
}

async function works (folder, request = NAME) {
  try {
    await node(['-e', CHECK, join(folder, 'package.json'), request], { timeoutMs: VERIFY_TIMEOUT_MS, env: { TF_CPP_MIN_LOG_LEVEL: '2' } })
    return undefined
  } catch (err) {
    return err
  }
}

/** `npm` as a script of this node; npm itself says where when it runs this one */
async function npmScript () {
  const { npm_execpath: fromNpm } = process.env
  if (fromNpm?.endsWith('npm-cli.js')) {
    return fromNpm
  }
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const link = join(folder, 'npm')
    if (existsSync(link)) {
      const script = await realpath(link)
      if (script.endsWith('.js')) {
        return script
      }
    }
  }
  throw new SetupError('npm is not in the PATH')
}

/** The packages of the native backend, without running anything they bring */
async function installPackages (version) {
  say(`installing ${NAME} ${version} without its install script`)
  await writeFile(join(staging, 'package.json'), JSON.stringify({ private: true, dependencies: { [NAME]: version } }))
  // a parent npm leaves its own settings in the environment
  const env = { npm_config_local_prefix: undefined, npm_config_global: undefined, npm_config_prefix: undefined }
  await node([await npmScript(), 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--omit=dev', '--prefix', staging], { cwd: staging, timeoutMs: INSTALL_TIMEOUT_MS, env })
}

async function versionOf (folder) {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')).version
}

/** Leaves out what the project has already: two copies of the tensor library would not see each other's tensors */
async function shareInstalled (modules) {
  const staged = join(staging, 'node_modules', '@tensorflow')
  for (const name of await readdir(staged)) {
    const installed = join(modules, '@tensorflow', name)
    if (name !== 'tfjs-node' && existsSync(installed)) {
      const [have, want] = [await versionOf(installed), await versionOf(join(staged, name))]
      if (have === want) {
        await rm(join(staged, name), { recursive: true })
      } else if (name === 'tfjs-core') {
        throw new SetupError(`@tensorflow/tfjs-core is installed as ${have}, but ${NAME} needs ${want}`)
      }
    }
  }
}

async function officialHostAnswers () {
  try {
    await fetch(OFFICIAL_HOST, { method: 'HEAD', signal: AbortSignal.timeout(HOST_TIMEOUT_MS) })
    return true
  } catch (err) {
    say(`${OFFICIAL_HOST} does not answer (${err.cause?.code ?? err.name})`)
    return false
  }
}

/** The package's own way: its install script downloads libtensorflow and a ready binding */
async function fromOfficialHost (folder) {
  if (!await officialHostAnswers()) {
    return false
  }
  say('running the install script of the package')
  try {
    const path = [join(staging, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
    await node([join('scripts', 'install.js')], { cwd: folder, timeoutMs: DOWNLOAD_TIMEOUT_MS, env: { PATH: path } })
  } catch (err) {
    say(err.message)
    return false
  }
  const failure = await works(folder, folder)
  if (failure !== undefined) {
    say(`what it installed does not load: ${failure.message}`)
  }
  return failure === undefined
}

async function python () {
  for (const command of ['python3', 'python']) {
    try {
      await run(command, ['-m', 'pip', '--version'], { timeoutMs: VERIFY_TIMEOUT_MS })
      return command
    } catch {
      // the next name may be there
    }
  }
  throw new SetupError('python3 with pip is needed to fetch the tensorflow-cpu wheel: install python3 and python3-pip')
}

async function downloadWheel (command) {
  const folder = join(staging, 'wheel')
  let failure
  for (const wheel of WHEELS) {
    say(`downloading ${wheel} (about 270 MB)`)
    try {
      const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--retries', '1', '--timeout', '20', '--disable-pip-version-check', ...WHEEL_PLATFORM, '-d', folder, wheel]
      await run(command, args, { timeoutMs: DOWNLOAD_TIMEOUT_MS })
      const [file] = (await readdir(folder)).filter((name) => name.endsWith('.whl'))
      return join(folder, file)
    } catch (err) {
      failure = err
    }
  }
  throw failure
}

/** node-gyp comes with npm; a newer one may need a newer node */
async function nodeGyp () {
  const { npm_config_node_gyp: fromNpm } = process.env
  const bundled = join(dirname(await npmScript()), '..', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js')
  const found = [fromNpm, bundled].find((path) => path !== undefined && existsSync(path))
  if (found === undefined) {
    throw new SetupError('node-gyp, which comes with npm, is not where npm keeps it')
  }
  return found
}

/** The headers that came with this node, so that none need to be downloaded */
function headersArgument () {
  const prefix = dirname(dirname(process.execPath))
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : []
}

async function fromWheel (folder) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new SetupError(`there is no way without ${OFFICIAL_HOST} on ${process.platform} ${process.arch}; training uses the wasm backend`)
  }
  const command = await python()
  const gyp = await nodeGyp()
  const wheel = await downloadWheel(command)
  say('unpacking libtensorflow')
  const deps = join(folder, 'deps')
  await rm(deps, { recursive: true, force: true })
  await mkdir(join(deps, 'lib'), { recursive: true })
  await run(command, ['-c', UNPACK, wheel, deps], { timeoutMs: BUILD_TIMEOUT_MS })
  await rm(dirname(wheel), { recursive: true })
  await symlink('libtensorflow_cc.so.2', join(deps, 'lib', 'libtensorflow.so'))
  await symlink('libtensorflow_framework.so.2', join(deps, 'lib', 'libtensorflow_framework.so'))
  say('building the binding')
  const binding = ['--module_name=tfjs_binding', `--module_path=${join(folder, 'lib', `napi-v${NAPI_VERSION}`)}`, `--napi_build_version=${NAPI_VERSION}`]
  await node([gyp, 'rebuild', ...headersArgument(), ...binding], { cwd: folder, timeoutMs: BUILD_TIMEOUT_MS })
  await rm(join(folder, 'build'), { recursive: true, force: true })
  await rm(join(deps, 'include'), { recursive: true, force: true })
  const failure = await works(folder, folder)
  if (failure !== undefined) {
    throw new SetupError(`the binding was built but does not load: ${failure.message}`)
  }
}

/** One folder holds the package and all that only it needs, so that a single rename installs it */
async function moveIntoPlace (folder, target) {
  const modules = join(staging, 'node_modules')
  const inner = join(staging, 'inner')
  await rename(folder, inner)
  await mkdir(join(inner, 'node_modules'), { recursive: true })
  for (const name of await readdir(modules)) {
    if (!name.startsWith('.')) {
      await cp(join(modules, name), join(inner, 'node_modules', name), { recursive: true, verbatimSymlinks: true })
    }
  }
  const old = join(staging, 'old')
  if (existsSync(target)) {
    await rename(target, old)
  }
  await rename(inner, target)
  const failure = await works(ROOT)
  if (failure !== undefined) {
    await rm(target, { recursive: true })
    if (existsSync(old)) {
      await rename(old, target)
    }
    throw new SetupError(`it was built, but does not load from ${target}: ${failure.message}`)
  }
}

/** The folder that holds the packages of this one: its own, or that of the project it is installed in */
function modulesFolder () {
  try {
    const core = createRequire(join(ROOT, 'package.json')).resolve('@tensorflow/tfjs-core/package.json')
    return dirname(dirname(dirname(core)))
  } catch {
    throw new SetupError(`the packages of ${ROOT} are not installed: run "npm ci" first`)
  }
}

async function setUp () {
  if (await works(ROOT) === undefined) {
    say(`${NAME} loads already: nothing to do`)
    return
  }
  const { optionalDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  const modules = modulesFolder()
  staging = await mkdtemp(join(modules, '.tfjs-node-'))
  await installPackages(optionalDependencies[NAME])
  await shareInstalled(modules)
  const folder = join(staging, 'node_modules', ...NAME.split('/'))
  if (!await fromOfficialHost(folder)) {
    await fromWheel(folder)
  }
  await moveIntoPlace(folder, join(modules, ...NAME.split('/')))
  say('the tensorflow backend works')
}

async function cleanUp () {
  if (staging !== undefined) {
    await rm(staging, { recursive: true, force: true })
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    child?.kill('SIGKILL')
    cleanUp().finally(() => process.exit(1))
  })
}

try {
  await setUp()
} catch (err) {
  console.error(`setup-tensorflow: ${err instanceof SetupError ? err.message : err.stack}`)
  console.error('setup-tensorflow: nothing was changed; training uses the wasm backend')
  process.exitCode = 1
} finally {
  await cleanUp()
}
