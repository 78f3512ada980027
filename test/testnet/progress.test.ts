import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TypedEventEmitter } from 'main-event'
import { endingText } from '../../testnet/privacy-text.ts'
import { bytes, counts, milliseconds, percent, points, significant } from '../../testnet/format.ts'
import { blockLines, peerLine, roundLine, showProgress } from '../../testnet/progress.ts'
import { summaryLines } from '../../testnet/summary.ts'
import { exampleReport, privateReport } from './example-report.ts'
import type { Testnet, TestnetEvents, TestnetPeer } from '../../testnet/index.ts'

const peer = (number: number, detail: Partial<TestnetPeer> = {}): TestnetPeer => ({
  name: `peer-${number}`, id: 'id', addresses: [], home: '/home', pid: 1, state: 'ready', byzantine: undefined, round: 3, phase: 'train', accuracy: 0.812, neighbours: 4, rejected: 0, ...detail
})

/** A testnet that only has peers and events */
class Shown extends TypedEventEmitter<TestnetEvents> {
  peers = (): TestnetPeer[] => [peer(1), peer(2)]
}

describe('numbers', () => {
  it('are short, with their unit', () => {
    expect([0, 999, 999.6, 1234, 99_950, 250_000, 1_500_000, 2.5e13].map(bytes)).toEqual(['0 B', '999 B', '1.0 kB', '1.2 kB', '100 kB', '250 kB', '1.5 MB', '25.0 TB'])
    expect([0, 4.23, 99.6, 999, 1234, 12_345].map(milliseconds)).toEqual(['0.0 ms', '4.2 ms', '100 ms', '1.00 s', '1.23 s', '12.3 s'])
    expect([null, 0, 0.8712, 1].map(percent)).toEqual(['-', '0.0 %', '87.1 %', '100.0 %'])
    expect([0.1523, -0.02].map(points)).toEqual(['+15.2 points', '-2.0 points'])
    expect([null, 0, 0.03125, 0.0000123, 12345678].map(significant)).toEqual(['-', '0', '0.0313', '1.23e-5', '1.23e+7'])
    expect([{}, { norm: 0 }, { norm: 1, 'distance-gate': 12 }].map(counts)).toEqual(['none', 'none', 'distance-gate 12, norm 1'])
  })
})

