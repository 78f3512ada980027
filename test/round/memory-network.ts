/**
 * Networks of several nodes in one process, joined by a hub: the Network port without sockets
 */
import { TypedEventEmitter } from 'main-event'
import { PublishError } from '../../src/errors.ts'
import { KEYFRAME } from '../../src/update-kind.ts'
import type { AbortOptions, EarlierLife, KeyframeSource, Neighbour, Network, NetworkEvents, OutgoingMessage, OutgoingUpdate, PeerName, PublishReceipt, ReceivedMessage, ReceivedUpdate, RejectionReason, StepLimits, Traffic } from '../../src/interface.ts'

export class MemoryHub {
  readonly networks = new Map<PeerName, MemoryNetwork>()
  readonly latest = new Map<PeerName, ReceivedUpdate>()
  /** Claims of those that say that they are ready */
  readonly claims = new Map<PeerName, number>()
  claimed = 0
  /** Members that publish nothing any more */
  readonly observers = new Set<PeerName>()
  /** Clock time at which updates arrive */
  lateMs = 0
  readonly maxPayloadBytes: number
  readonly steps: Omit<StepLimits, 'protocol'>

  constructor ({ maxPayloadBytes = Infinity, steps = { steps: Infinity, maxBytes: Infinity } }: { maxPayloadBytes?: number, steps?: Omit<StepLimits, 'protocol'> } = {}) {
    this.maxPayloadBytes = maxPayloadBytes
    this.steps = steps
  }

  /** @param replicas - What the node hands on, and which kinds it understands. @default keyframes alone */
  join (self: PeerName, replicas?: KeyframeSource): MemoryNetwork {
    const network = new MemoryNetwork(this, self, replicas)
    this.networks.set(self, network)
    // as if it had an engine that waits
    this.claims.set(self, ++this.claimed)
    for (const other of this.networks.values()) {
      other.changed()
    }
    return network
  }

  /** As a crash: the others notice that the connection closed */
  kill (peer: PeerName): void {
    this.networks.delete(peer)
    this.claims.delete(peer)
    for (const other of this.networks.values()) {
      other.changed()
    }
  }
}

export class MemoryNetwork extends TypedEventEmitter<NetworkEvents> implements Network {
  readonly penalties: Array<{ peer: PeerName, reason: RejectionReason }> = []
  readonly suspended: PeerName[] = []
  readonly published: OutgoingUpdate[] = []
  readonly said: OutgoingMessage[] = []
  /** What `elders` says */
  oldest: PeerName[] = []
  /** Peers whose updates do not reach this node */
  readonly deafTo = new Set<PeerName>()
  readonly self: PeerName
  private readonly hub: MemoryHub
  private readonly replicas: KeyframeSource | undefined
  private sent = 0
  private isStopped = false
  /** Id of the last own update */
  private last: string | undefined

  constructor (hub: MemoryHub, self: PeerName, replicas?: KeyframeSource) {
    super()
    this.hub = hub
    this.self = self
    this.replicas = replicas
  }

  start = async (): Promise<void> => {}
  stop = async (): Promise<void> => {
    this.isStopped = true
    this.hub.kill(this.self)
  }

  addresses = (): string[] => []
  connections = (): [] => []
  unanswered = (): [] => []
  identityUse = (): { inDoubt: boolean } => ({ inDoubt: false })
  setRound = (): void => {}
  members = (): PeerName[] => [...this.hub.networks.keys()].sort()

  neighbours = (): Neighbour[] => this.members().filter((peer) => peer !== this.self && !this.suspended.includes(peer) && !this.hub.observers.has(peer))
    .map((peer) => ({ peer, live: true, round: this.hub.latest.get(peer)?.round, readyClaim: this.hub.claims.get(peer) }))

  declareReady = (isReady: boolean): void => {
    if (isReady) {
      this.hub.claims.set(this.self, ++this.hub.claimed)
    } else {
      this.hub.claims.delete(this.self)
    }
    for (const other of this.hub.networks.values()) {
      other.safeDispatchEvent('neighbours:ready', { detail: { peer: this.self } })
    }
  }

  newestOwn = async (afterSequence: number): Promise<EarlierLife> => {
    const known = this.hub.latest.get(this.self)
    const answers = this.hub.networks.size - 1
    return known !== undefined && known.sequence > afterSequence ? { answers, newest: { round: known.round, sequence: known.sequence } } : { answers }
  }

  observe = (): void => {
    this.hub.observers.add(this.self)
    for (const other of this.hub.networks.values()) {
      other.changed()
    }
  }

  elders = (): PeerName[] => this.oldest
  banned = (): PeerName[] => []
  followed = (): PeerName[] => this.neighbours().map(({ peer }) => peer)

