import { createServer } from 'node:net'
import { encode as encodeCbor } from '@ipld/dag-cbor'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, it } from 'vitest'
import { decodeFederation, encodeFederation } from '../../src/federation/document.ts'
import { federationId } from '../../src/federation/federation-id.ts'
import { successor } from '../../src/federation/successor.ts'
import { fetchFederation, serveFederation } from '../../src/network/federation-exchange.ts'
import { StreamBytes } from '../../src/network/support/stream-bytes.ts'
import { FederationResponse } from '../../src/network/wire/federation.ts'
import { MAX_FEDERATION_BYTES } from '../../src/limits.ts'
import { presetDocument } from '../../src/presets.ts'
import { systemClock } from '../../src/system-clock.ts'
import { failure } from '../../src/contracts/helpers.ts'
import { Stage } from './nodes.ts'
import type { Server } from 'node:net'
import type { FetchedFederation, FetchFederationInit } from '../../src/network/federation-exchange.ts'

const stage = new Stage()
const servers: Server[] = []

afterEach(async () => {
  servers.splice(0).forEach((server) => { server.close() })
  await stage.strike()
})

const document = encodeFederation({ ...presetDocument('digits'), name: 'exchange' })

async function tcpServer (onConnection: Parameters<typeof createServer>[1] = () => {}): Promise<number> {
  const server = createServer(onConnection as never)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}

async function fetch (address: string, init: Partial<FetchFederationInit> = {}): Promise<FetchedFederation> {
  return fetchFederation({ addresses: [address], signal: AbortSignal.timeout(30_000), ...init })
}

async function reason (promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (err) {
    return `${(err as Error).name} ${(err as { reason?: string }).reason ?? ''}: ${(err as Error).message}`
  }
  return 'it did not fail'
}

async function founder (bytes = document): Promise<string> {
  const host = await stage.host()
  await serveFederation({ host, clock: systemClock }, bytes)
  await host.start()
  return host.libp2p.getMultiaddrs()[0]!.toString()
}

