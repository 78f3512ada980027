import { randomBytes, sign } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { encodeBallot, readBallot, signaturePrefix, signBallot } from '../../src/consensus/ballot.ts'
import { quorum, toleratedLiars } from '../../src/consensus/quorum.ts'
import { guestProof } from '../../src/governance/handshake.ts'
import { actIdOf, makeBallot, readRecord, signStatement } from '../../src/governance/statements.ts'
import { decodeToken } from '../../src/governance/token.ts'
import { Council, FEDERATION, MemoryDisk, testIdentity } from './council.ts'
import type { AdmissionAnswer, InvitationToken } from '../../src/governance/governance-interface.ts'
import type { Seat, TestIdentity } from './council.ts'

const DAY_MS = 86_400_000

let council: Council

afterEach(async () => {
  await council.stop()
})

/** What a guest does with a token, without a network */
async function redeem (inviter: Seat, guest: TestIdentity, token: string, { records = [] as Uint8Array[] } = {}): Promise<AdmissionAnswer> {
  const { jti, secret, federation, inviter: pinned } = decodeToken(token, council.clock.now())
  const nonce = new Uint8Array(randomBytes(32))
  const begun = inviter.governor.admission.begin({ peer: guest.signer.peer, federation, nonce, records, invitation: jti })
  if ('status' in begun) {
    return begun
  }
  const transcript = { guest: guest.signer.peer, inviter: pinned, guestNonce: nonce, inviterNonce: begun.challenge.nonce, federation, jti }
  return begun.prove(guestProof(secret, transcript))
}

async function request (guest: TestIdentity, name?: string): Promise<Uint8Array> {
  return (await signStatement(guest.signer, { kind: 'request', federation: FEDERATION, at: council.clock.now(), ...(name === undefined ? {} : { name }) })).bytes
}

const standing = (seat: Seat, peer: string): string => seat.governor.standing(peer)
const everybody = (peer: string, wanted: string, seats: readonly Seat[] = council.seats): boolean => seats.filter(({ isRunning }) => isRunning).every((seat) => standing(seat, peer) === wanted)

async function endorse (seats: readonly Seat[], selector: string): Promise<void> {
  for (const seat of seats) {
    await council.clock.run(seat.governor.owner.approve(selector))
  }
}

