/**
 * Grapevine on the newest dependencies that its package allows, as who installs it gets them: npm run verify:newest
 *
 * Resolves the ranges of package.json anew in a temporary folder. Where nothing is newer than in the lockfile that is
 * all; else types, build and a real testnet run there. Two copies of what programs hand to each other (libp2p, its
 * interfaces, addresses) fail as well: what one made the other would not recognise.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const SINGLE = ['libp2p', '@libp2p/interface', '@multiformats/multiaddr']
const STEPS = [
  // not `ci`: it misses an optional package for another platform in the lockfile that was just made
  ['npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']],
  ['npm', ['run', '--silent', 'typecheck']],
  ['npm', ['run', '--silent', 'build']],
  ['node', ['dist/testnet/main.js', '--peers', '4', '--rounds', '3', '--degree', '3', '--seed', '1', '--timeout', '180']]
]

function run (command, args, cwd) {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit' })
  if (status !== 0) {
    throw new Error(`${command} ${args.join(' ')} ended with ${status}`)
  }
}

/** Versions of each package of a lockfile that is not only for development, by name */
function versionsIn (file) {
  const { packages } = JSON.parse(readFileSync(file, 'utf8'))
  const versions = new Map()
  for (const [path, { version, dev = false }] of Object.entries(packages)) {
    const name = path.split('node_modules/').at(-1)
    if (path !== '' && !dev) {
      versions.set(name, [...versions.get(name) ?? [], version].sort())
    }
  }
  return versions
}

const folder = mkdtempSync(join(tmpdir(), 'grapevine-newest-'))
try {
  for (const file of execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0').filter((name) => name !== '' && name !== 'package-lock.json')) {
    mkdirSync(join(folder, dirname(file)), { recursive: true })
    cpSync(file, join(folder, file))
  }
  run('npm', ['install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], folder)
  const locked = versionsIn('package-lock.json')
  const newest = versionsIn(join(folder, 'package-lock.json'))
  const newer = [...newest].filter(([name, versions]) => locked.get(name)?.join() !== versions.join())
  for (const [name, versions] of newer) {
    console.log(`${name}: ${locked.get(name)?.join(' and ') ?? 'none'} in the lockfile, ${versions.join(' and ')} is newest`)
  }
  const several = SINGLE.find((name) => newest.get(name)?.length !== 1)
  if (several !== undefined) {
    throw new Error(`${several} would be there as ${newest.get(several)?.join(' and ') ?? 'nothing'}: whoever installs the package gets several copies`)
  }
  if (newer.length > 0) {
    STEPS.forEach(([command, args]) => { run(command, args, folder) })
  }
  console.log(newer.length === 0 ? 'the lockfile holds the newest versions that the package allows' : `types, build and a testnet pass with ${newer.length} other versions than in the lockfile`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