describe('progress', () => {
  beforeEach(() => { vi.useFakeTimers() })
  afterEach(() => { vi.useRealTimers() })

  it('says of a round how long, how good, what went wrong and how much was sent', () => {
    expect(roundLine({ round: 3, peers: 8, observing: 0, meanAccuracy: 0.8123, worstAccuracy: 0.76, durationMs: 1210, rejected: { norm: 2 }, late: 1, bytesSent: 120_000, privacy: null }, 15))
      .toBe('round  3/15   1.21 s  accuracy 81.2 % mean, 76.0 % worst  sent 120 kB each  rejected 2 (norm 2)  late 1')
    expect(roundLine({ round: 4, peers: 8, observing: 3, meanAccuracy: null, worstAccuracy: null, durationMs: 900, rejected: {}, late: 0, bytesSent: 0, privacy: { worstEpsilon: 1.2301, limit: 8, delta: 1e-5, accountant: 'pld', scope: 'example' } }, 15))
      .toBe('round  4/15   900 ms  sent 0 B each  epsilon 1.24 of 8 (delta 1e-5, pld, per example)  5 train, 3 observe')
  })

  it('says up front whose budget will end early', () => {
    const peers = Array.from({ length: 10 }, (_, index) => ({ node: `peer-${index + 1}`, examples: 100 + index, rounds: 4 + index }))
    expect(endingText(peers.slice(0, 2), { rounds: 20, peers: 12 })).toBe('budgets that end early, as each step draws a larger part of a small set: peer-1 (100 examples) trains in 4 of 20 rounds, peer-2 (101) in 5')
    expect(endingText(peers, { rounds: 20, peers: 12 })).toMatch(/, peer-8 \(107\) in 11 and 2 more$/)
    expect(endingText(peers.map((one) => ({ ...one, rounds: 2 })), { rounds: 20, peers: 10 })).toBe('every budget ends early: each peer trains in 2 of 20 rounds')
  })

  it('says of a peer what it is doing', () => {
    expect(peerLine(peer(3, { rejected: 2 }), 15)).toBe('peer-3      3/15  train      81.2 %  4 neighbours rejected 2')
    expect(peerLine(peer(4, { state: 'killed', accuracy: null, neighbours: 1, byzantine: 'nan' }), 15)).toBe('peer-4      3/15  killed          -  1 neighbour    attacks: nan')
  })

  it('never draws more lines or longer ones than the terminal has', () => {
    const many = Array.from({ length: 40 }, (_, index) => peer(index + 1))
    const lines = blockLines(many, { rounds: 15, rows: 10, columns: 20 })
    expect(lines).toHaveLength(8)
    expect(lines.at(-1)).toBe('and 33 peers more')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(19)
    expect(blockLines(many.slice(0, 8), { rounds: 15, rows: 10, columns: 80 })).toHaveLength(8)
  })

  it('redraws one block on a terminal, writes lasting lines above it, and takes it away at the end', () => {
    const written: string[] = []
    const testnet = new Shown()
    const progress = showProgress(testnet as unknown as Testnet, { rounds: 15, output: { isTTY: true, columns: 0, rows: 0, write: (text) => written.push(text) > 0 } })
    vi.advanceTimersByTime(200)
    testnet.safeDispatchEvent('peer:kill', { detail: { node: 'peer-2', round: 3 } })
    progress.stop()
    vi.advanceTimersByTime(10_000)
    expect(written).toHaveLength(3)
    expect(written[0]).toMatch(/^peer-1 .*\npeer-2 .*\n$/)
    expect(written[1]!.startsWith('\u001b[2A\r\u001b[0Jpeer-2 killed in round 3\npeer-1 ')).toBe(true)
    expect(written[2]).toBe('\u001b[2A\r\u001b[0J')
  })

  it('gives a sign of life elsewhere, but only when nothing else was written', () => {
    const written: string[] = []
    const testnet = new Shown()
    const progress = showProgress(testnet as unknown as Testnet, { rounds: 15, output: { write: (text) => written.push(text) > 0 } })
    vi.advanceTimersByTime(29_000)
    testnet.safeDispatchEvent('ready', { detail: { peers: 2, backend: 'wasm', durationMs: 1500 } })
    vi.advanceTimersByTime(29_000)
    expect(written).toEqual(['mesh ready after 1.50 s: 2 peers, backend wasm\n'])
    vi.advanceTimersByTime(2000)
    expect(written[1]).toMatch(/^still running: peer-1 /)
    progress.stop()
    vi.advanceTimersByTime(90_000)
    expect(written).toHaveLength(2)
  })
})