describe('an invitation', () => {
  it('makes its guest a member everywhere, offline checkable, and nobody a voter', async () => {
    council = await Council.found(4)
    const [founder] = council.seats as [Seat]
    const { token } = await founder.governor.owner.invite({ name: 'clinic-b' })
    const guest = testIdentity()
    const answer = await redeem(founder, guest, token)
    expect(answer).toMatchObject({ status: 'admitted', document: Uint8Array.of(1, 2, 3) })
    await council.until(() => everybody(guest.signer.peer, 'member'), 5_000)
    const seat = await council.seat(guest, { records: (answer as { records: Uint8Array[] }).records })
    expect(seat.governor.owner.status()).toMatchObject({ standing: 'member', role: 'member' })
    expect(founder.governor.owner.status().members.find(({ peer }) => peer === guest.signer.peer)).toMatchObject({ role: 'member', inviter: founder.peer, name: 'clinic-b' })
    // who knows nothing but the first document is convinced by the credentials alone
    const stranger = await council.seat(testIdentity(), { records: seat.governor.credentials() })
    expect(standing(stranger, guest.signer.peer)).toBe('member')
  })

  it('is used as often as it says, by the same peer again at no cost, and by nobody after it was cancelled or ran out', async () => {
    council = await Council.found(1)
    const [founder] = council.seats as [Seat]
    const { token } = await founder.governor.owner.invite({ uses: 2 })
    const [first, second, third] = [testIdentity(), testIdentity(), testIdentity()]
    expect(await redeem(founder, first, token)).toMatchObject({ status: 'admitted' })
    expect(await redeem(founder, first, token)).toMatchObject({ status: 'admitted' })
    expect(await redeem(founder, second, token)).toMatchObject({ status: 'admitted' })
    expect(await redeem(founder, third, token)).toEqual({ status: 'refused', reason: 'invitation-used' })
    const { token: other, invitation } = await founder.governor.owner.invite({ lifeMs: 60_000 })
    await founder.governor.owner.cancelInvitation(invitation.jti.slice(0, 8))
    expect(await redeem(founder, third, other)).toEqual({ status: 'refused', reason: 'unknown-invitation' })
    const { token: short } = await founder.governor.owner.invite({ lifeMs: 60_000 })
    const decoded = decodeToken(short, council.clock.now())
    await council.pass(61_000)
    expect(founder.governor.admission.begin({ peer: third.signer.peer, federation: FEDERATION, nonce: new Uint8Array(32), records: [], invitation: decoded.jti })).toEqual({ status: 'refused', reason: 'invitation-expired' })
  })

  it('is redeemed by nobody who does not know the secret, and by its inviter alone', async () => {
    council = await Council.found(4)
    const [founder, other] = council.seats as [Seat, Seat]
    const { token } = await founder.governor.owner.invite({})
    const guest = testIdentity()
    const { jti } = decodeToken(token, council.clock.now())
    const begun = founder.governor.admission.begin({ peer: guest.signer.peer, federation: FEDERATION, nonce: new Uint8Array(32), records: [], invitation: jti })
    expect(await (begun as { prove: (proof: Uint8Array) => Promise<AdmissionAnswer> }).prove(new Uint8Array(32))).toEqual({ status: 'refused', reason: 'wrong-proof' })
    expect(await redeem(other, guest, token)).toEqual({ status: 'refused', reason: 'unknown-invitation' })
    expect(standing(founder, guest.signer.peer)).toBe('unknown')
  })

  it('gives two guests at once two numbers, and no more guests than the limit', async () => {
    council = await Council.found(1, { guestsPerMember: 2 })
    const [founder] = council.seats as [Seat]
    const { token } = await founder.governor.owner.invite({ uses: 2 })
    const guests = [testIdentity(), testIdentity()]
    const answers = await Promise.all(guests.map(async (guest) => redeem(founder, guest, token)))
    expect(answers.map(({ status }) => status)).toEqual(['admitted', 'admitted'])
    expect(guests.map(({ signer }) => standing(founder, signer.peer))).toEqual(['member', 'member'])
    await expect(founder.governor.owner.invite({})).rejects.toMatchObject({ name: 'GovernanceError', reason: 'limit' })
    await council.clock.run(founder.governor.owner.propose({ do: 'raise-limit', peer: founder.peer, guests: 3 }))
    await council.until(() => founder.governor.owner.status().slot === 1, 1_000)
    const { token: third } = await founder.governor.owner.invite({})
    expect(await redeem(founder, testIdentity(), third)).toMatchObject({ status: 'admitted' })
  })

  it('holds over a restart of the inviter, who gives no number twice', async () => {
    council = await Council.found(1)
    const [founder] = council.seats as [Seat]
    const { token } = await founder.governor.owner.invite({ uses: 2 })
    const guest = testIdentity()
    expect(await redeem(founder, guest, token)).toMatchObject({ status: 'admitted' })
    await council.end(founder)
    const again = await council.seat(founder.identity, { keys: founder.keys, disk: founder.disk })
    expect(standing(again, guest.signer.peer)).toBe('member')
    const second = testIdentity()
    expect(await redeem(again, second, token)).toMatchObject({ status: 'admitted' })
    expect(again.governor.owner.invitations()[0]!.guests.map(({ number }) => number)).toEqual([1, 2])
    expect(standing(again, second.signer.peer)).toBe('member')
  })

  it('lets nobody in while the disk is full, and the same guest later', async () => {
    council = await Council.found(1)
    const [founder] = council.seats as [Seat]
    const { token } = await founder.governor.owner.invite({})
    const guest = testIdentity()
    founder.disk.isFull = true
    expect(await redeem(founder, guest, token)).toEqual({ status: 'refused', reason: 'busy' })
    expect(standing(founder, guest.signer.peer)).toBe('unknown')
    founder.disk.isFull = false
    expect(await redeem(founder, guest, token)).toMatchObject({ status: 'admitted' })
  })

  it('is signed and says where and until when; a changed character is told from a forged one', async () => {
    council = await Council.found(1)
    const [founder] = council.seats as [Seat]
    const { token, invitation } = await founder.governor.owner.invite({ name: 'b', approve: true })
    const read: InvitationToken = decodeToken(token, council.clock.now())
    expect(read).toMatchObject({ federation: FEDERATION, inviter: founder.peer, approve: true, name: 'b', expiresAt: invitation.expiresAt, addresses: [`/ip4/127.0.0.1/tcp/4001/p2p/${founder.peer}`] })
    expect(() => decodeToken(`${token.slice(0, 20)}${token[20] === 'A' ? 'B' : 'A'}${token.slice(21)}`, council.clock.now())).toThrow(expect.objectContaining({ name: 'InvitationError', reason: 'checksum' }))
  })
})

