/**
 * What a peer pays while it is alone, and how the numbers of all meet again: real processes
 */
import { describe, expect, it } from 'vitest'
import { PeerSet } from './peer-driver.ts'
import type { PeerDriver, PeerLine } from './peer-driver.ts'

function share (index: number): string[] {
  return ['--data', 'digits', '--partition', `${index}/3`, '--partition-seed', '7', '--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm', '--evaluate-every', '5']
}

interface Trio {
  third: PeerDriver
  /** Starts the two others, from their homes once they have one */
  others: () => PeerDriver[]
}

async function startThird (peers: PeerSet): Promise<Trio> {
  const third = peers.spawn('peer-1', ['start', '--preset', 'digits-private', '--ledgers', peers.home('ledgers-1'), ...share(1)])
  const address = await third.address()
  const others = (): PeerDriver[] => [2, 3].map((i) => peers.spawn(`peer-${i}`, ['join', address, '--ledgers', peers.home(`ledgers-${i}`), ...share(i)]))
  return { third, others }
}

const spent = ({ privacy }: PeerLine): number => (privacy as { epsilon: { pld: number } }).epsilon.pld
const paid = (peer: PeerDriver, from: number): PeerLine[] => peer.rounds.slice(from).filter(({ examples }) => (examples as number) > 0)
const allAccept = (rounds: readonly PeerLine[], accepted: number): boolean => rounds.length > 0 && rounds.every((line) => line['accepted'] === accepted)

async function mixes (peer: PeerDriver, from: number, timeoutMs: number): Promise<PeerLine> {
  return peer.line('round:end', ({ accepted }) => accepted === 2, { from, timeoutMs })
}

describe('a private peer whose neighbours are away', () => {
  // the second takes half a minute more: npm run verify:outage
  const signals = process.env['VERIFY_LONG'] === undefined ? ['SIGKILL'] as const : ['SIGKILL', 'SIGSTOP'] as const
  it.each(signals)('pays for two rounds at most, and goes on with them after %s', async (signal) => {
    await using peers = await PeerSet.create()
    const { third, others } = await startThird(peers)
    const before = others()
    await Promise.all([third, ...before].map(async (peer) => peer.round(3, { timeoutMs: 90_000 })))
    before.forEach((peer) => { peer.signal(signal) })
    const [roundsThen, linesThen] = [third.rounds.length, third.lines.length]
    const waiting = await third.line('round:waiting', () => true, { from: linesThen, timeoutMs: 40_000 })
    expect(waiting).toMatchObject({ needed: 2 })
    expect((waiting['missing'] as string[]).length).toBeGreaterThan(0)
    // it hears nothing: whatever it would still pay for, it pays for within two pauses
    await third.line('neighbours:change', ({ neighbours }) => (neighbours as Array<{ live: boolean }>).every(({ live }) => !live), { from: linesThen, timeoutMs: 60_000 })

    const linesBack = third.lines.length
    let back = before
    if (signal === 'SIGKILL') {
      await Promise.all(before.map(async ({ exited }) => exited))
      back = others()
    } else {
      before.forEach((peer) => { peer.signal('SIGCONT') })
    }
    await Promise.all(back.map(async (peer) => mixes(peer, signal === 'SIGKILL' ? 0 : peer.lines.length, 40_000)))
    const first = await mixes(third, linesBack, 40_000)
    const lonely = paid(third, roundsThen).filter(({ accepted }) => accepted === 0)
    expect(lonely.length).toBeLessThanOrEqual(2)
    // the ledger says the same: what stands there is what was paid for with neighbours, and these
    expect(spent(first)).toBeGreaterThan(spent(third.rounds[0]!))

    // all take part in each other's every round from the third on, and their numbers are within one of each other
    const from = third.rounds.length
    await third.line('round:end', ({ round }) => (round as number) >= (first['round'] as number) + 8, { timeoutMs: 40_000 })
    expect(allAccept(third.rounds.slice(from + 3), 2)).toBe(true)
    const newest = [third, ...back].map((peer) => peer.rounds.at(-1)!['round'] as number)
    expect(Math.max(...newest) - Math.min(...newest)).toBeLessThanOrEqual(1)
  }, 240_000)
})