describe('fetchFederation', () => {
  it('gets the document from an address, with and without the peer id', async () => {
    const address = await founder()

    for (const form of [address, address.replace(/\/p2p\/.*/, '')]) {
      const fetched = await fetch(form, { expected: federationId(document) })
      expect(fetched).toMatchObject({ id: federationId(document), address: form })
      expect(Buffer.from(document).equals(fetched.bytes)).toBe(true)
    }
  })

  it('gets the largest document, which comes in many parts at once', async () => {
    const large = encodeCbor({ large: new Uint8Array(MAX_FEDERATION_BYTES - 64).map((_, index) => index) })
    for (let time = 0; time < 5; time++) {
      const fetched = await fetch(await founder(large))
      expect(Buffer.from(large).equals(fetched.bytes)).toBe(true)
    }
  })

  it('tries the next address when one fails', async () => {
    const fetched = await fetchFederation({ addresses: ['/ip4/127.0.0.1/tcp/1', await founder()], signal: AbortSignal.timeout(30_000) })

    expect(fetched.id).toBe(federationId(document))
  })

  it('refuses a federation other than the expected one', async () => {
    expect(await failure(fetch(await founder(), { expected: 'bafyother' }))).toMatch(/^FederationMismatchError: .* not to bafyother/)
  })

  it('says that nothing listens', async () => {
    expect(await reason(fetch('/ip4/127.0.0.1/tcp/1'))).toMatch(/^BootstrapError refused: cannot join through \/ip4\/127\.0\.0\.1\/tcp\/1: nothing listens there/)
  })

  it('says that something else answers', async () => {
    const port = await tcpServer((socket) => {
      socket.on('error', () => {})
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    })
    expect(await reason(fetch(`/ip4/127.0.0.1/tcp/${port}`))).toMatch(/^BootstrapError not-libp2p: .*not a Grapevine peer/)
  })

  it('says so too when that something says nothing', async () => {
    const port = await tcpServer((socket) => { socket.on('error', () => {}) })
    expect(await reason(fetch(`/ip4/127.0.0.1/tcp/${port}`))).toMatch(/^BootstrapError not-libp2p/)
  })

  it('says that another peer answers', async () => {
    const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
    const address = (await founder()).replace(/\/p2p\/.*/, `/p2p/${other}`)
    expect(await reason(fetch(address))).toMatch(/^BootstrapError wrong-peer: .*another peer answers there/)
  })

  it('says that the address is its own', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const host = await stage.startedHost({ privateKey })
    const address = host.libp2p.getMultiaddrs()[0]!.toString()

    expect(await reason(fetch(address, { privateKey }))).toMatch(/^BootstrapError self/)
    expect(await reason(fetch(address.replace(/\/p2p\/.*/, ''), { privateKey }))).toMatch(/^BootstrapError self/)
  })

  it('says that a libp2p peer knows no federation', async () => {
    const host = await stage.startedHost()
    expect(await reason(fetch(host.libp2p.getMultiaddrs()[0]!.toString()))).toMatch(/^BootstrapError not-grapevine/)
  })

  it('says that the peer there speaks an older or a newer protocol, and which program to update', async () => {
    for (const [version, words] of [[1, /older-protocol: .*update the peer there \[protocol 1\]/], [3, /newer-protocol: .*update this program \[protocol 3\]/]] as const) {
      const host = await stage.host()
      await host.libp2p.handle(`/grapevine/federation/${version}.0.0`, (stream) => { stream.abort(new Error('no')) })
      await host.start()
      expect(await reason(fetch(host.addresses()[0]!))).toMatch(words)
    }
  })

  it('takes no document that says that it is a changed one of the expected federation, and asks the next address', async () => {
    const changed = encodeFederation(successor(decodeFederation(document), { name: 'changed' }))
    const liar = await stage.host()
    await serveFederation({ host: liar, clock: systemClock }, changed)
    await liar.start()
    const [address] = liar.addresses()
    expect(await reason(fetch(address!, { expected: federationId(document) }))).toMatch(/^InvalidFederationError .* is change 1 of federation bafyrei/)
    const fetched = await fetchFederation({ addresses: [address!, await founder()], expected: federationId(document), signal: AbortSignal.timeout(30_000) })
    expect(fetched.id).toBe(federationId(document))
  })

  it('tells a program of version 0.1 to update, in the name of a field, which is all that it prints', async () => {
    const [connection, host] = [await founder(), await stage.startedHost()]
    const stream = await host.libp2p.dialProtocol(multiaddr(connection), ['/grapevine/federation/1.0.0'])
    const answer = FederationResponse.decode(await new StreamBytes(stream).readMessage(300_000)).document
    expect(() => decodeFederation(answer)).toThrow(/unknown field "this peer speaks protocol 2, not 1: update Grapevine to join"/)
  })

  it('ends when the stream is reset at once', async () => {
    const host = await stage.host()
    await host.libp2p.handle('/grapevine/federation/2.0.0', (stream) => { stream.abort(new Error('no')) })
    await host.start()
    expect(await reason(fetch(host.addresses()[0]!))).toMatch(/^BootstrapError not-grapevine/)
  }, 9_000)

  it('ends when it is cancelled while a peer accepts the question and says nothing', async () => {
    const host = await stage.host()
    const controller = new AbortController()
    await host.libp2p.handle('/grapevine/federation/2.0.0', () => { controller.abort() })
    await host.start()
    expect(await reason(fetch(host.addresses()[0]!, { signal: controller.signal }))).toMatch(/^BootstrapError timeout|AbortError/)
  }, 4_000)

  it('goes to a peer whose id is given as a CID', async () => {
    const address = await founder()
    const cid = peerIdFromString(address.split('/p2p/')[1]!).toCID().toString()
    expect((await fetch(address.replace(/\/p2p\/.*/, `/p2p/${cid}`))).id).toBe(federationId(document))
  })

  it('takes no more than a document may be long', async () => {
    const host = await stage.host()
    await host.libp2p.handle('/grapevine/federation/2.0.0', (stream) => { stream.send(Uint8Array.of(0xff, 0xff, 0xff, 0x7f)) })
    await host.start()
    expect(await reason(fetch(host.libp2p.getMultiaddrs()[0]!.toString()))).toMatch(/^BootstrapError not-grapevine: .*announced a message of 268435455 bytes/)
  })

  it('refuses what is no address, with an example', async () => {
    expect(await reason(fetch('127.0.0.1:4100'))).toMatch(/^InvalidAddressError : "127\.0\.0\.1:4100" is not a multiaddr; .*\/tcp\/4100\/p2p\//)
    expect(await reason(fetch('/ip4/127.0.0.1/udp/1'))).toMatch(/^InvalidAddressError : .*only TCP/)
  })

  it('ends when its signal aborts', async () => {
    const port = await tcpServer((socket) => { socket.on('error', () => {}) })
    const controller = new AbortController()
    const fetched = reason(fetchFederation({ addresses: [`/ip4/127.0.0.1/tcp/${port}`], signal: controller.signal }))
    controller.abort()
    expect(await fetched).toMatch(/BootstrapError|AbortError/)
  })
})
