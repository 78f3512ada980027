import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ControlMessages, MAX_CONTROL_BYTES, decodeControl } from '../../src/network/members/control-messages.ts'
import { proofOf, toWire } from '../../src/network/signed/equivocation.ts'
import { decodeFrame } from '../../src/network/members/member-exchange.ts'
import { parseRecord, parseSuspicion, signRecord, signSuspicion } from '../../src/network/members/member-record.ts'
import { MAX_ADDRESSES } from '../../src/network/host/own-addresses.ts'
import { MAX_MEMBERS, MAX_STRANGERS, Membership } from '../../src/network/members/membership.ts'
import { signHeader } from '../../src/network/signed/update-header.ts'
import { ControlMessage, MemberExchange, MemberRecord } from '../../src/network/wire/membership.ts'
import { ManualClock } from '../manual-clock.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { MemberClaim } from '../../src/network/members/member-record.ts'
import type { HeaderFields, SignedHeader } from '../../src/network/signed/update-header.ts'
import type { SignedRecord } from '../../src/network/wire/membership.ts'

const FEDERATION = 'bafyfederation'
const ADDRESS = '/ip4/127.0.0.1/tcp/4001'

interface Person {
  key: PrivateKey
  name: string
}

async function person (): Promise<Person> {
  const key = await generateKeyPair('Ed25519')
  return { key, name: peerIdFromPrivateKey(key).toString() }
}

async function sign ({ key, name }: Person, fields: Partial<Parameters<typeof signRecord>[1]> = {}): Promise<SignedRecord> {
  return await signRecord(key, { federation: FEDERATION, peer: name, addresses: [ADDRESS], sequence: 1_000, leaving: false, ...fields })
}

async function claim (who: Person, fields: Partial<Parameters<typeof signRecord>[1]> = {}): Promise<MemberClaim> {
  return parseRecord(await sign(who, fields), FEDERATION)!
}

/** A claim without cryptography, for tests of numbers */
function made (peer: string, fields: Partial<MemberClaim> = {}): MemberClaim {
  return { peer, addresses: [], sequence: 1, leaving: false, observing: false, ready: false, signed: { record: new Uint8Array(), signature: new Uint8Array() }, verify: () => true, ...fields }
}

let self: Person
let alice: Person
let bob: Person
let clock: ManualClock
let membership: Membership

beforeAll(async () => {
  [self, alice, bob] = await Promise.all([person(), person(), person()])
})

beforeEach(() => {
  clock = new ManualClock()
  membership = new Membership({ self: self.name, clock, expiryMs: 60_000, graceMs: 20_000 })
})

describe('a member record', () => {
  test('says what was signed, to anyone', async () => {
    const parsed = await claim(alice, { addresses: [`${ADDRESS}/p2p/${alice.name}`, '/dns4/example.org/tcp/1'], sequence: 77 })
    expect(parsed).toMatchObject({ peer: alice.name, addresses: [ADDRESS, '/dns4/example.org/tcp/1'], sequence: 77, leaving: false })
    expect(parsed.verify()).toBe(true)
  })

  test('verifies for nobody once a bit is changed', async () => {
    const signed = await sign(alice)
    fc.assert(fc.property(fc.boolean(), fc.nat(), fc.nat(7), (inRecord, position, bit) => {
      const forged = { record: signed.record.slice(), signature: signed.signature.slice() }
      const bytes = inRecord ? forged.record : forged.signature
      bytes[position % bytes.byteLength]! ^= 1 << bit
      const parsed = parseRecord(forged, FEDERATION)
      expect(parsed === undefined || !parsed.verify()).toBe(true)
    }))
  })

  test('signed by somebody else is a forgery, as is a suspicion used as a record', async () => {
    const stolen = parseRecord(await signRecord(bob.key, { federation: FEDERATION, peer: alice.name, addresses: [], sequence: 5, leaving: true }), FEDERATION)
    expect(stolen!.verify()).toBe(false)
    const { suspicion, signature } = await signSuspicion(alice.key, { federation: FEDERATION, peer: bob.name, sequence: 5, reporter: alice.name })
    const parsed = parseRecord({ record: suspicion, signature }, FEDERATION)
    expect(parsed === undefined || !parsed.verify()).toBe(true)
  })

  test('of another federation, or out of bounds, is none', async () => {
    expect(parseRecord(await sign(alice, { federation: 'bafyother' }), FEDERATION)).toBeUndefined()
    expect(parseRecord(await sign(alice, { sequence: 0 }), FEDERATION)).toBeUndefined()
    const { signature, record } = await sign(alice)
    expect(parseRecord({ record, signature: signature.subarray(1) }, FEDERATION)).toBeUndefined()
    const peer = MemberRecord.decode(record).peer
    const flood = Array.from({ length: MAX_ADDRESSES + 1 }, () => new Uint8Array([4, 127, 0, 0, 1, 6, 0, 80]))
    expect(() => MemberRecord.decode(MemberRecord.encode({ federation: FEDERATION, peer, addresses: flood, sequence: 1, leaving: false }))).toThrow(/too many/)
    expect(parseRecord({ record: MemberRecord.encode({ federation: FEDERATION, peer, addresses: flood, sequence: 1, leaving: false }), signature }, FEDERATION)).toBeUndefined()
    expect(parseRecord(undefined, FEDERATION)).toBeUndefined()
  })

  test('keeps no more addresses than it may hold', async () => {
    const many = Array.from({ length: 30 }, (_, index) => `/ip4/10.0.0.${index}/tcp/1`)
    expect((await claim(alice, { addresses: many })).addresses).toEqual(many.slice(0, MAX_ADDRESSES))
  })
})

