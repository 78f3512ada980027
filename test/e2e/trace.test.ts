/**
 * The trace of a real peer: what it was about when it died, and what `npm run verify:kills` stops it by
 */
import { describe, expect, it } from 'vitest'
import { PhaseTrace } from '../../bench/kills/phases.ts'
import { PeerSet } from './peer-driver.ts'

const ROUNDS = 3

/** Alone, to the end; returns the end of its standard error, the last round in it as a whole */
async function narrated (prefix: readonly string[]): Promise<string[]> {
  await using peers = await PeerSet.create()
  const ledgers = `XDG_STATE_HOME=${peers.folder}`
  const peer = peers.spawn('peer', ['start', '--preset', 'digits-private', '--data', 'digits', '--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm',
    '--min-members', '1', '--alone', 'train', '--rounds', String(ROUNDS), '--keep-versions', '1'], ['env', ledgers, ...prefix])
  expect((await peer.exited).code).toBe(0)
  return peer.stderr.split('\n')
}

describe('the trace of a peer', () => {
  it('says when each phase of a round begins and when it is done, in order, and nothing unless it is asked for', async () => {
    const lines = (await narrated(['DEBUG=grapevine:*:trace'])).filter((line) => line.includes(':trace '))
    const round = lines.slice(lines.findIndex((line) => line.includes(`charging round ${ROUNDS}`)))
    const last = round.map((line) => line.replace(/^\S+ /, '').replace(/number \d+/, 'number N').replace(/entry \d+/, 'entry N'))
    expect(last).toEqual([
      `grapevine:privacy:trace charging round ${ROUNDS}`,
      `grapevine:privacy:trace charged round ${ROUNDS}, entry N`,
      `grapevine:store:trace storing publication number N of round ${ROUNDS}`,
      `grapevine:store:trace stored publication number N of round ${ROUNDS}`,
      `grapevine:network:trace publishing round ${ROUNDS}`,
      `grapevine:network:trace published round ${ROUNDS}`,
      `grapevine:store:trace committing round ${ROUNDS}`,
      `grapevine:store:trace removing 1 versions with the commit of round ${ROUNDS}`,
      `grapevine:store:trace removed 1 versions with the commit of round ${ROUNDS}`,
      `grapevine:store:trace committed round ${ROUNDS}`
    ])
    // and the driver of the kills reads it so: one phase at a time, removals inside commits, all of them done
    const trace = new PhaseTrace()
    const seen = round.map((line) => trace.read(line)).filter((stop) => stop !== undefined)
    expect(seen).toEqual(['charge', 'number', 'publish', 'commit', 'removal'])
    expect(trace.open).toBeUndefined()
    expect(trace.committed).toEqual([ROUNDS])

    expect((await narrated([])).filter((line) => line.includes('trace'))).toEqual([])
  }, 120_000)
})
