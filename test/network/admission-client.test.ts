/**
 * Entering an invited federation over TCP: with an invitation, by asking, and all the ways in which that must fail
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, describe, expect, it } from 'vitest'
import { failure } from '../../src/contracts/helpers.ts'
import { documentId } from '../../src/federation/federation-id.ts'
import { enterInvited } from '../../src/network/admission/admission-client.ts'
import { fetchFederation } from '../../src/network/federation-exchange.ts'
import { AdmissionStream } from '../../src/network/admission/frames.ts'
import { ADMISSION_PROTOCOL } from '../../src/network/support/topics.ts'
import { FakeGatekeeper, guestProof, inviterProof, memberRecord, sameProof } from './gatekeeper.ts'
import { Stage } from './nodes.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { EnterInvitedInit } from '../../src/network/admission/admission-client.ts'
import type { AdmissionMessage } from '../../src/network/wire/admission.ts'
import type { FakeInvitation } from './gatekeeper.ts'
import type { TestNetwork } from './nodes.ts'

const DOCUMENT = Uint8Array.of(0xa1, 0x61, 0x61, 0x01)
const ID = documentId(DOCUMENT)
const proofs = { guestProof, inviterProof, sameProof }

const stage = new Stage()
afterEach(async () => stage.strike())

interface Inviter { network: TestNetwork, gatekeeper: FakeGatekeeper, addresses: string[] }

async function inviter (): Promise<Inviter> {
  const privateKey = await generateKeyPair('Ed25519')
  const self = peerIdFromPrivateKey(privateKey).toString()
  const gatekeeper = new FakeGatekeeper(self, [self], ID)
  gatekeeper.document = DOCUMENT
  const network = await stage.network({ privateKey, gatekeeper, federationId: ID, federationBytes: DOCUMENT })
  await network.start()
  return { network, gatekeeper, addresses: network.addresses() }
}

function tokenOf ({ network }: Inviter, { jti, secret }: FakeInvitation): NonNullable<EnterInvitedInit['token']> {
  return { federation: ID, inviter: network.self, jti, secret }
}

async function enter (init: Partial<EnterInvitedInit> & Pick<EnterInvitedInit, 'addresses'>): Promise<Awaited<ReturnType<typeof enterInvited>> & { privateKey: PrivateKey }> {
  const privateKey = init.privateKey ?? await generateKeyPair('Ed25519')
  return { privateKey, ...await enterInvited({ privateKey, proofs, signal: AbortSignal.timeout(20_000), ...init }) }
}

describe('an invitation', () => {
  it('makes whoever redeems it a member, with the document and what proves it', async () => {
    const host = await inviter()
    const entered = await enter({ addresses: host.addresses, token: tokenOf(host, host.gatekeeper.invite()) })
    const guest = peerIdFromPrivateKey(entered.privateKey).toString()
    expect({ document: entered.document, id: entered.id }).toEqual({ document: DOCUMENT, id: ID })
    expect(entered.records.map((record) => Buffer.from(record).toString())).toEqual([memberRecord(guest), memberRecord(host.network.self)].map(String))
    expect(host.gatekeeper.standing(guest)).toBe('member')
    // and gets the document in the ordinary way as well, but a stranger does not
    const again = await enter({ addresses: host.addresses, privateKey: entered.privateKey })
    expect(again.id).toBe(ID)
    expect(await failure(fetchFederation({ addresses: host.addresses, signal: AbortSignal.timeout(10_000) }))).toMatch(/^AdmissionRefusedError: .*closed.*invitation/)
  })

  it.each([
    ['used already', (invitation: FakeInvitation): void => { invitation.used = true }, /used already: ask for a new one/],
    ['unknown', (invitation: FakeInvitation): void => { invitation.jti = new Uint8Array(16) }, /does not know this invitation/],
    ['of another secret', (invitation: FakeInvitation): void => { invitation.secret = new Uint8Array(32) }, /does not know the secret/]
  ])('is refused in words when it is %s', async (_name, spoil, words) => {
    const host = await inviter()
    const invitation = host.gatekeeper.invite()
    const token = tokenOf(host, invitation)
    spoil(invitation)
    expect(await failure(enter({ addresses: host.addresses, token }))).toMatch(words)
  })

  it('is redeemed with the inviter alone, at whatever address it answers', async () => {
    const [host, other] = [await inviter(), await inviter()]
    const invitation = host.gatekeeper.invite()
    other.gatekeeper.invitations.push(invitation)
    const addresses = other.addresses.map((address) => address.replace(other.network.self, host.network.self))
    expect(await failure(enter({ addresses, token: tokenOf(host, invitation) }))).toMatch(/^BootstrapError: .*another peer answers there/)
    expect(await failure(enter({ addresses: other.addresses, token: tokenOf(host, invitation) }))).toMatch(/^BootstrapError: no address leads to/)
    expect(invitation.used).toBe(false)
  })

  it('gives a fake inviter no proof, whatever it says', async () => {
    const host = await inviter()
    const invitation = host.gatekeeper.invite()
    const fake = await stage.startedHost()
    const got: AdmissionMessage[] = []
    await fake.handleAnyone(ADMISSION_PROTOCOL, (raw) => {
      const stream = new AdmissionStream(raw)
      const talk = async (): Promise<void> => {
        got.push(await stream.readFirst())
        // the real inviter's challenge to the fake one, handed on: its proof names another guest, and another inviter
        await stream.write({ challenge: { nonce: new Uint8Array(32), proof: Uint8Array.from(inviterProof(invitation.secret, { guest: fake.self, inviter: host.network.self, guestNonce: got[0]!.hello!.nonce, inviterNonce: new Uint8Array(32), federation: ID, jti: invitation.jti })) } })
        got.push(await stream.readReply())
      }
      talk().catch(() => {})
    })
    const token = { ...tokenOf(host, invitation), inviter: fake.self }
    expect(await failure(enter({ addresses: fake.addresses(), token }))).toMatch(/AdmissionRefusedError: .* does not know the secret/)
    expect(got.map(({ hello, proof }) => ({ hello: hello !== undefined, proof }))).toEqual([{ hello: true, proof: undefined }])
  })

  it('is not redeemed by a proof of another direction, of another guest, or by one used before', async () => {
    const host = await inviter()
    const invitation = host.gatekeeper.invite()
    const thief = await stage.startedHost()
    const nonce = new Uint8Array(32).fill(3)
    const attempt = async (forge: (challenge: { nonce: Uint8Array, proof: Uint8Array }) => Uint8Array): Promise<string> => {
      const connection = await thief.libp2p.dial(host.network.host.libp2p.getMultiaddrs(), { force: true })
      const stream = new AdmissionStream(await connection.newStream(ADMISSION_PROTOCOL))
      await stream.write({ hello: { federation: ID, nonce, records: [], invitation: Uint8Array.from(invitation.jti), brief: false } })
      const { challenge } = await stream.readReply()
      await stream.write({ proof: Uint8Array.from(forge(challenge!)) })
      const { reason } = (await stream.readReply()).answer!
      connection.abort(new Error('done'))
      return reason
    }
    const transcript = { guest: 'somebody else', inviter: host.network.self, guestNonce: nonce, federation: ID, jti: invitation.jti }
    let earlier = new Uint8Array(32)
    expect(await attempt(({ proof }) => proof)).toBe('wrong-proof')
    expect(await attempt((challenge) => {
      // made from the secret, which the thief does not have: as if it had been overheard
      earlier = Uint8Array.from(guestProof(invitation.secret, { ...transcript, guest: thief.self, inviterNonce: challenge.nonce }))
      return guestProof(invitation.secret, { ...transcript, inviterNonce: challenge.nonce })
    })).toBe('wrong-proof')
    expect(await attempt(() => earlier)).toBe('wrong-proof')
    expect(host.gatekeeper.standing(thief.self)).toBe('unknown')
    expect(invitation.used).toBe(false)
  })
})

describe('a request', () => {
  it('waits for people, and is in when they decide', async () => {
    const host = await inviter()
    const privateKey = await generateKeyPair('Ed25519')
    const guest = peerIdFromPrivateKey(privateKey).toString()
    const waiting: unknown[] = []
    const entering = enter({
      privateKey,
      addresses: host.addresses,
      request: (federation) => Buffer.from(`request ${guest} ${federation}`),
      pollMs: 50,
      onWaiting: (detail) => {
        waiting.push(detail)
        host.gatekeeper.make(memberRecord(guest))
      }
    })
    expect((await entering).id).toBe(ID)
    expect(waiting).toEqual([{ federation: ID, address: host.addresses[0] }])
  })

  it('ends with the signal, and is refused where nothing is asked', async () => {
    const host = await inviter()
    const stop = new AbortController()
    const entering = failure(enter({ addresses: host.addresses, request: () => Buffer.from('request nobody x'), signal: stop.signal, pollMs: 50 }))
    expect(await entering).toMatch(/^AdmissionRefusedError: .*no member of the federation/)
    const privateKey = await generateKeyPair('Ed25519')
    const waiting = failure(enter({ privateKey, addresses: host.addresses, request: () => Buffer.from(`request ${peerIdFromPrivateKey(privateKey).toString()} x`), signal: stop.signal, onWaiting: () => { stop.abort(new Error('enough')) } }))
    expect(await waiting).toMatch(/enough|AbortError/)
    expect(await failure(enter({ addresses: host.addresses }))).toMatch(/AdmissionRefusedError/)
    expect(await failure(enter({ addresses: host.addresses, expected: documentId(Uint8Array.of(1)) }))).toMatch(/another federation/)
  })
})
