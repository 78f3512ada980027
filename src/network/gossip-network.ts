/**
 * The network port over libp2p: host, gossip, streams and membership put together
 */
import '../promise-with-resolvers.ts'
import { PublishError } from '../errors.ts'
import { lastingController } from '../lasting-controller.ts'
import { Admission } from './admission/admission.ts'
import { AuthorLog } from './signed/author-log.ts'
import { Reputation } from './bans.ts'
import { CatchUp } from './updates/catch-up.ts'
import { ContainedEventEmitter } from './support/contained-events.ts'
import { joinControlTopic } from './control-topic.ts'
import { serveFederation } from './federation-exchange.ts'
import { ForwardAllowance } from './host/forward-allowance.ts'
import { GossipMeter } from './host/gossip-meter.ts'
import { createHost } from './host/host.ts'
import { KeyframePuller } from './updates/keyframe-pull.ts'
import { MAX_GOVERNANCE_BYTES } from './members/control-messages.ts'
import { LiveNeighbours } from './updates/live-neighbours.ts'
import { OwnUpdates } from './updates/own-updates.ts'
import { guardedBy } from './support/guard.ts'
import { openConnections } from './host/open-connections.ts'
import { PeerRanks } from './host/peer-ranks.ts'
import { warnOfVersions } from './protocol-versions.ts'
import { PullQueue } from './updates/pull-queue.ts'
import { receivedUpdate } from './updates/received-update.ts'
import { RecentSet } from './support/recent-set.ts'
import { Refusals } from './refusals.ts'
import { createSteps } from './updates/steps.ts'
import { UpdateCache } from './updates/update-cache.ts'
import { UpdateGossip } from './updates/update-gossip.ts'
import { UpdatePuller } from './updates/update-pull.ts'
import { UpdateServer } from './updates/update-server.ts'
import type { Logger, PeerId } from '@libp2p/interface'
import type { Refused } from '../blame.ts'
import type { AbortOptions, EarlierLife, IdentityUse, Neighbour, Network, NetworkEvents, OutgoingMessage, OutgoingUpdate, PeerName, PublishReceipt, ReceivedUpdate, RejectionReason, Traffic, UnansweredAddress } from '../interface.ts'
import type { EquivocationProof } from './signed/equivocation.ts'
import type { Host } from './host/host.ts'
import type { OpenConnection } from './host/open-connections.ts'
import type { Neighbourhood } from './members/neighbourhood-interface.ts'
import type { NetworkInit } from './network-interface.ts'
import type { Steps } from './updates/steps.ts'
import type { ReadUpdate } from './signed/update-header.ts'
import type { PulledUpdate } from './updates/update-pull.ts'

/** Recent payloads kept for others: at least this, and at least a few of the largest */
const MIN_CACHE_BYTES = 16_777_216
const CACHE_PAYLOADS = 4
/** Gossip streams come and go without an event: liveness of neighbours is looked at this often */
const LIVENESS_INTERVAL_MS = 250
const MAX_DELIVERED_IDS = 1_024

/** Membership over a host that is made already */
export type NeighbourhoodFactory = (host: Host) => Neighbourhood

interface Parts {
  host: Host
  logger: Logger
  reputation: Reputation
  refusals: Refusals
  log: AuthorLog
  own: OwnUpdates
  cache: UpdateCache
  gossip: UpdateGossip
  queue: PullQueue
  server: UpdateServer
  /** Undefined where rounds have no exchange but that of updates */
  steps: Steps | undefined
  catchUp: CatchUp
  keyframes: KeyframePuller
  neighbourhood: Neighbourhood
  live: LiveNeighbours
  /** Undefined in an open federation */
  admission: Admission | undefined
}

export class GossipNetwork extends ContainedEventEmitter<NetworkEvents> implements Network {
  private readonly init: NetworkInit
  private parts!: Parts
  private readonly ranks = new PeerRanks()
  private livenessTimer: NodeJS.Timeout | undefined
  /** Ids of the updates that the round engine was told of */
  private readonly delivered = new RecentSet(MAX_DELIVERED_IDS)
  private readonly stopping = lastingController()
  private state: 'new' | 'started' | 'stopped' = 'new'
  private starting: Promise<void> | undefined
  private ending: Promise<void> | undefined
  self: PeerName = ''

  constructor (init: NetworkInit) {
    super((type, err) => { this.parts.logger.error('a listener of "%s" failed - %e', type, err) })
    this.init = init
  }