describe('the addresses of a member record', () => {
  test('are those that TCP over IP reaches: no socket of this machine, and no list of further addresses', async () => {
    const addresses = ['/unix/%2Fvar%2Frun%2Fdocker.sock', '/dnsaddr/example.org', '/ip4/10.0.0.1/udp/1/quic-v1', '/ip6/::1/tcp/2', ADDRESS]
    const parsed = await claim(alice, { addresses })
    expect(parsed.addresses).toEqual(['/ip6/::1/tcp/2', ADDRESS])
    expect(parsed.verify()).toBe(true)
  })
})

describe('membership', () => {
  test('takes a newer record and nothing older', async () => {
    expect(membership.apply(await claim(alice, { sequence: 5 }))).toBe('news')
    expect(membership.apply(await claim(alice, { sequence: 5 }))).toBe('stale')
    expect(membership.apply(await claim(alice, { sequence: 6 }))).toBe('fresh')
    expect(membership.apply(await claim(alice, { sequence: 4, leaving: true }))).toBe('stale')
    expect(membership.apply(await claim(alice, { sequence: 7, addresses: [] }))).toBe('news')
    expect(membership.names()).toEqual([alice.name, self.name].sort())
  })

  test('never takes over what somebody says about this node', async () => {
    expect(membership.apply(await claim(self))).toBe('stale')
    expect(membership.names()).toEqual([self.name])
  })

  test('a goodbye removes at once, and an old record does not bring the member back', async () => {
    membership.apply(await claim(alice, { sequence: 5 }))
    expect(membership.apply(await claim(alice, { sequence: 6, leaving: true }))).toBe('news')
    expect(membership.names()).toEqual([self.name])
    expect(membership.apply(await claim(alice, { sequence: 5 }), 0, true)).toBe('stale')
    expect(membership.apply(await claim(alice, { sequence: 7 }))).toBe('news')
  })

  test('a forged signature changes nothing', async () => {
    const forged = { ...await claim(alice), verify: () => false }
    expect(membership.apply(forged)).toBe('forged')
    expect(membership.size).toBe(0)
  })

  test('a silent member expires, one that is heard of does not', () => {
    membership.apply(made('a'))
    membership.apply(made('b'))
    clock.advance(59_000)
    membership.heard('b')
    clock.advance(1_000)
    membership.expire()
    expect(membership.names()).toEqual(['b', self.name].sort())
  })

  test('the age that a record comes with counts: old news does not live on by being passed round', () => {
    membership.apply(made('a'), 55_000)
    clock.advance(5_000)
    membership.expire()
    expect(membership.size).toBe(0)
    expect(membership.apply(made('b'), 60_000)).toBe('stale')
  })

  test('in a large mesh, where records live longer, so does the memory of who left', () => {
    membership.apply(made('a', { sequence: 1 }))
    for (let index = 0; index < 512; index++) {
      membership.apply(made(`peer-${index}`))
    }
    membership.apply(made('a', { sequence: 2, leaving: true }))
    clock.advance(130_000)
    membership.expire()
    // from somebody who missed the goodbye
    expect(membership.apply(made('a', { sequence: 1 }), 130_000)).toBe('stale')
  })

  test('a suspected member is dropped after the grace period unless it shows a sign of life', () => {
    membership.apply(made('a'))
    membership.apply(made('b'))
    expect(membership.suspect('a', 1)).toBe(true)
    expect(membership.suspect('a', 1)).toBe(false)
    expect(membership.suspect('b', 1)).toBe(true)
    clock.advance(19_999)
    membership.expire()
    expect(membership.size).toBe(2)
    expect(membership.apply(made('b', { sequence: 2 }))).toBe('fresh')
    clock.advance(1)
    membership.expire()
    expect(membership.names()).toEqual(['b', self.name].sort())
  })

  test('a suspicion of a record that is superseded is ignored', () => {
    membership.apply(made('a', { sequence: 2 }))
    expect(membership.suspect('a', 1)).toBe(false)
    expect(membership.suspect('nobody', 1)).toBe(false)
  })

  test('who was dropped comes back with the same record only in person', () => {
    membership.apply(made('a', { sequence: 9 }))
    clock.advance(60_000)
    membership.expire()
    expect(membership.apply(made('a', { sequence: 9 }))).toBe('stale')
    expect(membership.apply(made('a', { sequence: 9 }), 0, true)).toBe('news')
  })

  test('the list is bounded, and those who are in it stay', () => {
    for (let index = 0; index < MAX_MEMBERS; index++) {
      expect(membership.apply(made(`peer-${index}`))).toBe('news')
    }
    expect(membership.apply(made('one-more'))).toBe('full')
    expect(membership.apply(made('peer-7', { sequence: 2 }))).toBe('fresh')
    expect(membership.size).toBe(MAX_MEMBERS)
    expect(membership.apply(made('peer-7', { sequence: 3, leaving: true }))).toBe('news')
    expect(membership.apply(made('one-more'))).toBe('news')
  })

  describe('with peers for whom nobody vouches', () => {
    let vouchedFor: Set<string>
    let changes: Array<[string, boolean]>

    beforeEach(() => {
      vouchedFor = new Set(['a'])
      changes = []
      const isVouchedFor = (peer: string): boolean => vouchedFor.has(peer)
      const counts = (peer: string): boolean => peer === 'a'
      membership = new Membership({ self: self.name, clock, expiryMs: 60_000, graceMs: 20_000, isVouchedFor, counts })
      membership.addEventListener('change', ({ detail }) => { changes.push([detail.peer, detail.joined]) })
    })

    test('tells nobody of their goodbyes, and lets them go', () => {
      expect(membership.apply(made('stranger'))).toBe('stranger')
      expect(membership.apply(made('stranger', { sequence: 2, leaving: true }))).toBe('stranger')
      expect(membership.get('stranger')).toBeUndefined()
      const { revision } = membership
      expect(membership.apply(made('unknown', { leaving: true }))).toBe('stranger')
      expect(membership.revision).toBe(revision)
      expect(changes).toEqual([])
    })

    test('passes on the goodbye of a peer that is vouched for before its record is known', () => {
      expect(membership.apply(made('a', { sequence: 2, leaving: true }))).toBe('fresh')
      expect(membership.apply(made('a', { sequence: 1 }))).toBe('stale')
    })

    test('remembers who left for as long as before, however many strangers leave or expire', () => {
      membership.apply(made('a', { sequence: 5 }))
      membership.apply(made('a', { sequence: 6, leaving: true }))
      for (let index = 0; index < 5_000; index++) {
        membership.apply(made(`stranger-${index}`))
        membership.apply(made(`stranger-${index}`, { sequence: 2, leaving: true }))
      }
      for (let index = 0; index < 5; index++) {
        for (let other = 0; other < 1_000; other++) {
          membership.apply(made(`silent-${index}-${other}`), 59_000)
        }
        clock.advance(1_000)
        membership.expire()
      }
      expect([...membership.records()]).toEqual([])
      expect(membership.apply(made('a', { sequence: 5 }))).toBe('stale')
      expect(membership.departed('a')).toHaveLength(1)
    })

    test('a peer that left stays gone when its last goodbye comes after the memory of an earlier record', () => {
      membership.apply(made('a', { sequence: 3 }))
      clock.advance(60_000)
      membership.expire()
      vouchedFor.clear()
      expect(membership.apply(made('a', { sequence: 6, leaving: true }))).toBe('stranger')
      expect(membership.apply(made('a', { sequence: 5 }))).toBe('stale')
    })

    test('counts a stranger that is forgotten for lack of room as a change of who is known', () => {
      for (let index = 0; index < MAX_STRANGERS; index++) {
        membership.apply(made(`stranger-${index}`))
      }
      const { revision } = membership
      membership.apply(made('one-more'))
      expect(membership.get('stranger-0')).toBeUndefined()
      expect(membership.revision).toBe(revision + 2)
    })

    test('gives up a member that does not count only for a record that is taken, and says so', () => {
      membership.apply(made('a'))
      for (let index = 1; index < MAX_MEMBERS; index++) {
        vouchedFor.add(`peer-${index}`)
        membership.apply(made(`peer-${index}`))
      }
      changes.splice(0)
      vouchedFor.add('old').add('new')
      const { revision } = membership
      const expiryMs = 60_000 * membership.quietFactor
      expect(membership.apply(made('old'), expiryMs)).toBe('stale')
      expect(membership.apply({ ...made('old'), verify: () => false }, expiryMs)).toBe('forged')
      expect([membership.size, membership.revision, changes]).toEqual([MAX_MEMBERS, revision, []])
      expect(membership.apply(made('new'))).toBe('news')
      expect(['a', 'peer-1', 'new'].map((peer) => membership.has(peer))).toEqual([true, false, true])
      expect(membership.size).toBe(MAX_MEMBERS)
      expect(changes).toEqual([['peer-1', false], ['new', true]])
      expect(membership.revision).toBe(revision + 2)
    })
  })

  test('whatever comes in whatever order, the newest record of each member decides', () => {
    const event = fc.record({ peer: fc.constantFrom('a', 'b', 'c'), sequence: fc.integer({ min: 1, max: 50 }), leaving: fc.boolean() })
    fc.assert(fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const list = new Membership({ self: 'self', clock, expiryMs: 60_000, graceMs: 20_000 })
      const newest = new Map<string, { sequence: number, leaving: boolean }>()
      for (const { peer, sequence, leaving } of events) {
        list.apply(made(peer, { sequence, leaving }))
        if (sequence > (newest.get(peer)?.sequence ?? 0)) {
          newest.set(peer, { sequence, leaving })
        }
      }
      const present = [...newest].filter(([, { leaving }]) => !leaving).map(([peer]) => peer)
      expect(list.names()).toEqual([...present, 'self'].sort())
    }))
  })
})

