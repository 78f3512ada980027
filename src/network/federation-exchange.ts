/**
 * How a joiner that knows nothing but an address gets the federation document
 *
 * The answer needs no trust: the document's id is its hash, and a joiner that was given the id refuses any other.
 */
import '../promise-with-resolvers.ts'
import { setTimeout as delay } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { anySignal } from 'any-signal'
import { AdmissionRefusedError, BootstrapError, FederationMismatchError, InvalidFederationError, PullError } from '../errors.ts'
import { changedMessage, documentNames } from '../federation/federation-id.ts'
import { version1Notice } from '../federation/version-1-notice.ts'
import { MAX_FEDERATION_BYTES } from '../limits.ts'
import { peerOf, requireReachable } from './host/address.ts'
import { PROTOCOL_VERSION } from './signed/header-fields.ts'
import { bootstrapError, explainDialFailure } from './host/dial-failure.ts'
import { createHost } from './host/host.ts'
import { otherVersion } from './protocol-versions.ts'
import { createRateLimit } from './support/rate-limit.ts'
import { StreamBytes, watchStream } from './support/stream-bytes.ts'
import { ADMISSION_PROTOCOL, FEDERATION_PROTOCOL, VERSION_1_FEDERATION_PROTOCOL } from './support/topics.ts'
import { FederationResponse } from './wire/federation.ts'
import type { Connection, PrivateKey, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../interface.ts'
import type { Host } from './host/host.ts'

/** One address gets this long, all its stages together */
const ADDRESS_TIMEOUT_MS = 10_000
const STALL_MS = 5_000
const IDENTIFY_ATTEMPTS = 5
const IDENTIFY_RETRY_MS = 200
const MAX_RESPONSE_BYTES = MAX_FEDERATION_BYTES + 16
const MAX_STREAMS_PER_PEER = 4

const CLOSED = 'the federation there is closed, and gives its document to members only: ask one of them for an invitation (grapevine invite), or join and wait to be approved'

export interface FetchFederationInit {
  /** The own key, to notice when an address is one's own */
  privateKey?: PrivateKey
  /** Tried in this order; at least one */
  addresses: readonly string[]
  /** Id of the only federation that is acceptable */
  expected?: string
  signal: AbortSignal
}

export interface FetchedFederation {
  bytes: Uint8Array
  id: string
  /** The address that answered */
  address: string
}

async function request (connection: Connection, signal: AbortSignal): Promise<Uint8Array> {
  const stream = await connection.newStream([FEDERATION_PROTOCOL], { signal })
  const bytes = new StreamBytes(stream, { maxUnreadBytes: MAX_RESPONSE_BYTES })
  const stop = watchStream(stream, () => bytes.received, { stallMs: STALL_MS, signal })
  const cancel = (): void => { bytes.cancel(new PullError('it took too long, or was cancelled')) }
  signal.addEventListener('abort', cancel, { once: true })
  try {
    signal.throwIfAborted()
    const response = FederationResponse.decode(await bytes.readMessage(MAX_RESPONSE_BYTES))
    await stream.close({ signal })
    return response.document
  } finally {
    signal.removeEventListener('abort', cancel)
    stop()
  }
}

/**
 * What the other end speaks; empty where it does not say. It was asked when the connection opened, too, may not have
 * answered yet, and answers one question at a time
 */
async function protocolsOf ({ services }: Host['libp2p'], connection: Connection, signal: AbortSignal): Promise<string[]> {
  for (let attempt = 1; attempt <= IDENTIFY_ATTEMPTS && connection.status === 'open'; attempt++) {
    try {
      return (await services.identify.identify(connection, { signal })).protocols
    } catch {
      await delay(IDENTIFY_RETRY_MS, undefined, { signal }).catch(() => {
        // out of time: what is known then has to do
      })
    }
  }
  return []
}

/** What a connected peer that gives no document is: a stranger, slow, or of another version */
async function explainRefusal ({ libp2p }: Host, { address, connection, signal }: { address: string, connection: Connection, signal: AbortSignal }, err: unknown): Promise<BootstrapError | AdmissionRefusedError> {
  const protocols = await protocolsOf(libp2p, connection, signal)
  if (protocols.includes(ADMISSION_PROTOCOL)) {
    return new AdmissionRefusedError(`${address}: ${CLOSED}`, 'not-a-member', { cause: err })
  }
  const version = otherVersion(protocols)
  if (version !== undefined) {
    return bootstrapError(address, version < PROTOCOL_VERSION ? 'older-protocol' : 'newer-protocol', `protocol ${version}`, err)
  }
  return bootstrapError(address, signal.aborted ? 'timeout' : 'not-grapevine', (err as Error).message, err)
}

async function fetchFrom (host: Host, address: Multiaddr, init: FetchFederationInit): Promise<FetchedFederation> {
  const text = address.toString()
  const self = init.privateKey === undefined ? undefined : peerIdFromPrivateKey(init.privateKey).toString()
  if (self !== undefined && peerOf(address) === self) {
    throw bootstrapError(text, 'self', '')
  }
  const timeout = new AbortController()
  const timer = setTimeout(() => { timeout.abort(new DOMException('no answer in time', 'TimeoutError')) }, ADDRESS_TIMEOUT_MS)
  const signal = anySignal([init.signal, timeout.signal])
  let connection: Connection
  let bytes: Uint8Array
  try {
    connection = await host.libp2p.dial(address, { signal }).catch(async (err: unknown) => { throw await explainDialFailure(address, err, init.signal) })
    if (connection.remotePeer.toString() === self) {
      throw bootstrapError(text, 'self', '')
    }
    bytes = await request(connection, signal).catch(async (err: unknown) => { throw await explainRefusal(host, { address: text, connection, signal }, err) })
  } finally {
    clearTimeout(timer)
    signal.clear()
  }
  const { federation: id, epoch } = documentNames(bytes)
  if (epoch > 0) {
    // it may say that it belongs to any federation: the next address may have the document that it all began with
    throw new InvalidFederationError(`${text}: ${changedMessage({ epoch, federation: id })}`)
  }
  if (init.expected !== undefined && id !== init.expected) {
    throw new FederationMismatchError(`${text} belongs to federation ${id}, not to ${init.expected}: check the address or the expected id`)
  }
  return { bytes, id, address: text }
}

/**
 * The federation document of the first address that answers
 *
 * Throws InvalidAddressError when an address is malformed, FederationMismatchError when the answer is not the expected
 * federation, AdmissionRefusedError when the federation there is closed, and BootstrapError, which names the last
 * address and says why, when no address leads to one
 */
export async function fetchFederation (init: FetchFederationInit): Promise<FetchedFederation> {
  const addresses = init.addresses.map(requireReachable)
  if (addresses.length === 0) {
    throw new BootstrapError('no address to join through was given', 'unreachable')
  }
  const host = await createHost({ privateKey: await generateKeyPair('Ed25519'), listen: [], isBanned: () => false })
  await host.start()
  try {
    let failure: unknown
    for (const address of addresses) {
      if (init.signal.aborted) {
        break
      }
      try {
        return await fetchFrom(host, address, init)
      } catch (err) {
        failure = err
      }
    }
    throw failure ?? init.signal.reason
  } finally {
    await host.stop()
  }
}

/**
 * Gives the document to everyone who asks, a few times a second, and a program of version 0.1 the reason to update; in
 * an invited federation to members only, and without a wait: a stranger is to learn at once that it is closed
 */
export async function serveFederation (components: { host: Host, clock: Clock }, document: Uint8Array): Promise<void> {
  const limit = createRateLimit(components.clock, { perSecond: 1, burst: 16 })
  const offers: Array<[protocol: string, answer: Uint8Array]> = [
    [FEDERATION_PROTOCOL, document], [VERSION_1_FEDERATION_PROTOCOL, version1Notice(document)]
  ]
  for (const [protocol, answer] of offers) {
    const response = FederationResponse.encode({ document: Uint8Array.from(answer) })
    await components.host.handleAnyone(protocol, (stream, connection) => {
      const peer = connection.remotePeer.toString()
      const isWelcome = components.host.gate?.isOpen(peer) !== false
      const respond = isWelcome && limit.take(peer, 1) ? send(stream, response) : Promise.reject(new RangeError(isWelcome ? 'too many requests' : 'members only'))
      respond.catch((err: unknown) => {
        stream.abort(err instanceof Error ? err : new TypeError(String(err)))
      })
    }, { maxInboundStreams: MAX_STREAMS_PER_PEER })
  }
}

async function send (stream: Stream, response: Uint8Array): Promise<void> {
  const bytes = new StreamBytes(stream)
  let sent = 0
  const stop = watchStream(stream, () => sent, { stallMs: STALL_MS })
  try {
    await bytes.writeMessage(response)
    sent += response.byteLength
    await stream.close()
  } finally {
    stop()
  }
}
