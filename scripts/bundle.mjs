/**
 * The second half of `npm run build`: the programs as a few files each, in dist/program
 *
 * A program of a thousand modules spends much of its start on finding and reading them. Packages of native code stay
 * outside, as do those that may exist only once beside them.
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const DIST = join(ROOT, 'dist')
const PROGRAM = join(DIST, 'program')
const ENTRIES = { peer: 'peer/cli.js', testnet: 'testnet/program.js', worker: 'src/model/worker.js' }
const EXTERNAL = [/^@tensorflow\//, /^(abstract-level|classic-level|level)$/]
const LICENCE_FILE = /^(licen[cs]e|copying|notice)/i

/** A testnet has most of what it shares with the peer, which loads that later, loaded from the beginning */
function isExpected (name, { code }) {
  return name === 'testnet' && code === 'INEFFECTIVE_DYNAMIC_IMPORT'
}

/** Resolves with the files written, and the paths of the modules in each */
async function bundle (name, entry) {
  const build = await rolldown({
    cwd: ROOT,
    input: { [name]: join(DIST, entry) },
    platform: 'node',
    external: EXTERNAL,
    onLog (level, log) {
      if (!isExpected(name, log)) {
        throw new Error(`${entry}: ${log.message}`, { cause: log })
      }
    }
  })
  const { output } = await build.write({
    dir: PROGRAM,
    format: 'es',
    // a fifth of the text, and LICENSES.txt says what must be said
    comments: false,
    entryFileNames: '[name].js',
    chunkFileNames: `${name}-[name]-[hash].js`
  })
  await build.close()
  return output.map(({ fileName, moduleIds = [] }) => [fileName, moduleIds])
}

/** The folder of the package that a module is of. Folders inside a package may have a package.json without a name */
async function packageOf (folder) {
  const about = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}'))
  return about.name === undefined || about.version === undefined ? packageOf(dirname(folder)) : { ...about, folder }
}

async function licenceOf ({ name, version, license, repository, folder }) {
  const files = (await readdir(folder)).filter((file) => LICENCE_FILE.test(file)).sort()
  const texts = await Promise.all(files.map(async (file) => (await readFile(join(folder, file), 'utf8')).trim()))
  const source = typeof repository === 'string' ? repository : repository?.url
  return [`${name} ${version}`, ...texts.length > 0 ? texts : [`${license}${source === undefined ? '' : `, ${source}`}`]].join('\n\n')
}

/** What the licences of bundled packages ask for. Rolldown leaves some lines of its own in each bundle */
async function licences (modules) {
  const folders = [...new Set(modules.filter((path) => path.includes('node_modules')).map(dirname)), join(ROOT, 'node_modules/rolldown')]
  const packages = new Map((await Promise.all(folders.map((folder) => packageOf(folder)))).map((about) => [`${about.name} ${about.version}`, about]))
  const texts = await Promise.all([...packages].sort(([a], [b]) => a < b ? -1 : 1).map(([, about]) => licenceOf(about)))
  return `The files beside this one contain code of these packages. The text of Apache-2.0 is in LICENSE-APACHE, beside package.json.\n\n${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}

const started = performance.now()
await rm(PROGRAM, { recursive: true, force: true })
await mkdir(PROGRAM, { recursive: true })
const files = (await Promise.all(Object.entries(ENTRIES).map(([name, entry]) => bundle(name, entry)))).flat()
const modules = [...new Set(files.flatMap(([, ids]) => ids))]
// for tests, and not packed: which modules a file holds cannot be seen from it
await writeFile(join(DIST, '.bundled.json'), JSON.stringify(Object.fromEntries(files)))
await writeFile(join(PROGRAM, 'LICENSES.txt'), await licences(modules))
// last: main.ts takes the bundle for whole when it sees this, see src/bundle.ts
await writeFile(join(PROGRAM, '.stamp'), createHash('sha256').update(await readFile(join(DIST, '.tsbuildinfo'), 'utf8')).update(await readFile(join(ROOT, 'package-lock.json'), 'utf8').catch(() => '')).digest('hex'))
console.log(`bundled ${modules.length} modules in ${((performance.now() - started) / 1000).toFixed(1)} s`)
