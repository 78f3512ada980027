import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { TypedEventEmitter } from 'main-event'
import { beforeEach, describe, expect, test } from 'vitest'
import { Links } from '../../src/network/members/links.ts'
import { Membership } from '../../src/network/members/membership.ts'
import { ManualClock } from '../manual-clock.ts'
import type { Libp2p, Libp2pEvents, PeerId } from '@libp2p/interface'
import type { LinksComponents } from '../../src/network/members/links.ts'

describe('a connection that broke', () => {
  const { signal } = new AbortController()
  let peerId: PeerId
  let peer: string
  let clock: ManualClock
  let membership: Membership
  let vouchedFor: Set<string>
  let suspected: string[]
  let libp2p: TypedEventEmitter<Libp2pEvents>
  let links: Links

  beforeEach(async () => {
    peerId = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    peer = peerId.toString()
    clock = new ManualClock()
    vouchedFor = new Set()
    suspected = []
    membership = new Membership({ self: 'self', clock, expiryMs: 60_000, graceMs: 20_000, isVouchedFor: (name) => vouchedFor.has(name) })
    const presence: LinksComponents['presence'] = {
      isSilent: () => false,
      suspect: async (member) => { suspected.push(member.peer) }
    }
    libp2p = new TypedEventEmitter()
    const host = { libp2p: Object.assign(libp2p, { getPeers: () => [] }) as unknown as Libp2p } as LinksComponents['host']
    links = new Links({ host, membership, presence }, { connected: new Set(), onConnect: () => {} })
    links.start()
    membership.addEventListener('change', ({ detail }) => { links.forget(detail.peer) })
  })

  function tell (ageMs = 0): void {
    const signed = { record: new Uint8Array(), signature: new Uint8Array() }
    membership.apply({ peer, addresses: [], sequence: 1, leaving: false, observing: false, ready: false, signed, verify: () => true }, ageMs)
  }

  function visit (): void {
    libp2p.safeDispatchEvent('peer:connect', { detail: peerId })
    libp2p.safeDispatchEvent('peer:disconnect', { detail: peerId })
  }

  test('casts doubt on a member that cannot be reached', () => {
    vouchedFor.add(peer)
    tell()
    visit()
    links.unreachable(peer, signal)
    expect(suspected).toEqual([peer])
    expect(links.isHeardOf(peer)).toBe(false)
  })

  test('of a stranger is not noted: nothing would tell when the stranger is forgotten', () => {
    tell()
    visit()
    links.unreachable(peer, signal)
    expect(suspected).toEqual([])
    expect(links.isHeardOf(peer)).toBe(true)
  })
})