  // ---------------------------------------------------------------------------------------- building

  /** Makes all parts; nothing runs yet. Throws InvalidAddressError */
  async build (createNeighbourhood: NeighbourhoodFactory): Promise<void> {
    const { init, ranks } = this
    const { clock, federationId: federation, epoch = 0, maxPayloadBytes, replicas } = init
    const reputation = new Reputation({ store: init.store, clock })
    const isBanned = (peer: PeerName): boolean => reputation.isBanned(peer)
    const refuse = (refusal: Refused): void => { this.refuse(refusal) }
    const refusePeer = (peer: PeerName, reason: RejectionReason, author?: PeerName): void => { this.refuse({ peer, author, reason }) }
    const deliver = (update: PulledUpdate): void => { this.deliver(update) }
    const meter = new GossipMeter({ clock, ranks, refuse: refusePeer })
    const { gatekeeper } = init
    const admission = gatekeeper && new Admission({ ...init, gatekeeper, maxToldBytes: MAX_GOVERNANCE_BYTES, onMalformed: (peer) => { this.refuse({ peer, author: undefined, reason: 'malformed' }) }, warn: (detail) => { this.safeDispatchEvent('warning', { detail }) } })
    const host = await createHost({
      gate: admission?.gate,
      privateKey: init.privateKey,
      ...{ listen: init.listen, ports: init.ports },
      ...(init.announce.length === 0 ? {} : { announce: init.announce }),
      isBanned,
      rankOf: (peer) => ranks.of(peer),
      forwarding: new ForwardAllowance({ clock, ranks }),
      watchStream: (stream) => { meter.watch(stream, () => this.parts.host.libp2p) }
    })
    this.self = host.self
    const logger = host.libp2p.logger.forComponent('grapevine:network')
    const log = new AuthorLog()
    const cache = new UpdateCache({ self: host.self, maxBytes: Math.max(MIN_CACHE_BYTES, CACHE_PAYLOADS * maxPayloadBytes) })
    const limits = { federation, epoch, maxPayloadBytes, kinds: replicas?.kinds, vectors: init.vectors }
    const own = new OwnUpdates({ cache, logger, privateKey: init.privateKey, store: init.store }, { ...limits, self: host.self, keep: init.keepPublished ?? false })
    const puller = new UpdatePuller({ host, clock, ranks, refuse: refusePeer }, limits)
    const keyframes = new KeyframePuller({ puller, clock, refuse: refusePeer }, { maxKeyframeBytes: replicas?.maxKeyframeBytes ?? 0 })
    const neighbourhood = createNeighbourhood(host)
    ranks.isMember = (peer) => neighbourhood.isMember(peer)
    const queue = new PullQueue({ puller, refuse, deliver, signal: this.stopping.signal })
    const catchUp = new CatchUp({ host, gatekeeper, puller, cache, log, clock, logger, neighbourhood, isBanned, refuse, deliver })
    const announced = (update: ReadUpdate, from: PeerName): void => { this.announced(update, from) }
    const gossip = new UpdateGossip({ host, gatekeeper, log, clock, logger, meter, isBanned, refuse, deliver: announced }, limits)
    const server = new UpdateServer({ host, cache, log, clock, ranks, replicas, refuse: refusePeer }, limits)
    const steps = createSteps({ host, clock, log, logger, ranks, privateKey: init.privateKey, refuse: refusePeer, deliver: (detail) => { this.safeDispatchEvent('message', { detail }) } }, { federation, epoch, limits: init.steps })
    const refusals = new Refusals({ host, log, logger, neighbourhood, reputation })
    const live = new LiveNeighbours({ host, neighbourhood, gossip, log })
    admission?.gate.onChange(() => { cache.retain(({ signed }) => gatekeeper!.acceptsUpdate(signed.author, signed.header.sequence)) })
    this.parts = { host, logger, reputation, refusals, log, own, cache, gossip, queue, server, steps, catchUp, keyframes, neighbourhood, live, admission }
  }

  // ---------------------------------------------------------------------------------------- life cycle

  async start (options: AbortOptions = {}): Promise<void> {
    if (this.state === 'stopped') {
      throw new TypeError('a network that was stopped cannot be started again')
    }
    this.state = 'started'
    this.starting ??= this.startParts(options)
    return this.starting
  }

