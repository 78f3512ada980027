import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { TypedEventEmitter } from 'main-event'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ProgramOutput } from '../../testnet/output.ts'
import { parsePeerLine } from '../../testnet/peer-events.ts'
import { showProgress } from '../../testnet/progress.ts'
import { summaryLines } from '../../testnet/summary.ts'
import { hostileText, steering, withHostileText } from '../hostile-text.ts'
import { exampleReport, privateReport } from './example-report.ts'
import type { TestnetEvents, TestnetPeer } from '../../testnet/index.ts'

/** One of each: what is new must be here, too */
const EVENTS: { [K in keyof TestnetEvents]: TestnetEvents[K]['detail'] } = {
  'peer:event': { type: 'x', node: 'peer-1' },
  'budget:forecast': { peers: [{ node: 'peer-1', examples: 10, rounds: 2 }] },
  ready: { peers: 2, backend: 'wasm', durationMs: 5 },
  'round:end': { round: 3, peers: 8, observing: 1, meanAccuracy: 0.8, worstAccuracy: 0.7, durationMs: 12, rejected: { norm: 2 }, late: 1, bytesSent: 12, privacy: { worstEpsilon: 1, limit: 8, delta: 1e-5, accountant: 'pld', scope: 'example' } },
  'peer:kill': { node: 'peer-1', round: 2 },
  'peer:restart': { node: 'peer-1', round: 2 },
  'peer:fail': { node: 'peer-1', reason: 'r', stderr: ['one', 'two'] },
  'alone:progress': { done: 1, of: 1 },
  'peer:exhausted': { node: 'peer-1', round: 2 },
  warning: { message: 'm' }
}

class Shown extends TypedEventEmitter<TestnetEvents> {
  words = ''

  peers = (): TestnetPeer[] => [{ name: this.words, id: this.words, addresses: [], home: '/home', pid: 1, state: 'ready', byzantine: this.words, round: 3, phase: 'train', accuracy: 0.8, neighbours: 4, rejected: 0 }]

  say<K extends keyof TestnetEvents> (type: K, detail: TestnetEvents[K]['detail']): void {
    this.safeDispatchEvent(type, { detail })
  }
}

/** The sequences that redraw the block */
const REDRAW = /\u001b\[\d+A\r\u001b\[0J/g // eslint-disable-line no-control-regex

const everyKey = (path: string): boolean => /\.(rejected|rejectedPeers)\./.test(path)

describe('what peers and strangers wrote', () => {
  beforeEach(() => { vi.useFakeTimers() })
  afterEach(() => { vi.useRealTimers() })

  it.each([false, true])('steers nothing in the progress of a testnet, redrawn in place %s', (isTTY) => {
    fc.assert(fc.property(fc.constantFrom(...Object.keys(EVENTS) as Array<keyof TestnetEvents>), hostileText, (type, words) => {
      const testnet = new Shown()
      let text = ''
      const progress = showProgress(testnet as never, { rounds: 15, output: { isTTY, columns: 80, rows: 24, write: (more) => { text += more; return true } } })
      testnet.words = words
      testnet.say(type, withHostileText(EVENTS[type], words, everyKey))
      vi.advanceTimersByTime(60_000)
      progress.stop()
      expect(steering(text.replaceAll(REDRAW, ''))).toBeUndefined()
    }), { numRuns: 500 })
  })

  it('steers nothing in the summary and in JSON lines', () => {
    const reports = [exampleReport(), privateReport()]
    fc.assert(fc.property(fc.constantFrom(...reports), hostileText, (report, words) => {
      const stream = new PassThrough()
      const output = new ProgramOutput(stream as unknown as NodeJS.WriteStream)
      const named = { ...report, peers: report.peers.map((peer) => ({ ...peer, name: words })), attackers: report.attackers.map((attacker) => withHostileText(attacker, words)), kills: report.kills.map((kill) => withHostileText(kill, words)) }
      output.lines(summaryLines(named))
      output.json(withHostileText(named, words))
      expect(steering(String(stream.read()))).toBeUndefined()
    }), { numRuns: 200 })
  })

  it('is quoted where it is no event that can be read', () => {
    fc.assert(fc.property(hostileText, (words) => {
      const { problem } = parsePeerLine(JSON.stringify({ type: 'round:end', time: 1, rejected: { [words]: 'no number' }, rejectedPeers: { [words]: 1 } }))!
      expect(steering(problem!)).toBeUndefined()
      expect(problem!.length).toBeLessThan(1000)
    }))
  })
})