describe('people', () => {
  it('let a stranger in who asked: nothing happens before a quorum of 7 said yes, and then within seconds', async () => {
    council = await Council.found(7)
    const guest = testIdentity()
    const [first] = council.seats as [Seat]
    expect(first.governor.admission.begin({ peer: guest.signer.peer, nonce: new Uint8Array(32), records: [await request(guest, 'clinic-c')] })).toEqual({ status: 'waiting' })
    await council.until(() => council.seats.every((seat) => seat.governor.owner.requests().length === 1), 15_000)
    expect(council.seats[6]!.governor.owner.requests()[0]).toMatchObject({ peer: guest.signer.peer, name: 'clinic-c', missing: 5 })
    await endorse(council.seats.slice(0, 4), guest.signer.peer)
    await council.pass(60_000)
    expect(everybody(guest.signer.peer, 'unknown')).toBe(true)
    expect(council.seats[6]!.governor.owner.acts()).toMatchObject([{ missing: 1, act: { do: 'admit', name: 'clinic-c' } }])
    await endorse(council.seats.slice(4, 5), guest.signer.peer.slice(-8))
    const tookMs = await council.until(() => everybody(guest.signer.peer, 'member'), 9_000)
    expect(tookMs).toBeLessThan(3_000)
    expect(first.governor.admission.begin({ peer: guest.signer.peer, nonce: new Uint8Array(32), records: [] })).toMatchObject({ status: 'admitted' })
    expect(council.seats.every((seat) => seat.governor.owner.acts().length === 0 && seat.governor.owner.requests().length === 0)).toBe(true)
  })

  it('are asked about the guest of an invitation that wants them to be', async () => {
    council = await Council.found(1)
    const [founder] = council.seats as [Seat]
    const { token } = await founder.governor.owner.invite({ approve: true })
    const guest = testIdentity()
    expect(await redeem(founder, guest, token)).toEqual({ status: 'refused', reason: 'malformed' })
    expect(await redeem(founder, guest, token, { records: [await request(guest)] })).toEqual({ status: 'waiting' })
    expect(standing(founder, guest.signer.peer)).toBe('unknown')
    await endorse([founder], guest.signer.peer)
    await council.until(() => standing(founder, guest.signer.peer) === 'member', 1_000)
  })

  it('admit a guest for good, who then no longer falls with its inviter; only then it may become a voter', async () => {
    council = await Council.found(1)
    const [founder] = council.seats as [Seat]
    const guest = testIdentity()
    await redeem(founder, guest, (await founder.governor.owner.invite({ name: 'b' })).token)
    await expect(founder.governor.owner.propose({ do: 'appoint', peer: guest.signer.peer })).rejects.toMatchObject({ name: 'GovernanceError' })
    await endorse([founder], guest.signer.peer.slice(-6))
    expect(founder.governor.owner.status().members.find(({ peer }) => peer === guest.signer.peer)).toMatchObject({ slot: 0 })
    await expect(founder.governor.owner.approve(guest.signer.peer)).rejects.toMatchObject({ reason: 'no-such-act' })
  })

  it('are not fooled by whoever names keys of its own for the others', async () => {
    council = await Council.found(4)
    await council.pass(11_000)
    const [liar, honest] = council.seats as [Seat, Seat]
    const { voters, epoch } = liar.governor.owner.status()
    const keys = await Promise.all([901, 902, 903].map(async (other) => liar.keys.create(other)))
    const gone = voters[3]!.peer
    const next = voters.slice(0, 3).map(({ peer }, index) => ({ peer, votingKey: keys[index]! })).sort((a, b) => a.peer < b.peer ? -1 : 1)
    const lie = await signStatement(liar.identity.signer, { kind: 'endorsement', federation: FEDERATION, epoch, at: council.clock.now(), act: { do: 'dismiss', peer: gone, voters: next } })
    council.seats.forEach(({ governor }) => { governor.take(lie.bytes, liar.peer) })
    await expect(honest.governor.owner.approve(gone)).rejects.toMatchObject({ name: 'GovernanceError', reason: 'void' })
    // whoever proposes it itself names the right ones
    await council.clock.run(honest.governor.owner.propose({ do: 'dismiss', peer: gone }))
    expect(honest.governor.owner.acts()).toHaveLength(2)
  })

  it('are heard once the disk takes their votes, and not before', async () => {
    council = await Council.found(2)
    await council.pass(11_000)
    const [one, other] = council.seats as [Seat, Seat]
    await council.clock.run(one.governor.owner.propose({ do: 'raise-limit', peer: one.peer, guests: 9 }))
    await council.pass(2_000)
    const voter = one.governor.owner.status().voters.findIndex(({ peer }) => peer === one.peer)
    const told: number[] = []
    one.governor.addEventListener('records', ({ detail }) => {
      // others' are passed on
      told.push(...detail.records.map((record) => readRecord(record)).flatMap((record) => record?.type === 'ballot' ? readBallot(record.message)?.voter ?? [] : []))
    })
    one.disk.isFull = true
    await endorse([other], one.peer)
    await council.pass(20_000)
    expect(told).not.toContain(voter)
    expect(one.governor.owner.decisions()).toHaveLength(0)
    expect(one.warnings).toContain('ballots')
    one.disk.isFull = false
    await council.until(() => council.seats.every(({ governor }) => governor.owner.decisions().length === 1), 60_000)
    expect(told).toContain(voter)
  })

  it('revoke a member for good, with its guests; updates from before it count, later ones do not', async () => {
    council = await Council.found(4)
    const [founder] = council.seats as [Seat]
    const bad = testIdentity()
    const answer = await redeem(founder, bad, (await founder.governor.owner.invite({})).token)
    const seat = await council.seat(bad, { records: (answer as { records: Uint8Array[] }).records })
    await council.until(() => everybody(bad.signer.peer, 'member'), 15_000)
    const friend = testIdentity()
    await redeem(seat, friend, (await seat.governor.owner.invite({})).token)
    await council.until(() => everybody(friend.signer.peer, 'member'), 15_000)
    council.seats.forEach(({ governor }) => { governor.noteUpdate(bad.signer.peer, 41) })
    await council.clock.run(founder.governor.owner.propose({ do: 'revoke', peer: bad.signer.peer, reason: 'stolen' }))
    await council.until(() => council.seats.every(({ governor }) => governor.owner.acts().length === 1), 15_000)
    await endorse(council.seats.slice(1, 3), bad.signer.peer)
    const tookMs = await council.until(() => everybody(bad.signer.peer, 'revoked') && everybody(friend.signer.peer, 'revoked'), 15_000)
    expect(tookMs).toBeLessThan(5_000)
    expect(council.seats.map(({ governor }) => [governor.acceptsUpdate(bad.signer.peer, 41), governor.acceptsUpdate(bad.signer.peer, 42)])).toEqual(council.seats.map(() => [true, false]))
    expect(founder.governor.admission.begin({ peer: bad.signer.peer, federation: FEDERATION, nonce: new Uint8Array(32), records: [await request(bad)] })).toEqual({ status: 'refused', reason: 'revoked' })
    await expect(founder.governor.owner.propose({ do: 'admit', peer: bad.signer.peer })).rejects.toMatchObject({ name: 'GovernanceError', reason: 'void' })
    // what it says itself counts nowhere any more
    await expect(seat.governor.owner.invite({})).rejects.toMatchObject({ reason: 'not-a-member' })
  })

  it('make a voter: a new epoch, other keys, and the old ones are gone', async () => {
    council = await Council.found(4)
    const [founder] = council.seats as [Seat]
    const colleague = testIdentity()
    founder.governor.admission.begin({ peer: colleague.signer.peer, nonce: new Uint8Array(32), records: [await request(colleague)] })
    await council.until(() => council.seats.every((seat) => seat.governor.owner.requests().length === 1), 15_000)
    await endorse(council.seats.slice(0, 3), colleague.signer.peer)
    await council.until(() => everybody(colleague.signer.peer, 'member'), 15_000)
    const seat = await council.seat(colleague, { records: (founder.governor.admission.begin({ peer: colleague.signer.peer, nonce: new Uint8Array(32), records: [] }) as { records: Uint8Array[] }).records })
    await council.pass(15_000)
    const keysBefore = council.seats.map(({ keys }) => [...keys.held.values()].map(({ epoch }) => epoch))
    expect(keysBefore).toEqual([[0, 1], [0, 1], [0, 1], [0, 1], [1]])
    await council.clock.run(founder.governor.owner.propose({ do: 'appoint', peer: colleague.signer.peer }))
    await council.pass(10_000)
    await endorse(council.seats.slice(1, 3), colleague.signer.peer)
    await council.until(() => council.seats.every(({ governor }) => governor.owner.status().epoch === 1), 15_000)
    await council.pass(20_000)
    expect(seat.governor.owner.status()).toMatchObject({ role: 'voter', quorum: quorum(5), toleratedLiars: toleratedLiars(5) })
    expect(council.seats.map(({ keys }) => [...keys.held.values()].map(({ epoch }) => epoch))).toEqual(council.seats.map(() => [1, 2]))
    // and the new council decides
    await council.clock.run(seat.governor.owner.propose({ do: 'dismiss', peer: founder.peer }))
    await council.pass(10_000)
    await endorse(council.seats.slice(1, 4), founder.peer)
    await council.until(() => council.seats.every(({ governor }) => governor.owner.status().epoch === 2), 15_000)
    expect(founder.governor.owner.status()).toMatchObject({ role: 'member', standing: 'member' })
  })

  it('who are gone for good are dismissed by the others, with the key that they had', async () => {
    council = await Council.found(4)
    await council.pass(15_000)
    const [first, , , lost] = council.seats as [Seat, Seat, Seat, Seat]
    await council.end(lost)
    await council.clock.run(first.governor.owner.propose({ do: 'dismiss', peer: lost.peer }))
    await council.pass(6_000)
    await endorse(council.seats.slice(1, 3), lost.peer)
    await council.until(() => council.seats.slice(0, 3).every(({ governor }) => governor.owner.status().epoch === 1), 30_000)
    expect(first.governor.owner.status().voters).toHaveLength(3)
  })

  it('see why nothing is decided: a part without a quorum is paused, and training is not its matter', async () => {
    council = await Council.found(7)
    council.part(council.seats.slice(0, 5), council.seats.slice(5))
    expect(council.seats[6]!.governor.owner.status().paused).toBe('2 of 7 voters reachable; decisions need 5: paused; training goes on')
    expect(council.seats[0]!.governor.owner.status().paused).toBeUndefined()
  })
})