  private async startParts (options: AbortOptions): Promise<void> {
    const { host, reputation, server, neighbourhood, catchUp } = this.parts
    try {
      await reputation.load()
      await this.parts.own.load()
      options.signal?.throwIfAborted()
      this.listen()
      await this.parts.admission?.start(host, this.parts.logger)
      await server.start()
      await this.parts.steps?.server.start()
      await serveFederation({ host, clock: this.init.clock }, this.init.federationBytes)
      await host.start()
      joinControlTopic({
        ...this.parts,
        clock: this.init.clock,
        ranks: this.ranks,
        isBanned: (peer) => reputation.isBanned(peer),
        refuse: (refusal) => { this.refuse(refusal) }
      }, this.init.federationId)
      await neighbourhood.start()
      this.followNeighbours()
      catchUp.start()
      this.livenessTimer = setInterval(() => { this.checkLiveness() }, LIVENESS_INTERVAL_MS)
    } catch (err) {
      this.state = 'stopped'
      await this.stopParts({ signal: AbortSignal.abort() })
      throw err
    }
  }

  async stop (options: AbortOptions = {}): Promise<void> {
    if (this.state !== 'new') {
      this.state = 'stopped'
      await (this.ending ??= this.end(options))
    }
  }

  /** A start that is under way would open again what is closed before it */
  private async end (options: AbortOptions): Promise<void> {
    if (await this.starting?.then(() => true, () => false) === true) {
      await this.stopParts(options)
    }
  }

  private async stopParts (options: AbortOptions): Promise<void> {
    clearInterval(this.livenessTimer)
    const { host, neighbourhood, catchUp, queue } = this.parts
    try {
      await neighbourhood.stop(options)
    } finally {
      this.stopping.abort()
      catchUp.stop()
      queue.stop()
      this.parts.admission?.stop()
      await host.stop()
    }
  }

  /** Everything that comes from outside passes a guard: an exception in a listener would end the process */
  private listen (): void {
    const { host, neighbourhood, logger } = this.parts
    const guard = guardedBy(logger)
    host.libp2p.addEventListener('peer:connect', guard<PeerId>((peer) => {
      const address = host.libp2p.getConnections(peer)[0]?.remoteAddr.toString() ?? ''
      this.safeDispatchEvent('peer:connect', { detail: { peer: peer.toString(), address } })
      this.checkLiveness()
    }))
    host.libp2p.addEventListener('peer:disconnect', guard<PeerId>((peer) => {
      this.safeDispatchEvent('peer:disconnect', { detail: { peer: peer.toString() } })
      this.checkLiveness()
    }))
    warnOfVersions(host, (detail) => { this.safeDispatchEvent('warning', { detail }) })
    host.pubsub.addEventListener('subscription-change', guard(() => { this.checkLiveness() }))
    neighbourhood.addEventListener('neighbours:change', guard(() => { this.followNeighbours() }))
    const toldOn = <T extends keyof NetworkEvents>(type: T) => guard((detail: NetworkEvents[T]['detail']) => { this.safeDispatchEvent(type, { detail }) })
    neighbourhood.addEventListener('ready', toldOn('neighbours:ready'))
    neighbourhood.addEventListener('members:change', toldOn('members:change'))
    neighbourhood.addEventListener('warning', toldOn('warning'))
    neighbourhood.addEventListener('equivocation', guard<EquivocationProof>((proof) => {
      this.parts.log.keep(proof)
      this.refuse({ peer: proof.author, author: proof.author, reason: 'equivocation' })
    }))
  }

  // ---------------------------------------------------------------------------------------- updates in

  private refuse (refused: Refused): void {
    this.parts.refusals.refuse(refused)
    this.safeDispatchEvent('update:rejected', { detail: refused })
  }

  /** A header that gossip brought, verified and recorded */
  private announced ({ signed, payload }: ReadUpdate, from: PeerName): void {
    const { neighbourhood, catchUp, queue } = this.parts
    neighbourhood.heard(signed.author, signed.header.round)
    catchUp.heard(signed.author)
    if (payload === undefined) {
      queue.put(signed, from)
    } else {
      this.deliver({ signed, payload, from })
    }
  }

