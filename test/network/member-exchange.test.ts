import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, test } from 'vitest'
import { createHost } from '../../src/network/host/host.ts'
import { MAX_FRAME_BYTES, MEMBERS_PROTOCOL } from '../../src/network/members/member-exchange.ts'
import { signRecord } from '../../src/network/members/member-record.ts'
import { markOf } from '../../src/network/members/vouching.ts'
import { MemberExchange } from '../../src/network/wire/membership.ts'
import { FEDERATION, createMeshNode, until } from './mesh.ts'
import type { PrivateKey, Stream } from '@libp2p/interface'
import type { Host } from '../../src/network/host/host.ts'
import type { SignedRecord } from '../../src/network/wire/membership.ts'
import type { MeshNode } from './mesh.ts'

const PATIENCE_MS = 60_000

const stops: Array<() => Promise<void>> = []

afterEach(async () => {
  await Promise.all(stops.splice(0).map(async (stop) => { await stop() }))
})

async function victim (): Promise<MeshNode> {
  const node = await createMeshNode()
  stops.push(node.stop)
  await node.neighbourhood.start()
  return node
}

async function attacker (node: MeshNode): Promise<{ host: Host, key: PrivateKey, open: () => Promise<Stream> }> {
  const key = await generateKeyPair('Ed25519')
  const host = await createHost({ privateKey: key, listen: [], isBanned: () => false })
  stops.push(host.stop)
  await host.start()
  const address = multiaddr(node.addresses()[0])
  return { host, key, open: async () => await host.libp2p.dialProtocol(address, MEMBERS_PROTOCOL) }
}

function frame (content: Uint8Array): Uint8Array {
  const { byteLength } = content
  return Buffer.concat([Uint8Array.of(byteLength & 0x7f | 0x80, byteLength >> 7 & 0x7f | 0x80, byteLength >> 14), content])
}

async function member (fields: Partial<Parameters<typeof signRecord>[1]> = {}): Promise<SignedRecord & { name: string }> {
  const key = await generateKeyPair('Ed25519')
  const name = peerIdFromPrivateKey(key).toString()
  return { name, ...await signRecord(key, { federation: FEDERATION, peer: name, addresses: ['/ip4/127.0.0.1/tcp/1'], sequence: Date.now(), leaving: false, ...fields }) }
}

async function isStillThere (node: MeshNode): Promise<void> {
  const friend = await createMeshNode({ bootstrap: [node.addresses()[0]!] })
  stops.push(friend.stop)
  await friend.neighbourhood.start()
  await until(() => node.neighbourhood.members().includes(friend.name), PATIENCE_MS, 'an honest peer joins')
}

describe('the member exchange with a hostile peer', { timeout: 2 * PATIENCE_MS }, () => {
  test.each<[string, () => Promise<Uint8Array>]>([
    ['garbage', async () => frame(crypto.getRandomValues(new Uint8Array(5_000)))],
    ['a frame that is too long', async () => frame(new Uint8Array(MAX_FRAME_BYTES + 1))],
    ['a length of four gibibytes', async () => Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3)],
    ['a length without end', async () => new Uint8Array(60_000).fill(0xff)],
    ['a forged record', async () => frame(MemberExchange.encode({ members: [{ signed: { ...await member(), signature: new Uint8Array(64) }, ageMs: 0 }], needed: false }))],
    ['a member of another federation', async () => frame(MemberExchange.encode({ members: [{ signed: await member({ federation: 'bafyother' }), ageMs: 0 }], needed: false }))],
    ['an entry without a record', async () => frame(MemberExchange.encode({ members: [{ ageMs: 0 }] as never, needed: false }))]
  ])('%s ends the stream and nothing else', async (_, content) => {
    const node = await victim()
    const { open } = await attacker(node)
    const stream = await open()
    stream.send(await content())
    await until(() => stream.status !== 'open', PATIENCE_MS, 'stream closed')
    expect(node.neighbourhood.members()).toEqual([node.name])
    await isStillThere(node)
  })

  test('true records are taken over from anyone, whoever they are about, and count where a member vouches for them', async () => {
    const node = await victim()
    const { host, key, open } = await attacker(node)
    const stream = await open()
    const [known, unknown] = await Promise.all([member(), member()])
    const own = await signRecord(key, { federation: FEDERATION, peer: host.self, addresses: [], sequence: Date.now(), leaving: false, vouches: [markOf(known.name)] })
    stream.send(frame(MemberExchange.encode({ members: [own, known, unknown].map((signed) => ({ signed, ageMs: 0 })), needed: false })))
    await until(() => node.neighbourhood.members().includes(known.name), PATIENCE_MS, 'member known')
    expect(node.neighbourhood.members()).toEqual([node.name, host.self, known.name].sort())
  })

  test('what was sent before the stream is closed still counts', async () => {
    const node = await victim()
    const { host, key, open } = await attacker(node)
    const stream = await open()
    const known = await Promise.all([member(), member()])
    const vouches = known.map(({ name }) => markOf(name))
    const own = await signRecord(key, { federation: FEDERATION, peer: host.self, addresses: [], sequence: Date.now(), leaving: false, vouches })
    stream.send(Buffer.concat([...known, own].map((signed) => frame(MemberExchange.encode({ members: [{ signed, ageMs: 0 }], needed: false })))))
    await stream.close()
    await until(() => node.neighbourhood.members().length === 4, 5_000, 'all known')
  })

  test('a flood of frames ends the stream, also when it is opened again and again', async () => {
    const node = await victim()
    const { open } = await attacker(node)
    const empty = frame(new Uint8Array(0))
    const stream = await open()
    for (let index = 0; index < 5_000 && stream.status === 'open'; index++) {
      if (!stream.send(empty)) {
        await stream.onDrain().catch(() => {})
      }
    }
    await until(() => stream.status !== 'open', PATIENCE_MS, 'stream closed')
    for (let index = 0; index < 40; index++) {
      const again = await open()
      try {
        again.send(frame(new Uint8Array([0xff])))
      } catch {
        // refused before anything was sent
      }
      await until(() => again.status !== 'open', PATIENCE_MS, 'stream closed')
    }
    await isStillThere(node)
  })
})
