/**
 * The built program with real peers. Run `npm run build` first, as `npm test` does
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { schemaProblems } from './report-schema.ts'
import type { TestnetReport } from '../../testnet/index.ts'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'

const MAIN = fileURLToPath(new URL('../../dist/testnet/main.js', import.meta.url))
const TIMEOUT = 120_000

let folder: string
let homes: string
let running: ChildProcessWithoutNullStreams[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'grapevine-program-'))
  homes = join(folder, 'homes')
  running = []
})

afterEach(async () => {
  for (const child of running) {
    child.kill('SIGKILL')
  }
  for (const pid of peerPids()) {
    process.kill(pid, 'SIGKILL')
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** Processes whose command line names this test's homes, other than the testnet itself */
function peerPids (): number[] {
  const lines = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,args='], { encoding: 'utf8', maxBuffer: 1 << 26 }).split('\n')
  return lines.filter((line) => line.includes(`--home ${homes}`)).map((line) => Number.parseInt(line, 10))
}

async function untilNoPeer (): Promise<void> {
  const end = Date.now() + 30_000
  while (peerPids().length > 0) {
    if (Date.now() > end) {
      throw new Error(`still there: ${peerPids().join(', ')}`)
    }
    await delay(100)
  }
}

function start (...args: string[]): { child: ChildProcessWithoutNullStreams, lines: Array<Record<string, unknown>>, line: (type: string) => Promise<void>, exited: Promise<{ code: number | null, stderr: string }> } {
  const child = spawn(process.execPath, [MAIN, '--json', '--backend', 'wasm', '--keep-homes', homes, ...args])
  running.push(child)
  const lines: Array<Record<string, unknown>> = []
  const waiting: Array<{ type: string, resolve: () => void }> = []
  createInterface(child.stdout).on('line', (text) => {
    const line = JSON.parse(text) as Record<string, unknown>
    lines.push(line)
    waiting.filter((one) => one.type === line['type']).forEach((one) => one.resolve())
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString() })
  const exited = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr }))
  const line = async (type: string): Promise<void> => {
    const seen = new Promise<void>((resolve) => waiting.push({ type, resolve }))
    await Promise.race([seen, exited.then((exit) => {
      throw new Error(`ended with ${exit.code} before ${type}: ${exit.stderr}`)
    })])
  }
  return { child, lines, line, exited }
}