describe('the summary', () => {
  it('never names an epsilon without its delta, accountant and scope', () => {
    expect(summaryLines(privateReport())).toContain('  privacy             dp-sgd      epsilon 7.20 of 8 at the worst peer, 7.20 on average (delta 1e-5, pld, per example); 1 spent it all and sent nothing more')
  })

  it('is aligned, and ends with what was not as usual', () => {
    expect(summaryLines(exampleReport())).toEqual([
      '  peers               5 of 7      honest peers finished 12 rounds',
      '  accuracy            87.1 %      mean; worst peer 84.0 %',
      '  accuracy alone      58.0 %      mean; gossip gained +29.1 points',
      '  consensus distance  0.031       between the final models',
      '  sent                234 kB      per peer and round',
      '  round               830 ms      train 520 ms  encode 4.0 ms  publish 6.0 ms  wait 120 ms  aggregate 20 ms  evaluate 110 ms  persist 20 ms',
      '  not training        6.3 %       encode + publish + aggregate + persist, of the round',
      '  privacy             none        what peers sent tells neighbours about the examples',
      '  rejected            7           distance-gate 7; late 1',
      '  peer-6 failed: it ended although nobody asked it to.',
      '  peer-7 was killed in round 5: the others had finished it 1.23 s later.',
      '  peer-8 attacked (sign-flip:2): honest peers left its update out 40 of 42 times; 3 of 4 honest neighbours suspected it at the end.',
      '  detection: 75.0 % of those suspected lied (precision), 100.0 % of the liars beside honest peers were suspected (recall).'
    ])
  })

  it('says how many peers spent their budget, and from which round on', () => {
    const report = privateReport()
    expect(summaryLines(report)).toContain('  1 of 8 honest peers spent the privacy budget before the end, and only averaged and evaluated from then on: peer-7 from round 12.')
    report.peers.forEach((peer, index) => { peer.exhaustedAtRound = 12 - index })
    Object.assign(report.summary, { peers: 8, honestGraph: { peers: 0, algebraicConnectivity: 0, toleratedLiars: 0 } })
    expect(summaryLines(report).slice(-2)).toEqual([
      '  8 of 8 honest peers spent the privacy budget before the end, and only averaged and evaluated from then on: peer-8 from round 5, peer-7 from round 6, peer-6 from round 7, peer-5 from round 8, peer-4 from round 9, peer-3 from round 10, peer-2 from round 11, peer-1 from round 12.',
      '  no honest peer sent updates at the end: there was no mesh left that could withstand a liar, the document declares f = 1.'
    ])
  })

  it('stays readable with a long mechanism, and when all peers stop at once', () => {
    const report = privateReport()
    report.peers.forEach((peer) => { peer.exhaustedAtRound = 3 })
    Object.assign(report.summary.privacy!, { mechanism: 'update-level', scope: 'dataset', exhausted: 8 })
    const lines = summaryLines(report)
    expect(lines.find((line) => line.startsWith('  privacy'))).toMatch(/^ {2}privacy {13}update-level {2}epsilon 7\.20 of 8 /)
    expect(lines).toContain('  8 of 8 honest peers spent the privacy budget before the end, and only averaged and evaluated from then on: all from round 3.')
  })

  it('says what the mesh withstands of those that still sent', () => {
    const report = privateReport()
    Object.assign(report.summary, { honestGraph: { peers: 7, algebraicConnectivity: 1.5, toleratedLiars: 0 } })
    expect(summaryLines(report).at(-1)).toBe('  this mesh withstands 0 liars among each peer\'s neighbours in the worst case (algebraic connectivity 1.50) at the end, when 7 of 8 honest peers still sent updates, the document declares f = 1.')
    Object.assign(report.summary, { honestGraph: { peers: 8, algebraicConnectivity: 1.5, toleratedLiars: 0 } })
    expect(summaryLines(report).at(-1)).toBe('  this mesh withstands 0 liars among each peer\'s neighbours in the worst case (algebraic connectivity 1.50), the document declares f = 1.')
  })

  it('says so when nobody was suspected, and when a liar had no budget left', () => {
    const report = exampleReport()
    report.peers.at(-1)!.exhaustedAtRound = 9
    report.summary.detection = { precision: null, recall: 0 }
    expect(summaryLines(report).slice(-2)).toEqual([
      '  peer-8 attacked (sign-flip:2): honest peers left its update out 40 of 42 times; 3 of 4 honest neighbours suspected it at the end. From round 9 on it sent nothing: its privacy budget was spent.',
      '  detection: nobody was suspected at the end, 0.0 % of the liars beside honest peers were suspected (recall).'
    ])
  })

  it('says so when honest peers had more liars beside them than any rule is meant for, and when gossip did harm', () => {
    const report = exampleReport()
    report.summary.meanAccuracy = 0.388
    report.peers.at(-4)!.byzantine = 'sign-flip'
    const both = report.peers.filter(({ byzantine, neighbours }) => byzantine === false && neighbours.includes('peer-5') && neighbours.includes('peer-8')).map(({ name }) => name)
    expect(both.length).toBeGreaterThan(0)
    expect(summaryLines(report)).toContain(`  ${both.length === 1 ? '1 honest peer' : `${both.length} honest peers`} had more liars among the neighbours than the document declares (f = 1): ${both.map((name) => `${name} 2`).join(', ')}.`)
    expect(summaryLines(report)).toContain('  accuracy alone      58.0 %      mean; gossip lost 19.2 points')
  })

  it('does without the numbers that were not measured', () => {
    const report = exampleReport({ faults: false })
    Object.assign(report.summary, { aloneMeanAccuracy: null, consensusDistance: null })
    expect(summaryLines(report)).toEqual(expect.arrayContaining(['  accuracy alone      -           not measured', '  consensus distance  -           between the final models']))
  })
})