describe('a home', () => {
  it('that was killed after the votes, before the decision was written, decides the same again', async () => {
    council = await Council.found(1)
    const [founder] = council.seats as [Seat]
    await council.pass(6_000)
    await council.clock.run(founder.governor.owner.propose({ do: 'raise-limit', peer: founder.peer, guests: 9 }))
    const [decision] = founder.governor.owner.decisions()
    const killed = new MemoryDisk()
    founder.disk.entries.forEach((value, key) => killed.entries.set(key, value))
    expect([...killed.entries.keys()].some((key) => key.startsWith('ballot/'))).toBe(true)
    expect(killed.entries.has(`record/${decision!.id}`)).toBe(false)
    await council.end(founder)
    const again = await council.seat(founder.identity, { keys: founder.keys, disk: killed })
    await council.until(() => again.governor.owner.decisions().length === 1, 10_000)
    expect(again.governor.owner.decisions()[0]!.id).toBe(decision!.id)
    expect(again.warnings).toEqual([])
  })

  it('of a newcomer is handed every decision, also where they are many', async () => {
    council = await Council.found(1)
    const [founder] = council.seats as [Seat]
    for (let guests = 5; guests < 85; guests++) {
      await council.clock.run(founder.governor.owner.propose({ do: 'raise-limit', peer: founder.peer, guests }))
      await council.until(() => founder.governor.owner.decisions().length === guests - 4, 1_000)
    }
    const colleague = testIdentity()
    founder.governor.admission.begin({ peer: colleague.signer.peer, nonce: new Uint8Array(32), records: [await request(colleague)] })
    await endorse([founder], colleague.signer.peer)
    await council.until(() => standing(founder, colleague.signer.peer) === 'member', 1_000)
    const guest = testIdentity()
    const answer = await redeem(founder, guest, (await founder.governor.owner.invite({})).token)
    const seat = await council.seat(guest, { records: (answer as { records: Uint8Array[] }).records })
    expect(seat.governor.owner.status()).toMatchObject({ slot: 81, standing: 'member' })
    expect(standing(seat, colleague.signer.peer)).toBe('member')
  })

  it('that was put back from a copy does not vote in this epoch, once it hears its own vote', async () => {
    council = await Council.found(4)
    await council.pass(11_000)
    const [copied, ...others] = council.seats as [Seat, Seat, Seat, Seat]
    const copy = new MemoryDisk()
    copied.disk.entries.forEach((value, key) => copy.entries.set(key, value))
    // it votes, and nobody decides: the others do not hear each other
    council.dropped = (from, to) => from !== copied && to !== copied
    council.held = (record) => readRecord(record)?.type === 'decision'
    await council.clock.run(copied.governor.owner.propose({ do: 'raise-limit', peer: copied.peer, guests: 9 }))
    await council.pass(200)
    council.dropped = () => true
    for (const seat of others.slice(0, 2)) {
      await endorse([seat], copied.peer)
    }
    await council.end(copied)
    council.dropped = () => false
    council.held = () => false
    const again = await council.seat(copied.identity, { keys: copied.keys, disk: copy })
    await council.until(() => others.every(({ governor }) => governor.owner.decisions().length === 1), 60_000)
    expect(again.governor.owner.decisions().map(({ id }) => id)).toEqual(others[0].governor.owner.decisions().map(({ id }) => id))
  })
})