  /** Verified and complete: keeps it for others and tells the round engine */
  private deliver (update: PulledUpdate): void {
    const { id, author } = update.signed
    // perhaps only since it began to be fetched
    if (this.parts.reputation.isBanned(author) || this.init.gatekeeper?.acceptsUpdate(author, update.signed.header.sequence) === false) {
      return
    }
    this.parts.cache.put(update)
    // an announcement and a question after missed updates may have brought the same one
    if (this.delivered.add(id)) {
      // the router passes the message on first: the engine may be busy with it for a while
      setImmediate(() => { this.safeDispatchEvent('update', { detail: receivedUpdate(update, this.init.clock.monotonicMs()) }) })
    }
  }

  async pullLatest (options: AbortOptions = {}): Promise<ReceivedUpdate[]> {
    return (await this.parts.catchUp.latest(options)).map((update) => receivedUpdate(update, this.init.clock.monotonicMs()))
  }

  pullKeyframe: Network['pullKeyframe'] = async (update, accept, options) => this.parts.keyframes.pull(update, accept, options)

  async newestOwn (afterSequence: number, options: AbortOptions = {}): Promise<EarlierLife> {
    const life = await this.parts.catchUp.newestOwn(afterSequence, options)
    await this.parts.own.learn(life)
    return life
  }

  // ---------------------------------------------------------------------------------------- updates out

  async publish (update: OutgoingUpdate, options: AbortOptions = {}): Promise<PublishReceipt> {
    const { payload } = update
    if (payload.byteLength === 0 || payload.byteLength > this.init.maxPayloadBytes) {
      throw new PublishError(`the update of round ${update.round} has ${payload.byteLength} bytes, but from 1 to ${this.init.maxPayloadBytes} are allowed`)
    }
    if (this.state !== 'started') {
      throw new PublishError(`round ${update.round} cannot be published: the network is not running`)
    }
    options.signal?.throwIfAborted()
    const signed = await this.parts.own.sign(update)
    const { recipients, inline } = await this.parts.gossip.publish(signed, payload)
    return { updateId: signed.id, recipients, inline }
  }

  async send (message: OutgoingMessage, options: AbortOptions = {}): Promise<PeerName[]> {
    const { steps } = this.parts
    if (steps === undefined || this.state !== 'started') {
      throw new PublishError(`no message of round ${message.round} can be sent: ${steps === undefined ? 'rounds have no steps here' : 'the network is not running'}`)
    }
    return steps.sender.send(message, options)
  }

  setRound (round: number): void {
    const { log, steps, neighbourhood } = this.parts
    log.setRound(round)
    steps?.server.setRound(round)
    neighbourhood.setRound(round)
  }

  penalise (peer: PeerName, reason: RejectionReason): void {
    this.refuse({ peer, author: peer, reason })
  }

  banned = (): PeerName[] => this.parts.reputation.banned()

  // ---------------------------------------------------------------------------------------- neighbours

  observe (): void {
    this.parts.log.observe()
    this.parts.neighbourhood.observe()
  }

  suspend = (peer: PeerName): void => { this.parts.neighbourhood.suspend(peer) }

  declareReady = (isReady: boolean): void => { this.parts.neighbourhood.declareReady(isReady) }

  private followNeighbours (): void {
    const followed = this.followed()
    this.ranks.setNeighbours(followed)
    this.parts.gossip.follow(followed)
    this.checkLiveness()
  }

  followed = (): PeerName[] => [...this.parts.neighbourhood.neighbours(), ...this.parts.neighbourhood.upcoming()]

  elders = (): PeerName[] => this.parts.neighbourhood.elders()

  private checkLiveness (): void {
    const { live, catchUp } = this.parts
    const neighbours = this.state === 'started' ? live.changed() : undefined
    if (neighbours !== undefined) {
      catchUp.onNeighbours(live.linked())
      this.safeDispatchEvent('neighbours:change', { detail: { neighbours } })
    }
  }

  neighbours = (): Neighbour[] => this.parts.live.list()

  members = (): PeerName[] => this.parts.neighbourhood.members()

  // ---------------------------------------------------------------------------------------- views

  addresses = (): string[] => this.parts.host.addresses()

  identityUse = (): IdentityUse => this.parts.neighbourhood.identityUse()

  unanswered = (): UnansweredAddress[] => this.parts.neighbourhood.unanswered()

  connections = (): OpenConnection[] => openConnections(this.parts.host)

  traffic = (): Traffic => ({ ...this.parts.host.traffic })

  /** Transferable proofs that authors contradict themselves, the newest first */
  equivocations = (): EquivocationProof[] => this.parts.log.equivocations()
}
