/**
 * Networks of many nodes in one thread: the Network port over a virtual clock, without sockets or signatures
 *
 * Neighbours are those that real peers would draw from the same list of members. An update takes the time that its
 * bytes take on a link of one speed. Every node is honest about who it is: there are no signatures to forge, and no
 * proofs, so that a liar that tells everybody another lie is not found out by them.
 */
import { TypedEventEmitter } from 'main-event'
import { PublishError } from '../errors.ts'
import { STEP_ROUNDS_AHEAD } from '../number-limits.ts'
import { KEYFRAME } from '../update-kind.ts'
import type { AbortOptions, EarlierLife, IdentityUse, KeyframeSource, Neighbour, Network, NetworkEvents, OutgoingMessage, OutgoingUpdate, PeerName, PublishReceipt, ReceivedMessage, ReceivedUpdate, RejectionReason, Traffic } from '../interface.ts'
import type { SimulatedMesh } from './simulated-mesh.ts'

/** As in the network of libp2p */
const SUSPENSION_MS = 60_000

export class SimulatedNetwork extends TypedEventEmitter<NetworkEvents> implements Network {
  readonly self: PeerName
  readonly replicas: KeyframeSource | undefined
  readonly #mesh: SimulatedMesh
  /** Slow ones, and until when each is left out */
  readonly #suspended = new Map<PeerName, number>()
  /** Newest round that was heard of each peer */
  readonly #heard = new Map<PeerName, number>()
  readonly #traffic = { bytesSent: 0, bytesReceived: 0 }
  #round = 1
  /** Steps and receivers of the newest round in which anything was said */
  readonly #said = new Set<string>()
  #saidRound = 0
  #observes = false
  #state: 'new' | 'started' | 'stopped' = 'new'
  /** Id of the last own update */
  #last: string | undefined

  constructor (mesh: SimulatedMesh, self: PeerName, replicas?: KeyframeSource) {
    super()
    this.#mesh = mesh
    this.self = self
    this.replicas = replicas
  }

  start = async (): Promise<void> => {
    if (this.#state === 'stopped') {
      throw new TypeError('a network that was stopped cannot be started again')
    }
    this.#state = 'started'
    this.changed()
  }

  stop = async (): Promise<void> => {
    if (this.#state === 'started') {
      this.#mesh.leave(this.self)
    }
    this.#state = 'stopped'
  }

  addresses = (): string[] => []
  connections = (): [] => []
  unanswered = (): [] => []
  identityUse = (): IdentityUse => ({ inDoubt: false })
  newestOwn = async (afterSequence: number): Promise<EarlierLife> => {
    const known = this.#mesh.latest.get(this.self)
    const answers = this.#peers().length
    return known !== undefined && known.sequence > afterSequence ? { answers, newest: { round: known.round, sequence: known.sequence } } : { answers }
  }