describe('time', () => {
  it('renews the certificates of guests whose inviter is there, and ends others after a grace', async () => {
    council = await Council.found(1, { certificateDays: 10 })
    const [founder] = council.seats as [Seat]
    const guest = testIdentity()
    await redeem(founder, guest, (await founder.governor.owner.invite({})).token)
    const expiry = (): number => founder.governor.owner.status().members.find(({ peer }) => peer === guest.signer.peer)!.expiresAt!
    const first = expiry()
    council.clock.now = ((now) => () => now() + 6 * DAY_MS)(council.clock.now)
    await council.pass(11_000)
    expect(expiry()).toBeGreaterThan(first + 5 * DAY_MS)
    await council.end(founder)
    const observer = await council.seat(testIdentity(), { disk: founder.disk })
    council.clock.now = ((now) => () => now() + 11 * DAY_MS)(council.clock.now)
    await council.pass(2_000)
    expect(observer.governor.owner.status().members.find(({ peer }) => peer === guest.signer.peer)).toMatchObject({ inGrace: true })
    council.clock.now = ((now) => () => now() + 2 * DAY_MS)(council.clock.now)
    await council.pass(2_000)
    expect(standing(observer, guest.signer.peer)).toBe('expired')
  })
})

describe('liars', () => {
  /** A second process with the key of a voter, on the other side */
  async function twin (liar: Seat): Promise<Seat> {
    const disk = new MemoryDisk()
    return council.seat(liar.identity, { keys: liar.keys, disk })
  }

  function rawSigner ({ keys }: Seat): (message: Uint8Array) => Uint8Array {
    const { privateKey } = [...keys.held.values()].find(({ epoch }) => epoch === 0)!
    return (message) => new Uint8Array(sign(null, message, privateKey))
  }

  it.each([[5, 2], [4, 3]])('two of seven voters that bridge a %i/%i partition and vote both ways: one decision stands, they are proven, all agree after healing', async (large, small) => {
    council = await Council.found(7, { seed: large * 10 + small })
    await council.pass(11_000)
    const honest = council.seats.slice(2)
    const liars = council.seats.slice(0, 2)
    const twins = [await twin(liars[0]!), await twin(liars[1]!)]
    // the sizes count the liars on the side of the first
    const here = honest.slice(0, large - 2)
    const there = honest.slice(large - 2)
    expect([here.length + 2, there.length + 2]).toEqual([large, small + 2])
    const [one, other] = [testIdentity(), testIdentity()]
    const ask = async (seat: Seat, guest: TestIdentity): Promise<void> => { seat.governor.admission.begin({ peer: guest.signer.peer, nonce: new Uint8Array(32), records: [await request(guest)] }) }
    await ask(here[0]!, one)
    await ask(there[0]!, other)
    await council.pass(12_000)
    // everybody wants both, and no vote gets anywhere before the cut
    council.held = (record) => readRecord(record)?.type === 'ballot'
    await endorse([...liars, ...honest], one.signer.peer)
    await endorse([...liars, ...honest], other.signer.peer)
    await council.pass(100)
    council.part([...liars, ...here], [...twins, ...there])
    council.held = () => false
    await council.pass(60_000)
    const stand = new Set(honest.flatMap(({ governor }) => governor.owner.decisions().slice(0, 1).map(({ actId }) => actId)))
    expect(stand.size).toBeLessThan(2)
    council.heal()
    // what they signed for the two sides is known on both from now on
    const voters = honest[0]!.governor.owner.status().voters
    for (const liar of liars) {
      const voter = voters.findIndex(({ peer }) => peer === liar.peer)
      for (const guest of [one, other]) {
        const value = actIdOf(FEDERATION, 0, { do: 'admit', peer: guest.signer.peer })
        const vote = signBallot(signaturePrefix({ federation: FEDERATION, epoch: 0, slot: 0 }), { kind: 'vote', iteration: 1, voter, value }, rawSigner(liar))
        honest.forEach(({ governor }) => { governor.take(makeBallot({ epoch: 0, slot: 0, message: encodeBallot(vote) }).bytes, liar.peer) })
      }
    }
    await council.until(() => honest.every(({ governor }) => governor.owner.decisions().length === 2), 120_000)
    expect([...stand].every((actId) => honest[0]!.governor.owner.decisions()[0]!.actId === actId)).toBe(true)
    const chosen = honest.map(({ governor }) => governor.owner.decisions().map(({ id }) => id).join())
    expect(new Set(chosen).size).toBe(1)
    expect(honest.every(({ verdicts }) => verdicts.invalid === 0)).toBe(true)
    expect(honest.map(({ warnings }) => warnings.filter((code) => code === 'equivocating-voter').length)).toEqual(honest.map(() => 2))
    expect(honest.every(({ warnings }) => !warnings.includes('abstains'))).toBe(true)
  })
})