describe('the control topic', () => {
  let control: ControlMessages
  let challenges: number[]
  let accused: string[]
  let connected: Set<string>

  const record = async (who: Person, fields: Partial<Parameters<typeof signRecord>[1]> = {}): Promise<Uint8Array> => ControlMessage.encode({ record: await sign(who, fields) })
  const suspicion = async (by: Person, peer: Person, sequence: number): Promise<Uint8Array> => ControlMessage.encode({
    suspicion: await signSuspicion(by.key, { federation: FEDERATION, peer: peer.name, sequence, reporter: by.name })
  })

  beforeEach(() => {
    challenges = []
    accused = []
    connected = new Set()
    const host = { self: self.name, pubsub: undefined as never }
    control = new ControlMessages({ host, privateKey: self.key, clock, membership }, {
      federation: FEDERATION,
      isConnected: (peer) => connected.has(peer),
      onRecord: () => {},
      onNews: () => {},
      onDirect: () => {},
      ownSequence: () => 100,
      onOwnRecord: ({ sequence }) => { challenges.push(sequence) },
      onSuspected: () => { challenges.push(0) },
      onEquivocation: ({ author }) => { accused.push(author) }
    })
  })

  test('news and heartbeats pass, old news does not', async () => {
    expect(control.handle(await record(alice, { sequence: 5 }), bob.name)).toBe('accept')
    expect(control.handle(await record(alice, { sequence: 6 }), bob.name)).toBe('accept')
    expect(control.handle(await record(alice, { sequence: 5 }), bob.name)).toBe('ignore')
  })

  test('forgeries, strangers\' federations and garbage are rejected', async () => {
    const forged = ControlMessage.encode({ record: { ...await sign(alice), signature: new Uint8Array(64) } })
    expect(control.handle(forged, bob.name)).toBe('reject')
    expect(control.handle(await record(alice, { federation: 'bafyother' }), bob.name)).toBe('reject')
    // nothing that this version knows: of a later one, perhaps
    expect(control.handle(new Uint8Array(0), bob.name)).toBe('ignore')
    expect(control.handle(new Uint8Array(MAX_CONTROL_BYTES + 1), bob.name)).toBe('reject')
    const both = ControlMessage.encode({ ...ControlMessage.decode(await record(alice)), ...ControlMessage.decode(await suspicion(alice, bob, 1)) })
    expect(control.handle(both, bob.name)).toBe('reject')
    expect(membership.size).toBe(0)
  })

  test('a proof of equivocation convinces whoever it meets, once, only against members, and until the mesh is 1,000 rounds further', async () => {
    const header = async (who: Person, sequence: number, fields: Partial<HeaderFields> = {}): Promise<SignedHeader> =>
      signHeader(who.key, { federation: FEDERATION, round: 3, sequence, codec: 'int8', degree: 2, ...fields }, Uint8Array.of(sequence))
    const proof = async (first: SignedHeader, second: SignedHeader): Promise<Uint8Array> => ControlMessage.encode({ equivocation: toWire(proofOf(first, second)) })
    const one = await header(alice, 1)
    const genuine = await proof(one, await header(alice, 2))
    expect(control.handle(genuine, bob.name)).toBe('ignore')
    control.handle(await record(alice, { sequence: 5 }), bob.name)
    expect(control.handle(await proof(one, one), bob.name)).toBe('reject')
    expect(control.handle(await proof(one, await header(bob, 2)), bob.name)).toBe('reject')
    expect(control.handle(await proof(one, await header(alice, 2, { round: 4 })), bob.name)).toBe('reject')
    expect(control.handle(await proof(await header(alice, 1, { federation: 'bafyother' }), await header(alice, 2, { federation: 'bafyother' })), bob.name)).toBe('reject')
    expect(control.handle(await proof(one, { ...await header(alice, 2), signature: new Uint8Array(64) }), bob.name)).toBe('reject')
    expect(accused).toEqual([])
    control.setRound(1_004)
    expect(control.handle(genuine, bob.name)).toBe('ignore')
    control.setRound(1_003)
    expect(control.handle(genuine, bob.name)).toBe('accept')
    expect(control.handle(genuine, bob.name)).toBe('ignore')
    expect(accused).toEqual([alice.name])
    // an observer counts on when nobody trains: its rounds make no proof old
    const later = await proof(await header(bob, 1), await header(bob, 2))
    control.handle(await record(bob, { sequence: 5 }), alice.name)
    control.setRound(500_000)
    expect(control.handle(later, alice.name)).toBe('ignore')
    control.observe()
    expect(control.handle(later, alice.name)).toBe('accept')
    expect(accused).toEqual([alice.name, bob.name])
  })

  test('the goodbye of a peer for whom nobody vouches is not passed on', async () => {
    const times = { expiryMs: 60_000, graceMs: 20_000 }
    const strict = new Membership({ self: self.name, clock, ...times, isVouchedFor: () => false })
    const host = { self: self.name, pubsub: undefined as never }
    const topic = new ControlMessages({ host, privateKey: self.key, clock, membership: strict }, {
      federation: FEDERATION,
      isConnected: () => false,
      onRecord: () => {},
      onNews: () => {},
      onDirect: () => {},
      ownSequence: () => 100,
      onOwnRecord: () => {},
      onSuspected: () => {},
      onEquivocation: () => {}
    })
    expect(topic.handle(await record(alice, { leaving: true }), bob.name)).toBe('ignore')
  })

  test('a member that speaks too often is not passed on', async () => {
    const verdicts: string[] = []
    for (let sequence = 1; sequence <= 20; sequence++) {
      verdicts.push(control.handle(await record(alice, { sequence }), bob.name))
    }
    expect(verdicts.filter((verdict) => verdict === 'accept')).toHaveLength(8)
    clock.advance(2_000)
    expect(control.handle(await record(alice, { sequence: 21 }), bob.name)).toBe('accept')
  })

  test('a flood by one sender is ignored unread', async () => {
    const fresh = await record(alice)
    for (let index = 0; index < 512; index++) {
      control.handle(new Uint8Array(10), bob.name)
    }
    expect(control.handle(fresh, bob.name)).toBe('ignore')
    expect(control.handle(fresh, alice.name)).toBe('accept')
  })

  test('members may suspect others, strangers may not, and who is connected is not suspect', async () => {
    control.handle(await record(alice, { sequence: 5 }), bob.name)
    expect(control.handle(await suspicion(bob, alice, 5), bob.name)).toBe('ignore')
    control.handle(await record(bob, { sequence: 5 }), bob.name)
    connected.add(alice.name)
    expect(control.handle(await suspicion(bob, alice, 5), bob.name)).toBe('ignore')
    connected.clear()
    expect(control.handle(await suspicion(bob, alice, 5), bob.name)).toBe('accept')
    expect(control.handle(await suspicion(bob, alice, 5), bob.name)).toBe('ignore')
    clock.advance(20_000)
    membership.expire()
    expect(membership.names()).toEqual([bob.name, self.name].sort())
  })

  test('a forged suspicion is rejected and harms nobody', async () => {
    control.handle(await record(alice, { sequence: 5 }), bob.name)
    control.handle(await record(bob, { sequence: 5 }), bob.name)
    const forged = ControlMessage.encode({
      suspicion: await signSuspicion(alice.key, { federation: FEDERATION, peer: alice.name, sequence: 5, reporter: bob.name })
    })
    expect(control.handle(forged, alice.name)).toBe('reject')
    expect(membership.get(alice.name)!.suspectedMs).toBeUndefined()
  })

  test('a suspicion of this node, or its own record from an earlier life, makes it speak; an invented number does not move it', async () => {
    control.handle(await record(bob, { sequence: 5 }), bob.name)
    expect(control.handle(await suspicion(bob, self, Number.MAX_SAFE_INTEGER), bob.name)).toBe('accept')
    expect(control.handle(await record(self, { sequence: 99 }), bob.name)).toBe('ignore')
    expect(control.handle(await record(self, { sequence: 101 }), bob.name)).toBe('ignore')
    expect(challenges).toEqual([0, 101])
  })

  test('no bytes whatever make it throw', async () => {
    const valid = [await record(alice), await suspicion(alice, bob, 3)]
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
      clock.advance(1_000)
      expect(['accept', 'ignore', 'reject']).toContain(control.handle(data, bob.name))
      decodeControl(data)
      decodeFrame(data)
    }), { numRuns: 2_000 })
    fc.assert(fc.property(fc.constantFrom(...valid), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), fc.nat(), (source, changes, cut) => {
      clock.advance(1_000)
      const data = source.slice(0, source.byteLength - cut % 3)
      changes.forEach(([position, value]) => { data[position % data.byteLength] = value })
      // framing has slack, what is signed has none
      if (control.handle(data, bob.name) === 'accept') {
        expect(decodeControl(data)!.record).toEqual(decodeControl(valid[0]!)!.record)
      }
    }), { numRuns: 2_000 })
  })
})

