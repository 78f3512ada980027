/**
 * Updates over gossip: one topic for each author, every message checked before it is passed on
 *
 * Checks go from cheap to dear, and what no honest peer would forward is rejected (it costs the sender's score) while
 * what another view of the mesh can explain is ignored.
 */
import '../../promise-with-resolvers.ts'
import { PublishError } from '../../errors.ts'
import { MAX_GOSSIP_MESSAGE_BYTES, MAX_INLINE_PAYLOAD_BYTES, scoreTopic } from '../host/gossip-settings.ts'
import { strangeness } from '../signed/header-fields.ts'
import { createRateLimit } from '../support/rate-limit.ts'
import { authorTopic } from '../support/topics.ts'
import { encodeSigned, matchesPayload, readUpdate, verifyHeader } from '../signed/update-header.ts'
import type { Message, TopicValidatorFn, TopicValidatorResult } from '@libp2p/gossipsub'
import type { Logger, PeerId } from '@libp2p/interface'
import type { Gatekeeper } from '../../governance/governance-interface.ts'
import type { Refused } from '../../blame.ts'
import type { Clock, PeerName, RejectionReason } from '../../interface.ts'
import type { AuthorLog, Verdict } from '../signed/author-log.ts'
import type { GossipMeter } from '../host/gossip-meter.ts'
import type { Understanding } from '../signed/header-fields.ts'
import type { Host } from '../host/host.ts'
import type { RateLimit } from '../support/rate-limit.ts'
import type { ReadUpdate, SignedHeader } from '../signed/update-header.ts'

/** A peer trains for longer than this between two updates, except in tests with toy models */
const UPDATES_PER_SECOND = 100
const UPDATE_BURST = 300
const BYTES_PER_SECOND = 8_388_608
const BYTES_BURST = 33_554_432

/** Decided before the signature: anybody can send such in another's name, and pays for it with its own allowance */
const UNASKED: ReadonlySet<RejectionReason> = new Set<RejectionReason>(['replay', 'unsupported', 'wrong-epoch', 'not-member'])

export interface UpdateGossipComponents {
  host: Host
  log: AuthorLog
  clock: Clock
  logger: Logger
  meter: Pick<GossipMeter, 'chargeReplay'>
  isBanned: (peer: PeerName) => boolean
  /** May an update of this author with this sequence be mixed? @default any */
  gatekeeper?: Pick<Gatekeeper, 'acceptsUpdate'> | undefined
  refuse: (refusal: Refused) => void
  /** A new header, verified and recorded; with its payload, verified too, when that was in the message */
  deliver: (update: ReadUpdate, from: PeerName) => void
}

export interface UpdateGossipInit extends Understanding {
  federation: string
  maxPayloadBytes: number
}

type Outcome = 'accept' | 'ignore' | 'reject'

/** Runs a check as a validator of the router: whatever is thrown inside ignores the message and is logged */
export function validator (logger: Logger, check: (from: PeerName, data: Uint8Array) => Outcome | Promise<Outcome>): TopicValidatorFn {
  return async (from: PeerId, message: Message) => {
    try {
      return await check(from.toString(), message.data) as TopicValidatorResult
    } catch (err) {
      logger.error('a message of %p could not be checked - %e', from, err)
      return 'ignore' as TopicValidatorResult
    }
  }
}

export class UpdateGossip {
  private readonly components: UpdateGossipComponents
  private readonly init: UpdateGossipInit
  private readonly updates: RateLimit
  private readonly bytes: RateLimit
  private readonly followed = new Set<PeerName>()

  constructor (components: UpdateGossipComponents, init: UpdateGossipInit) {
    this.components = components
    this.init = init
    this.updates = createRateLimit(components.clock, { perSecond: UPDATES_PER_SECOND, burst: UPDATE_BURST })
    this.bytes = createRateLimit(components.clock, { perSecond: BYTES_PER_SECOND, burst: BYTES_BURST })
  }

  private topic (author: PeerName): string {
    return authorTopic(this.init.federation, author)
  }

  /** Connected peers that follow the updates of this author, so that they pass them on */
  followers (author: PeerName): PeerName[] {
    return this.components.host.pubsub.getSubscribers(this.topic(author)).map(String)
  }

  /** Subscribes to the topics of these authors and of nobody else */
  follow (authors: readonly PeerName[]): void {
    const { pubsub } = this.components.host
    for (const author of authors) {
      if (!this.followed.has(author)) {
        this.followed.add(author)
        const topic = this.topic(author)
        scoreTopic(pubsub, topic)
        pubsub.topicValidators.set(topic, validator(this.components.logger, async (from, data) => this.check(author, from, data)))
        pubsub.subscribe(topic)
      }
    }
    for (const author of [...this.followed].filter((known) => !authors.includes(known))) {
      this.followed.delete(author)
      pubsub.unsubscribe(this.topic(author))
      pubsub.topicValidators.delete(this.topic(author))
    }
  }

