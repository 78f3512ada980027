/**
 * How a peer enters an invited federation: with an invitation, or by asking and waiting for people to decide
 *
 * It speaks under its own key with a host that serves nothing, and needs to trust no answer: the document's id is its
 * hash, and the records prove themselves.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { anySignal } from 'any-signal'
import { AdmissionRefusedError, BootstrapError, FederationMismatchError, InvalidFederationError } from '../../errors.ts'
import { changedMessage, documentNames } from '../../federation/federation-id.ts'
import { peerOf, requireReachable } from '../host/address.ts'
import { bootstrapError, explainDialFailure } from '../host/dial-failure.ts'
import { createHost } from '../host/host.ts'
import { STATUS_ADMITTED, STATUS_REFUSED } from './frames.ts'
import { askAdmission } from './redemption.ts'
import { refusalReason, refusalWords } from './refusal-words.ts'
import type { Connection, PrivateKey } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { InvitationToken } from '../../governance/governance-interface.ts'
import type { PeerName } from '../../interface.ts'
import type { Host } from '../host/host.ts'
import type { AdmissionAnswer } from '../wire/admission.ts'
import type { Proofs } from './redemption.ts'

/** One address gets this long, all its stages together */
const ADDRESS_TIMEOUT_MS = 15_000
/** Between two questions of whoever waits to be approved: each time half as long again */
const FIRST_POLL_MS = 5_000
const MAX_POLL_MS = 30_000
const POLL_GROWTH = 1.5
/** Of a peer that is too busy */
const BUSY_ATTEMPTS = 5
const BUSY_MS = 1_000

export interface EnterInvitedInit {
  /** The own key: the one that becomes a member */
  privateKey: PrivateKey
  /** Full multiaddrs, tried in this order: those of the token where there is one; at least one */
  addresses: readonly string[]
  /** Only the peer that made it is acceptable */
  token?: Pick<InvitationToken, 'federation' | 'inviter' | 'jti' | 'secret'> | undefined
  /** Id of the only federation that is acceptable */
  expected?: string | undefined
  /** A record that asks to be admitted to this federation, for people to decide; without it nobody is asked */
  request?: ((federation: string) => Uint8Array | Promise<Uint8Array>) | undefined
  proofs: Proofs
  signal: AbortSignal
  /** The request is filed, and waits for people; called once */
  onWaiting?: ((waiting: { federation: string, address: string }) => void) | undefined
  /** First wait of whoever waits to be approved. @default 5000 */
  pollMs?: number
}

export interface EnteredFederation {
  /** The federation's first document */
  document: Uint8Array
  id: string
  /** The address that answered */
  address: string
  /** What proves that this peer is a member, and that the one that answered is */
  records: Uint8Array[]
}

class Entrance {
  readonly #host: Host
  readonly #init: EnterInvitedInit
  /** Known from the token, from the operator, or since a member named it */
  #federation: string
  /** The invitation was redeemed, and waits for a decision: it cannot be redeemed again */
  #isRedeemed = false
  #isWaiting = false

  constructor (host: Host, init: EnterInvitedInit) {
    this.#host = host
    this.#init = init
    this.#federation = init.token?.federation ?? init.expected ?? ''
  }