  publish = async (update: OutgoingUpdate): Promise<PublishReceipt> => {
    const { byteLength } = update.payload
    if (this.isStopped || byteLength === 0 || byteLength > this.hub.maxPayloadBytes) {
      throw new PublishError(`cannot publish ${byteLength} bytes: ${this.isStopped ? 'the network is stopped' : `an update has 1 to ${this.hub.maxPayloadBytes}`}`)
    }
    if (this.last === undefined && (update.kind ?? KEYFRAME) !== KEYFRAME) {
      throw new PublishError('a stream begins with a keyframe')
    }
    this.published.push(update)
    const updateId = `${this.self}/${update.round}`
    const { kind = KEYFRAME, replicaHash, ...fields } = update
    const received: ReceivedUpdate = {
      ...{ ...fields, kind, author: this.self, updateId, from: this.self, receivedAtMs: this.hub.lateMs },
      ...(this.last === undefined ? {} : { follows: this.last }),
      ...(replicaHash === undefined ? {} : { replicaHash })
    }
    this.last = updateId
    this.hub.latest.set(this.self, received)
    const others = [...this.hub.networks.values()].filter((network) => network !== this)
    this.sent += update.payload.byteLength * others.length
    for (const other of others) {
      setImmediate(() => { other.receive(received) })
    }
    return { updateId, recipients: others.length, inline: true }
  }

  send = async (message: OutgoingMessage, { signal }: AbortOptions = {}): Promise<PeerName[]> => {
    const { step, payload, to } = message
    const { steps, maxBytes } = this.hub.steps
    const place = (sent: OutgoingMessage): string => JSON.stringify([sent.round, sent.step, typeof sent.to === 'string' ? sent.to : ''])
    if (this.isStopped || step < 1 || step >= steps || payload.byteLength < 1 || payload.byteLength > maxBytes || this.said.some((sent) => place(sent) === place(message))) {
      throw new PublishError(`cannot send ${payload.byteLength} bytes in step ${step}${this.isStopped ? ': the network is stopped' : ''}`)
    }
    // the caller's array may change meanwhile
    const own = { ...message, payload: payload.slice() }
    this.said.push(own)
    if (signal?.aborted === true) {
      return []
    }
    this.sent += payload.byteLength
    const receivers = typeof to === 'string' ? [to] : [...new Set(to)]
    const taken = await Promise.all(receivers.map(async (peer) => new Promise<boolean>((resolve) => {
      setImmediate(() => { resolve(this.hub.networks.get(peer)?.receiveMessage(this.self, own) ?? false) })
    })))
    return receivers.filter((_, index) => taken[index])
  }

  receiveMessage (author: PeerName, { round, step, payload, to }: OutgoingMessage): boolean {
    const isTaken = !this.deafTo.has(author) && this.followed().includes(author)
    if (isTaken) {
      const message: ReceivedMessage = { author, round, step, receiver: typeof to === 'string' ? to : undefined, payload: payload.slice(), receivedAtMs: this.hub.lateMs }
      this.safeDispatchEvent('message', { detail: message })
    }
    return isTaken
  }

  receive (update: ReceivedUpdate): void {
    if (!this.understands(update)) {
      this.safeDispatchEvent('update:rejected', { detail: { peer: update.from, author: update.author, reason: 'unsupported' } })
    } else if (!this.deafTo.has(update.author)) {
      this.safeDispatchEvent('update', { detail: update })
    }
  }

  pullLatest = async (_options: AbortOptions = {}): Promise<ReceivedUpdate[]> => this.neighbours()
    .map(({ peer }) => this.hub.latest.get(peer)).filter((update) => update !== undefined).filter((update) => this.understands(update))

  private understands ({ kind = KEYFRAME }: ReceivedUpdate): boolean {
    return kind === KEYFRAME || this.replicas?.kinds.has(kind) === true
  }

  pullKeyframe: Network['pullKeyframe'] = async ({ author, replicaHash }, accept) => {
    const sources = [author, ...this.members().filter((peer) => peer !== author && peer !== this.self)]
    for (const source of sources) {
      const keyframe = replicaHash === undefined ? undefined : this.hub.networks.get(source)?.replicas?.keyframe(replicaHash)
      if (keyframe !== undefined) {
        if (accept(keyframe.encode())) {
          return true
        }
        this.penalties.push({ peer: source, reason: 'payload-hash' })
        this.safeDispatchEvent('update:rejected', { detail: { peer: source, author, reason: 'payload-hash' } })
      }
    }
    return false
  }

  penalise = (peer: PeerName, reason: RejectionReason): void => {
    this.penalties.push({ peer, reason })
    this.safeDispatchEvent('update:rejected', { detail: { peer, author: peer, reason } })
  }

  suspend = (peer: PeerName): void => {
    this.suspended.push(peer)
    this.changed()
  }

  traffic = (): Traffic => ({ bytesSent: this.sent, bytesReceived: 0 })

  changed (): void {
    this.safeDispatchEvent('neighbours:change', { detail: { neighbours: this.neighbours() } })
    this.safeDispatchEvent('members:change', { detail: { members: this.members() } })
  }
}