  /**
   * Publishes on the own topic; the payload goes along when it is small
   *
   * Throws PublishError when the router refuses
   */
  async publish (signed: SignedHeader, payload: Uint8Array): Promise<{ recipients: number, inline: boolean }> {
    const inline = payload.byteLength <= MAX_INLINE_PAYLOAD_BYTES
    const message = encodeSigned(signed, inline ? payload : undefined)
    const { host, logger } = this.components
    try {
      const { recipients } = await host.pubsub.publish(this.topic(signed.author), message)
      logger.trace('published round %d', signed.header.round)
      return { recipients: recipients.length, inline }
    } catch (err) {
      throw new PublishError(`round ${signed.header.round} could not be published: ${(err as Error).message}`, { cause: err })
    }
  }

  private refuse (refusal: Refused, outcome: Outcome): Outcome {
    const { meter, refuse } = this.components
    refuse(refusal)
    if (UNASKED.has(refusal.reason)) {
      meter.chargeReplay(refusal.peer)
    }
    return outcome
  }

  /** What only a hostile or broken sender passes on */
  private reject (peer: PeerName, author: PeerName | undefined, reason: RejectionReason): Outcome {
    return this.refuse({ peer, author, reason }, 'reject')
  }

  private async check (author: PeerName, from: PeerName, data: Uint8Array): Promise<Outcome> {
    if (this.components.isBanned(from) || this.components.host.gate?.isOpen(from) === false) {
      return 'ignore'
    }
    const update = readUpdate(data, { ...this.init, maxMessageBytes: MAX_GOSSIP_MESSAGE_BYTES })
    if (typeof update === 'string') {
      return this.reject(from, author, update)
    }
    const { signed } = update
    if (signed.header.federation !== this.init.federation) {
      return this.reject(from, author, 'wrong-federation')
    }
    if (signed.author !== author) {
      return this.reject(from, author, 'wrong-author')
    }
    return this.place(update, from, data.byteLength)
  }

  /** Is it news, and genuine? */
  private async place (update: ReadUpdate, from: PeerName, bytes: number): Promise<Outcome> {
    const { signed, payload } = update
    const { author } = signed
    const strange = strangeness(signed.header, this.init)
    if (strange !== undefined) {
      return this.refuse({ peer: from, author, reason: strange }, 'ignore')
    }
    if (this.components.log.has(signed)) {
      return 'ignore'
    }
    if (this.components.gatekeeper?.acceptsUpdate(author, signed.header.sequence) === false) {
      return this.refuse({ peer: from, author, reason: 'not-member' }, 'ignore')
    }
    // blames nobody, so that it need not be genuine: old messages, of which there are many, cost no check of a
    // signature
    const order = this.components.log.isOutOfOrder(signed)
    if (order !== undefined) {
      return this.outOfOrder(order, from, author)
    }
    if (!await verifyHeader(signed)) {
      return this.reject(from, author, 'bad-signature')
    }
    if (payload !== undefined && !matchesPayload(signed, payload)) {
      return this.reject(from, author, 'payload-hash')
    }
    return this.admit(update, from, bytes)
  }

  /** A genuine message of its author: is it in order, and not too much? */
  private admit (update: ReadUpdate, from: PeerName, bytes: number): Outcome {
    const { signed } = update
    const { author } = signed
    if (this.components.isBanned(author)) {
      return this.refuse({ peer: from, author, reason: 'banned' }, 'ignore')
    }
    const verdict = this.components.log.judge(signed)
    if (verdict !== 'new') {
      return this.outOfOrder(verdict, from, author)
    }
    if (!this.updates.take(author, 1) || !this.bytes.take(author, bytes)) {
      return this.refuse({ peer: from, author, reason: 'rate' }, 'ignore')
    }
    this.components.log.record(signed)
    this.components.deliver(update, from)
    return 'accept'
  }

  /** The sender may not know better: gossip brings old messages now and then, and two headers may meet here first */
  private outOfOrder (verdict: Exclude<Verdict, 'new'>, from: PeerName, author: PeerName): Outcome {
    if (verdict === 'duplicate' || verdict === 'late') {
      return 'ignore'
    }
    return this.refuse({ peer: from, author, reason: verdict }, 'ignore')
  }
}