describe('grapevine-testnet', () => {
  it('trains three real peers for two rounds, one of them lying, and writes a report', async () => {
    const reports = join(folder, 'reports')
    const testnet = start('--peers', '4', '--rounds', '2', '--iid', '--byzantine', '1:sign-flip:3', '--report', reports)
    expect(await testnet.exited).toEqual({ code: 0, stderr: '' })
    const report = JSON.parse(readFileSync(join(reports, 'report.json'), 'utf8')) as TestnetReport
    expect(schemaProblems(report)).toEqual([])
    expect(testnet.lines.at(-1)).toEqual({ type: 'report', ...report })
    expect(report.summary).toMatchObject({ peers: 3, finished: 3, failed: 0 })
    expect(report.summary.consensusDistance).toBeGreaterThan(0)
    for (const peer of report.peers.filter((one) => one.byzantine === false)) {
      expect(peer.rounds.map((round) => round.round)).toEqual([1, 2])
      expect(peer.neighbours).toHaveLength(3)
      expect(peer.aloneAccuracy).toBeGreaterThan(0.1)
      expect(peer.finalAccuracy).toBeGreaterThan(0.1)
      expect(peer.rounds[1]!.bytesSent).toBeGreaterThan(10_000)
    }
    expect(readFileSync(join(reports, 'report.html'), 'utf8')).toMatch(/^<!doctype html>/)
    expect(peerPids()).toEqual([])
  }, TIMEOUT)

  it('founds a federation from a table of its own, and shows a predicted number beside training alone', async () => {
    const file = join(folder, 'doses.csv')
    writeFileSync(file, ['age,dose', ...Array.from({ length: 240 }, (_, i) => `${20 + i % 60},${(2 * (20 + i % 60) + i % 5).toFixed(1)}`), ''].join('\n'))
    const testnet = start('--data', `csv:${file}`, '--task', 'regression', '--peers', '3', '--rounds', '3')
    expect(await testnet.exited).toMatchObject({ code: 0 })
    const { type, ...report } = testnet.lines.at(-1) as unknown as TestnetReport & { type: string }
    expect([type, schemaProblems(report)]).toEqual(['report', []])
    expect(report.summary).toMatchObject({ finished: 3, meanAccuracy: null, aloneMeanAccuracy: null })
    expect(report.summary.figures!.meanAbsoluteError).toBeGreaterThan(0)
    expect(report.summary.aloneFigures!.meanAbsoluteError).toBeGreaterThan(0)
  }, TIMEOUT)

  it('names a liar under the noise of the default federation, and holds it back, with three neighbours at each peer', async () => {
    const testnet = start('--peers', '4', '--rounds', '10', '--evaluate-every', '10', '--no-alone', '--byzantine', '1:sign-flip')
    expect(await testnet.exited).toEqual({ code: 0, stderr: '' })
    const report = testnet.lines.at(-1) as unknown as TestnetReport
    expect(report.summary.privacy?.mechanism).toBe('dp-sgd')
    expect(report.summary.detection).toEqual({ precision: 1, recall: 1 })
    expect(report.summary.rejected.quarantined).toBeGreaterThanOrEqual(3)
  }, TIMEOUT)

  it('kills a peer in a round and starts it again from its home', async () => {
    const testnet = start('--preset', 'digits', '--peers', '4', '--rounds', '40', '--no-alone', '--kill', '1@2', '--restart', '1@3')
    expect(await testnet.exited).toEqual({ code: 0, stderr: '' })
    const report = testnet.lines.at(-1) as unknown as TestnetReport
    expect(report.kills).toHaveLength(1)
    expect(report.kills[0]).toMatchObject({ name: 'peer-2', round: 2, restartedAtRound: 3, resumedAtRound: 1 })
    expect(report.kills[0]!.survivorsMs).not.toBeNull()
    expect(report.kills[0]!.backInMeshMs).not.toBeNull()
    expect(report.peers.map((peer) => peer.state)).toEqual(['finished', 'finished', 'finished', 'finished'])
    expect(peerPids()).toEqual([])
  }, TIMEOUT)

  it('leaves no process when it is interrupted', async () => {
    const testnet = start('--peers', '3', '--rounds', '100000')
    await testnet.line('testnet:round:end')
    expect(peerPids()).toHaveLength(3)
    testnet.child.kill('SIGINT')
    const { code, stderr } = await testnet.exited
    expect(code).toBe(130)
    expect(stderr).toBe('SIGINT: stopping all peers; again to kill them\nerror: interrupted by SIGINT\n')
    expect(peerPids()).toEqual([])
  }, TIMEOUT)

  it('leaves no process when it is interrupted twice, or while peers start', async () => {
    const testnet = start('--peers', '3', '--rounds', '100000')
    await testnet.line('joined')
    testnet.child.kill('SIGINT')
    testnet.child.kill('SIGTERM')
    expect(await testnet.exited).toMatchObject({ code: 130 })
    expect(peerPids()).toEqual([])
  }, TIMEOUT)

  it('leaves no process when it is killed itself', async () => {
    const testnet = start('--peers', '3', '--rounds', '100000')
    await testnet.line('testnet:round:end')
    expect(peerPids()).toHaveLength(3)
    testnet.child.kill('SIGKILL')
    await testnet.exited
    await untilNoPeer()
  }, TIMEOUT)

  it('ends with 124 when it runs out of time', async () => {
    const testnet = start('--peers', '3', '--rounds', '100000', '--timeout', '4')
    expect(await testnet.exited).toMatchObject({ code: 124, stderr: expect.stringMatching(/^error: the testnet was not done after 4 s \(.*\)\n$/) as string })
    expect(peerPids()).toEqual([])
  }, TIMEOUT)

  it.each([
    [2, ['--peers', '3', '--kill', '3@1'], /^error: 3 peers to kill, but only 2 can be: .*See --help\n$/],
    [2, ['--peers', '2'], /^error: gated-geometric-median with f = 1 needs 2 neighbours .*; take --peers 3 or --rule mean\. See --help\n$/],
    [2, ['--round', '2'], /^error: unknown option '--round' \(did you mean --rounds\?\)\. See --help\n$/],
    [2, ['--peers', '4', '--rounds', '2', '--kill', '1@3'], /^error: 1@3: nothing can happen in round 3 of a testnet of 2\. See --help\n$/],
    [8, ['--peers', '3', '--data', 'idx:/no/such/folder'], /^error: .*\/no\/such\/folder.*\n$/],
    [9, ['--peers', '3', '--report', '/dev/null'], /^error: the report cannot be written to \/dev\/null: .*\n$/]
  ])('ends with %d and one line for %j', async (code, args, message) => {
    const testnet = start(...args)
    expect(await testnet.exited).toEqual({ code, stderr: expect.stringMatching(message) as string })
    expect(testnet.lines.at(-1)).toMatchObject({ type: 'error', exitCode: code })
    expect(existsSync(homes)).toBe(false)
  }, TIMEOUT)

  it.each([
    [2, 'the homes of an earlier testnet', () => { mkdirSync(join(homes, 'peer-1'), { recursive: true }) }],
    [9, 'no homes can be made in', () => { writeFileSync(homes, '') }]
  ])('ends with %d and one line for a folder with %s', async (code, says, make) => {
    make()
    const { code: ended, stderr } = await start('--peers', '3').exited
    expect(ended).toBe(code)
    expect(stderr).toMatch(/^error: [^\n]*\n$/)
    expect(stderr).toContain(says)
  }, TIMEOUT)

  it('prints a line a round where there is no terminal', async () => {
    const child = spawn(process.execPath, [MAIN, '--peers', '3', '--rounds', '2', '--no-alone', '--backend', 'wasm', '--keep-homes', homes])
    running.push(child)
    let stdout = ''
    child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString() })
    const [code] = await once(child, 'close') as [number | null]
    expect(code).toBe(0)
    expect(stdout).not.toContain('\u001b')
    expect(stdout).toMatch(/^testnet "digits-private": 3 peers, 2 rounds, .*\nmesh ready after .*\nround 1\/2 .* accuracy .*\nround 2\/2 .*\n/)
    expect(stdout).toMatch(/\n {2}accuracy +[\d.]+ % +mean; worst peer [\d.]+ %\n/)
  }, TIMEOUT)
})
