import { PassThrough } from 'node:stream'
import { once } from 'node:events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DIGITS_DEFAULTS } from '../../src/data/digits.ts'
import { assignAttacks, FaultPlan } from '../../testnet/faults.ts'
import { readLines } from '../../testnet/json-lines.ts'
import { peerArguments, peerEnvironment } from '../../testnet/peer-arguments.ts'
import { parsePeerLine } from '../../testnet/peer-events.ts'
import { PeerRecord } from '../../testnet/peer-record.ts'
import { lineChart } from '../../testnet/page/line-chart.ts'
import { edgesOf } from '../../testnet/page/topology-chart.ts'
import { exampleReport } from './example-report.ts'

const recordsOf = (attacks: Array<string | undefined>): PeerRecord[] => attacks.map((byzantine, index) => new PeerRecord({ index, home: '', byzantine }))

async function linesOf (chunks: string[]): Promise<string[]> {
  const stream = new PassThrough()
  const lines: string[] = []
  readLines(stream, (line) => lines.push(line))
  chunks.forEach((chunk) => stream.write(chunk))
  stream.end()
  await once(stream, 'end')
  return lines
}

describe('lines of a child', () => {
  it('are the same however the bytes arrive', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '{', ' ') }), { maxLength: 6 }), fc.integer({ min: 1, max: 7 }), async (lines, size) => {
      const bytes = Buffer.from(lines.join('\n'))
      const stream = new PassThrough()
      const seen: string[] = []
      readLines(stream, (line) => seen.push(line))
      for (let at = 0; at < bytes.length; at += size) {
        stream.write(bytes.subarray(at, at + size))
      }
      stream.end()
      await once(stream, 'end')
      expect(seen).toEqual(lines.filter((line) => line.trim() !== ''))
    }), { numRuns: 50 })
  })

  it('are dropped whole when they are too long', async () => {
    const long = 'x'.repeat(3_000_000)
    expect(await linesOf(['one\n', long, long, 'rest\ntwo\n', 'three'])).toEqual(['one', 'two', 'three'])
  })
})

describe('events of a peer', () => {
  it('never throw, whatever a line holds', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), fc.record({ type: fc.constantFrom('round:end', 'joined', 'listening', 'x') }).map((one) => JSON.stringify(one))), (text) => {
      parsePeerLine(text)
    }))
  })

  it('are passed on when a testnet does not read them, and named when they make no sense', () => {
    expect(parsePeerLine('{"type":"version:commit","round":1}')).toEqual({ line: { type: 'version:commit', round: 1 }, event: undefined })
    expect(parsePeerLine('{"type":"round:start","time":1,"round":-1}')?.problem).toMatch(/^round:start: "round": /)
    expect(parsePeerLine('{"type":"round:start","time":"2026-11-21T01:02:03.004Z","round":1}')?.event).toEqual({ type: 'round:start', time: Date.UTC(2026, 10, 21, 1, 2, 3, 4), round: 1 })
    expect(parsePeerLine('[1]')).toBeUndefined()
  })
})

describe('faults', () => {
  it('put attackers last and spare the first peer and attackers from kills', () => {
    const records = recordsOf(assignAttacks(5, [{ count: 1, attack: 'nan' }, { count: 1, attack: 'huge' }]))
    expect(records.map((record) => record.byzantine)).toEqual([undefined, undefined, undefined, 'nan', 'huge'])
    const plan = new FaultPlan(records, { kill: [{ count: 1, round: 5 }, { count: 1, round: 2 }], restart: [{ count: 1, round: 3 }, { count: 1, round: 9 }], rounds: 9 })
    expect(records.map((record) => plan.dies(record, 2))).toEqual([false, true, false, false, false])
    expect(records.map((record) => plan.dies(record, 7))).toEqual([false, false, true, false, false])
    expect(records.some((record) => plan.dies(record, 9))).toBe(false)
    expect([1, 3, 3, 10].map((round) => plan.restartsAt(round))).toEqual([0, 1, 0, 1])
  })

  it('that start again more peers than are dead by then are refused', () => {
    const records = recordsOf(assignAttacks(4, []))
    expect(() => new FaultPlan(records, { kill: [{ count: 1, round: 2 }, { count: 1, round: 6 }], restart: [{ count: 1, round: 3 }, { count: 1, round: 5 }], rounds: 9 })).toThrow(RangeError)
  })
})