  /** Asks until it is in, or refused */
  async enter (addresses: readonly Multiaddr[]): Promise<EnteredFederation> {
    let pollMs = this.#init.pollMs ?? FIRST_POLL_MS
    for (;;) {
      const entered = await this.#anyOf(addresses)
      if (entered !== undefined) {
        return entered
      }
      await delay(pollMs, undefined, { signal: this.#init.signal })
      pollMs = Math.min(MAX_POLL_MS, pollMs * POLL_GROWTH)
    }
  }

  /** Undefined while the request waits */
  async #anyOf (addresses: readonly Multiaddr[]): Promise<EnteredFederation | undefined> {
    let failure: unknown
    for (const address of addresses) {
      this.#init.signal.throwIfAborted()
      try {
        return await this.#through(address)
      } catch (err) {
        this.#init.signal.throwIfAborted()
        if (!(err instanceof BootstrapError)) {
          throw err
        }
        failure = err
      }
    }
    if (!this.#isWaiting) {
      throw failure
    }
    // filed already: a peer that is off for a while is no reason to give up
    return undefined
  }

  async #through (address: Multiaddr): Promise<EnteredFederation | undefined> {
    const timeout = new AbortController()
    const timer = setTimeout(() => { timeout.abort(new DOMException('no answer in time', 'TimeoutError')) }, ADDRESS_TIMEOUT_MS)
    const signal = anySignal([this.#init.signal, timeout.signal])
    try {
      const connection = await this.#dial(address, signal)
      const answer = await this.#answer(connection, signal).catch((err: unknown) => { throw explain(err, address, timeout.signal) })
      return this.#judge(answer, address.toString())
    } finally {
      clearTimeout(timer)
      signal.clear()
    }
  }

  async #dial (address: Multiaddr, signal: AbortSignal): Promise<Connection> {
    const text = address.toString()
    if (peerOf(address) === this.#host.self) {
      throw bootstrapError(text, 'self', '')
    }
    const connection = await this.#host.libp2p.dial(address, { signal }).catch(async (err: unknown) => { throw await explainDialFailure(address, err, this.#init.signal) })
    const peer = connection.remotePeer.toString()
    const { token } = this.#init
    if (peer === this.#host.self) {
      throw bootstrapError(text, 'self', '')
    }
    if (token !== undefined && peer !== token.inviter) {
      throw bootstrapError(text, 'wrong-peer', `${peer} did not make the invitation`)
    }
    return connection
  }

  async #answer (connection: Connection, signal: AbortSignal): Promise<AdmissionAnswer> {
    const { token } = this.#init
    if (token === undefined && this.#federation === '') {
      const answer = await this.#ask(connection, signal)
      if (answer.status === STATUS_ADMITTED || answer.federation === '') {
        return answer
      }
      this.#federation = answer.federation
    }
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#ask(connection, signal)
      if (answer.status !== STATUS_REFUSED || answer.reason !== 'busy' || attempt === BUSY_ATTEMPTS) {
        return answer
      }
      await delay(BUSY_MS, undefined, { signal })
    }
  }

  async #ask (connection: Connection, signal: AbortSignal): Promise<AdmissionAnswer> {
    const { token, request, proofs } = this.#init
    const record = this.#federation === '' ? undefined : await request?.(this.#federation)
    return askAdmission(connection, {
      ...{ self: this.#host.self, proofs, signal, federation: this.#federation },
      ...{ records: record === undefined ? [] : [record], token: this.#isRedeemed ? undefined : token }
    })
  }

  #judge (answer: AdmissionAnswer, address: string): EnteredFederation | undefined {
    if (answer.status === STATUS_REFUSED) {
      const reason = refusalReason(answer.reason)
      throw new AdmissionRefusedError(`${address}: ${refusalWords(reason)}`, reason)
    }
    if (answer.status === STATUS_ADMITTED) {
      return this.#entered(answer, address)
    }
    this.#isRedeemed = true
    if (!this.#isWaiting) {
      this.#isWaiting = true
      this.#init.onWaiting?.({ federation: this.#federation, address })
    }
    return undefined
  }

  #entered ({ document, records, credentials }: AdmissionAnswer, address: string): EnteredFederation {
    const { federation: id, epoch } = documentNames(document)
    if (epoch > 0) {
      throw new InvalidFederationError(`${address}: ${changedMessage({ epoch, federation: id })}`)
    }
    const { token, expected } = this.#init
    const wanted = [token?.federation, expected].find((known) => known !== undefined && known !== id)
    if (wanted !== undefined) {
      throw new FederationMismatchError(`${address} belongs to federation ${id}, not to ${wanted}: check the ${token === undefined ? 'address or the expected id' : 'invitation'}`)
    }
    return { document, id, address, records: [...records, ...credentials] }
  }
}

/** Of a connected peer that did not answer */
function explain (err: unknown, address: Multiaddr, timeout: AbortSignal): unknown {
  if (err instanceof AdmissionRefusedError) {
    return err
  }
  const text = address.toString()
  return timeout.aborted ? bootstrapError(text, 'timeout', '', err) : bootstrapError(text, 'not-grapevine', 'no answer about admission', err)
}

/** Of the token's addresses, those of its inviter: Noise proves who answers */
function pinned (addresses: readonly string[], inviter: PeerName | undefined): Multiaddr[] {
  const parsed = addresses.map(requireReachable)
  const of = parsed.filter((address) => inviter === undefined || [undefined, inviter].includes(peerOf(address)))
  if (of.length === 0) {
    throw new BootstrapError(parsed.length === 0 ? 'no address to join through was given' : `no address leads to ${inviter}, which made the invitation`, 'unreachable')
  }
  return of
}

/**
 * Makes this peer a member of the federation that an address leads to
 *
 * Throws InvalidAddressError when an address is malformed, AdmissionRefusedError when a member says no, or does not
 * know the invitation, FederationMismatchError when the federation is not the expected one, BootstrapError, which names
 * the last address and says why, when no address leads to one; rejects when the signal aborts
 */
export async function enterInvited (init: EnterInvitedInit): Promise<EnteredFederation> {
  const addresses = pinned(init.addresses, init.token?.inviter)
  const { token, expected, privateKey } = init
  if (token !== undefined && expected !== undefined && token.federation !== expected) {
    throw new FederationMismatchError(`the invitation is for federation ${token.federation}, not for ${expected}`)
  }
  if (token?.inviter === peerIdFromPrivateKey(privateKey).toString()) {
    throw new AdmissionRefusedError('the invitation was made by this peer itself: give it to somebody else', 'own')
  }
  const host = await createHost({ privateKey, listen: [], isBanned: () => false })
  await host.start()
  try {
    return await new Entrance(host, init).enter(addresses)
  } finally {
    await host.stop()
  }
}