  banned = (): PeerName[] => []
  elders = (): PeerName[] => []
  members = (): PeerName[] => [...this.#mesh.members()]
  traffic = (): Traffic => ({ ...this.#traffic })

  observe = (): void => {
    this.#observes = true
    this.#mesh.observe(this.self)
  }

  setRound = (round: number): void => {
    this.#round = round
  }

  /** Drawn without those that are left out as slow, for this node alone */
  #peers (): readonly PeerName[] {
    this.#release()
    return this.#mesh.neighboursOf(this.self, this.#round, this.#suspended)
  }

  #release (): void {
    const now = this.#mesh.clock.monotonicMs()
    for (const [peer, untilMs] of this.#suspended) {
      if (untilMs <= now) {
        this.#suspended.delete(peer)
      }
    }
  }

  neighbours = (): Neighbour[] => this.#peers().map((peer) => ({
    peer,
    live: this.#mesh.networks.has(peer),
    round: this.#heard.get(peer),
    readyClaim: this.#mesh.claims.get(peer)
  }))

  followed = (): PeerName[] => [...new Set([...this.#peers(), ...this.#mesh.neighboursOf(this.self, this.#round + 1)])]

  declareReady = (isReady: boolean): void => {
    if (!this.#observes) {
      this.#mesh.claim(this.self, isReady)
      this.#tellNeighbours((network) => { network.safeDispatchEvent('neighbours:ready', { detail: { peer: this.self } }) })
    }
  }

  #tellNeighbours (tell: (network: SimulatedNetwork) => void): void {
    for (const peer of this.#mesh.neighboursOf(this.self, this.#round)) {
      const network = this.#mesh.networks.get(peer)
      if (network !== undefined) {
        this.#mesh.clock.schedule(this.#mesh.init.links.latencyMs, () => { tell(network) })
      }
    }
  }

  publish = async (update: OutgoingUpdate, { signal }: AbortOptions = {}): Promise<PublishReceipt> => {
    signal?.throwIfAborted()
    const sent = this.#prepared(update)
    const receivers = this.#mesh.followersOf(this.self, update.round)
    for (const receiver of receivers) {
      this.#send(receiver, sent)
    }
    return { updateId: sent.updateId, recipients: receivers.length, inline: true }
  }

  /**
   * Sends one peer an update that nobody else gets, as only a liar does: a real one would be proved to equivocate.
   * Throws PublishError as `publish` does
   */
  tell (receiver: PeerName, update: OutgoingUpdate): void {
    this.#send(receiver, this.#prepared(update))
  }

  #prepared (update: OutgoingUpdate): Omit<ReceivedUpdate, 'receivedAtMs'> {
    const { byteLength } = update.payload
    if (this.#state !== 'started') {
      throw new PublishError(`round ${update.round} cannot be published: the network is not running`)
    }
    if (byteLength === 0 || byteLength > this.#mesh.init.maxPayloadBytes) {
      throw new PublishError(`the update of round ${update.round} has ${byteLength} bytes, but from 1 to ${this.#mesh.init.maxPayloadBytes} are allowed`)
    }
    const updateId = `${this.self}/${update.round}`
    const { kind = KEYFRAME, replicaHash, ...fields } = update
    if (this.#last === undefined && kind !== KEYFRAME) {
      throw new PublishError(`round ${update.round} cannot be published: a stream begins with a keyframe`)
    }
    const sent = {
      // the caller's array may change; those of the receivers do not
      ...{ ...fields, kind, payload: update.payload.slice(), author: this.self, updateId, from: this.self },
      ...(this.#last === undefined ? {} : { follows: this.#last }),
      ...(replicaHash === undefined ? {} : { replicaHash })
    }
    this.#last = updateId
    this.#mesh.latest.set(this.self, { ...sent, receivedAtMs: this.#mesh.clock.monotonicMs() })
    return sent
  }

  #send (receiver: PeerName, update: Omit<ReceivedUpdate, 'receivedAtMs'>): void {
    const { clock, networks } = this.#mesh
    const { byteLength } = update.payload
    this.#traffic.bytesSent += byteLength
    clock.schedule(this.#mesh.flightMs(byteLength), () => {
      networks.get(receiver)?.receive({ ...update, receivedAtMs: clock.monotonicMs() })
    })
  }

  /** Resolves when the answers are back */
  send = async (message: OutgoingMessage, options: AbortOptions = {}): Promise<PeerName[]> => {
    const { clock, networks, init: { links } } = this.#mesh
    const { round, step, payload, to } = message
    this.#claim(message)
    if (options.signal?.aborted === true) {
      return []
    }
    const own = payload.slice()
    const receiver = typeof to === 'string' ? to : undefined
    const receivers = receiver === undefined ? [...new Set(to)] : [receiver]
    const delivered = new Set<PeerName>()
    for (const peer of receivers) {
      this.#traffic.bytesSent += own.byteLength
      clock.schedule(this.#mesh.flightMs(own.byteLength), () => {
        const isTaken = networks.get(peer)?.receiveMessage({ author: this.self, round, step, receiver, payload: own, receivedAtMs: clock.monotonicMs() })
        isTaken === true && delivered.add(peer)
      })
    }
    await clock.delay(this.#mesh.flightMs(own.byteLength) + links.latencyMs, options).catch(() => { /* with what is there */ })
    return receivers.filter((peer) => delivered.has(peer))
  }

  /** Throws PublishError */
  #claim ({ round, step, payload: { byteLength }, to }: OutgoingMessage): void {
    const { steps = 1, maxBytes = 0 } = this.#mesh.init.steps ?? {}
    if (this.#state !== 'started' || step < 1 || step >= steps || byteLength === 0 || byteLength > maxBytes) {
      throw new PublishError(`a message of round ${round}, step ${step} with ${byteLength} bytes cannot be sent: the network ${this.#state === 'started' ? `takes steps below ${steps} and 1 to ${maxBytes} bytes` : 'is not running'}`)
    }
    this.#once(round, `${step}/${typeof to === 'string' ? to : ''}`)
  }

  /** Throws PublishError */
  #once (round: number, place: string): void {
    if (round > this.#saidRound) {
      this.#saidRound = round
      this.#said.clear()
    }
    if (round < this.#saidRound || this.#said.has(place)) {
      throw new PublishError(`in round ${round} this was said already`)
    }
    this.#said.add(place)
  }

  /** True when it was taken */
  receiveMessage (message: ReceivedMessage): boolean {
    const isTaken = this.#state === 'started' && this.followed().includes(message.author) && message.round >= this.#round && message.round <= this.#round + STEP_ROUNDS_AHEAD
    if (isTaken) {
      this.#traffic.bytesReceived += message.payload.byteLength
      this.safeDispatchEvent('message', { detail: message })
    }
    return isTaken
  }

  receive (update: ReceivedUpdate): void {
    if (this.#state !== 'started') {
      return
    }
    this.#traffic.bytesReceived += update.payload.byteLength
    this.#heard.set(update.author, Math.max(update.round, this.#heard.get(update.author) ?? 0))
    if (update.round >= this.#round && this.#suspended.delete(update.author)) {
      this.changed()
    }
    if (this.#understands(update)) {
      this.safeDispatchEvent('update', { detail: update })
    } else {
      this.safeDispatchEvent('update:rejected', { detail: { peer: update.from, author: update.author, reason: 'unsupported' } })
    }
  }

  #understands ({ kind = KEYFRAME }: ReceivedUpdate): boolean {
    return kind === KEYFRAME || this.replicas?.kinds.has(kind) === true
  }

  pullLatest = async (): Promise<ReceivedUpdate[]> => {
    const { clock, latest, networks } = this.#mesh
    const held = this.#peers().filter((peer) => networks.has(peer)).map((peer) => latest.get(peer)).filter((update) => update !== undefined).filter((update) => this.#understands(update))
    await clock.delay(this.#mesh.flightMs(held[0]?.payload.byteLength ?? 0))
    return held.map((update) => ({ ...update, receivedAtMs: clock.monotonicMs() }))
  }

  pullKeyframe: Network['pullKeyframe'] = async ({ author, replicaHash = new Uint8Array(0) }, accept, options) => {
    for (const source of [author, ...this.#peers().filter((peer) => peer !== author)]) {
      const keyframe = this.#mesh.networks.get(source)?.replicas?.keyframe(replicaHash)
      await this.#mesh.clock.delay(this.#mesh.flightMs(keyframe?.byteLength ?? 0), options)
      if (keyframe !== undefined && accept(keyframe.encode())) {
        return true
      }
      if (keyframe !== undefined) {
        this.safeDispatchEvent('update:rejected', { detail: { peer: source, author, reason: 'payload-hash' } })
      }
    }
    return false
  }

  penalise = (peer: PeerName, reason: RejectionReason): void => {
    this.safeDispatchEvent('update:rejected', { detail: { peer, author: peer, reason } })
  }

  suspend = (peer: PeerName): void => {
    this.#suspended.set(peer, this.#mesh.clock.monotonicMs() + SUSPENSION_MS)
    this.changed()
  }

  changed (): void {
    this.safeDispatchEvent('neighbours:change', { detail: { neighbours: this.neighbours() } })
    this.safeDispatchEvent('members:change', { detail: { members: this.members() } })
  }
}