describe('a frame of the member exchange', () => {
  test('holds a bounded number of members', () => {
    const members = Array.from({ length: 257 }, () => ({ ageMs: 0 }))
    expect(decodeFrame(MemberExchange.encode({ members: members.slice(1), needed: true }))?.members).toHaveLength(256)
    expect(decodeFrame(MemberExchange.encode({ members, needed: true }))).toBeUndefined()
  })

  test('of any bytes decodes to something that is checked, or to nothing', async () => {
    const signed = await sign(alice)
    const valid = MemberExchange.encode({ members: [{ signed, ageMs: 3 }], needed: true })
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }), (changes) => {
      const data = valid.slice()
      changes.forEach(([position, value]) => { data[position % data.byteLength] = value })
      for (const entry of decodeFrame(data)?.members ?? []) {
        const parsed = parseRecord(entry.signed, FEDERATION)
        const intact = parsed !== undefined && Buffer.compare(parsed.signed.record, signed.record) === 0 && Buffer.compare(parsed.signed.signature, signed.signature) === 0
        expect(parsed === undefined || parsed.verify() === intact).toBe(true)
      }
    }), { numRuns: 2_000 })
  })

  test('a suspicion of any bytes is checked, or nothing', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 80 }), (suspicion, signature) => {
      expect(parseSuspicion({ suspicion, signature }, FEDERATION)).toBeUndefined()
    }))
  })
})