describe('the command line of a peer', () => {
  const base = {
    home: '/h',
    federation: '/f.json',
    weights: undefined,
    data: { kind: 'digits' as const, ...DIGITS_DEFAULTS, seed: 5 },
    partition: { strategy: 'dirichlet' as const, alpha: 0.3, index: 1, count: 4, seed: 7 },
    bootstrap: '/ip4/127.0.0.1/tcp/1/p2p/x',
    rounds: 3,
    minMembers: 4,
    keepVersions: 2,
    backend: 'wasm' as const,
    threads: 1,
    evaluateEvery: 2,
    ledgers: '/l',
    attack: undefined
  }

  it('holds everything that it must know', () => {
    expect(peerArguments(base).join(' ')).toBe('start --json --home /h --federation /f.json --data digits:5 --partition 2/4 --partition-seed 7 --dirichlet 0.3 ' +
      '--listen /ip4/127.0.0.1/tcp/0 --bootstrap /ip4/127.0.0.1/tcp/1/p2p/x --rounds 3 --min-members 4 --keep-versions 2 --backend wasm --threads 1 --evaluate-every 2 --ledgers /l')
    expect(peerArguments({ ...base, weights: '/w.safetensors' })).toEqual(expect.arrayContaining(['--federation', '/f.json', '--weights', '/w.safetensors']))
    expect(peerArguments({ ...base, federation: undefined, bootstrap: undefined, attack: 'nan', data: { kind: 'csv', file: '/c.csv', testFraction: 0.2 }, partition: { strategy: 'shards', shardsPerPeer: 2, index: 0, count: 1, seed: 0 } }).join(' '))
      .toBe('start --json --home /h --data csv:/c.csv --test-fraction 0.2 --partition 1/1 --partition-seed 0 --shards 2 ' +
      '--listen /ip4/127.0.0.1/tcp/0 --rounds 3 --min-members 4 --keep-versions 2 --backend wasm --threads 1 --evaluate-every 2 --ledgers /l --attack nan')
  })

  it('cannot ask for another number of digits', () => {
    expect(() => peerArguments({ ...base, data: { ...base.data, trainExamples: 10 } })).toThrow(RangeError)
  })

  it('does not inherit the settings of another peer', () => {
    expect(peerEnvironment(2, { PATH: '/bin', GRAPEVINE_ROUNDS: '3', OMP_NUM_THREADS: '9' }))
      .toEqual({ PATH: '/bin', TF_NUM_INTRAOP_THREADS: '2', TF_NUM_INTEROP_THREADS: '1', OMP_NUM_THREADS: '2', GRAPEVINE_EXIT_WITH_STDIN: '1' })
  })
})

describe('charts', () => {
  it('hold only finite coordinates inside the picture, and labels that do not cover each other', () => {
    const value = fc.oneof(fc.constant(null), fc.double({ min: 0, max: 1e9, noNaN: true }))
    fc.assert(fc.property(fc.array(fc.array(value, { maxLength: 30 }), { maxLength: 5 }), (lines) => {
      const svg = lineChart({
        id: 'x',
        title: 't',
        description: 'd',
        xLabel: 'round',
        yLabel: 'y',
        formatY: String,
        series: lines.map((line, index) => ({ name: `s${index}`, kind: 'peer', label: `s${index}`, dots: true, points: line.map((y, x) => ({ x: x + 1, y })) }))
      })
      expect(svg).not.toMatch(/NaN|Infinity|undefined/)
      const heights = [...svg.matchAll(/class="end[^"]*" x="[^"]*" y="([^"]*)"/g)].map(([, y]) => Number(y))
      heights.slice(1).forEach((height, index) => expect(height - heights[index]!).toBeGreaterThanOrEqual(15.9))
      expect(Math.max(0, ...heights)).toBeLessThanOrEqual(300)
    }), { numRuns: 60 })
  })

  it('draw each pair of neighbours once', () => {
    const { peers } = exampleReport({ peers: 6, faults: false })
    const names = edgesOf(peers).map(([a, b]) => `${a.name} ${b.name}`)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toHaveLength(12)
  })
})
