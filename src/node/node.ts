/**
 * The composition root: builds the parts of a node, wires their events, owns the order of start and stop
 */
import { join } from 'node:path'
import { TypedEventEmitter } from 'main-event'
import { createAggregator } from '../aggregators/aggregator.ts'
import { NodeStateError } from '../errors.ts'
import { lastingController } from '../lasting-controller.ts'
import { meshReady } from '../round/mesh-ready.ts'
import { RoundEngine } from '../round/round-engine.ts'
import { spentAlone } from '../round/spent-alone.ts'
import { bootstrapProblem } from './bootstrap-check.ts'
import { completeParts } from './default-parts.ts'
import { describeNode } from './description.ts'
import { resumeEarlierLife } from './earlier-life.ts'
import { enterFederation } from './enter-federation.ts'
import { forwardNetworkEvents, forwardRoundEvents } from './forwarded-events.ts'
import { KeptVersions } from './kept-versions.ts'
import { lostWarning } from './lost-versions.ts'
import { meshLimits } from './mesh-limits.ts'
import { RoundMetrics } from './round-metrics.ts'
import { makeNetwork } from './make-network.ts'
import { createGovernor, startGovernor } from './node-governance.ts'
import { requireCharging, roundSettings } from './round-settings.ts'
import { checkNodeInit } from './settings.ts'
import { soleUse } from './sole-use.ts'
import { settleVotingRight } from './voting-right.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { Clock, ModelVersion, Network, Store, Trainer, TrainerDescription } from '../interface.ts'
import type { NodeGovernance } from '../governance/governance-interface.ts'
import type { Governor } from '../governor/governor.ts'
import type { LedgerReader } from '../ledger/ledger.ts'
import type { Membership } from './enter-federation.ts'
import type { Emit } from './forwarded-events.ts'
import type { NetworkAndKin } from './make-network.ts'
import type { MeshLimits } from './mesh-limits.ts'
import type { GrapevineNode, NodeDescription, NodeEvents, NodeInit, NodeStatus, StopReason } from './node-interface.ts'
import type { NetworkPartInit, NodeParts, PrivacyAccount } from './node-parts.ts'

/** After the last round: neighbours that were told of the last update need a moment to begin pulling it */
const LINGER_MS = 500

function settled<T> (result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') {
    throw result.reason
  }
  return result.value
}

class Node extends TypedEventEmitter<NodeEvents> implements GrapevineNode {
  private readonly init: NodeInit
  private readonly parts: NodeParts
  private readonly clock: Clock
  private readonly store: Store
  private readonly kept: KeptVersions
  private readonly ended = Promise.withResolvers<{ reason: StopReason, error?: Error }>()
  private membership: Membership | undefined
  private trainer: Trainer | undefined
  private description: TrainerDescription | undefined
  private network: Network | undefined
  private governor: Governor | undefined
  private engine: RoundEngine | undefined
  private readonly privacy: PrivacyAccount
  private rounds = Promise.resolve()
  private readonly abort = lastingController()
  private starting: Promise<void> | undefined
  private stopping: Promise<void> | undefined
  private readonly hurry = new AbortController()
  private startedAt = 0
  private minMembers = 1
  private isToldRestored = false
  status: NodeStatus = 'stopped'

  constructor (init: NodeInit, parts: Partial<NodeParts>) {
    super()
    checkNodeInit(init)
    this.init = init
    this.parts = completeParts({ clock: init.clock, ...parts })
    const { clock, logger, metrics } = this.parts
    this.clock = clock
    const { home, ledgers, epsilonLimit, keepVersions } = init
    this.privacy = this.parts.account({ home, ledgers, epsilonLimit, clock, trace: logger('privacy'), onWarning: (detail) => { this.emit('warning', detail) } })
    const store = { home, keepVersions, clock, trace: logger('store') }
    this.store = this.parts.store({ ...store, readOnly: false })
    const numbers = new RoundMetrics(metrics, (err) => { this.emit('warning', { code: 'metrics', message: `the metrics sink failed: ${String(err)}` }) })
    this.addEventListener('round:end', ({ detail }) => { numbers.round(detail) })
    this.kept = new KeptVersions({
      store: this.store,
      createReader: () => this.parts.store({ ...store, readOnly: true }),
      ended: () => this.membership === undefined ? undefined : this.stopping
    })
  }

  async start (): Promise<void> {
    if (this.stopping !== undefined) {
      throw new NodeStateError('this node was stopped and does not start again: make a new one on the same home')
    }
    this.starting ??= this.startOnce()
    return this.starting
  }

  private async startOnce (): Promise<void> {
    this.status = 'starting'
    this.startedAt = this.clock.now()
    try {
      await this.startParts()
    } catch (err) {
      await this.closeParts(AbortSignal.abort())
      this.status = 'stopped'
      this.starting = undefined
      throw err
    }
    this.rounds = this.runRounds()
  }

  private async startParts (): Promise<void> {
    const { init, parts, store } = this
    await parts.makeHome(init.home)
    await store.open()
    const lost = await store.lost()
    if (lost !== undefined) {
      this.emit('warning', lostWarning(lost, join(init.home, 'db')))
    }
    const identity = await parts.identity(init.home)
    const membership = this.membership = await enterFederation({ ...parts, store, identity, onWaiting: (detail) => { this.emit('admission:waiting', { peer: identity.publicKey.toString(), ...detail }) } }, init, this.abort.signal)
    this.governor = await createGovernor({ home: init.home, parts, identity, store, clock: this.clock, emit: this.emit, network: () => this.network }, membership)
    const { description, network, ...chosen } = await this.makeParts(membership, identity)
    forwardNetworkEvents(network, this.emit)
    await this.privacy.open(membership, description, network.self)
    requireCharging(membership.document, this.privacy, parts.protocol)
    await this.privacy.requireHomeCharged((await store.getPublication())?.round)
    const engine = this.engine = this.createEngine(membership, chosen)
    forwardRoundEvents(engine, this.emit)
    await engine.load()
    network.setRound(engine.round + 1)
    if (this.privacy.budget?.refuses(engine.round + 1) === true) {
      // from its first record on: else others take it for a neighbour, and wait for what never comes
      network.observe()
    }
    startGovernor(this.governor, network)
    await network.start({ signal: this.abort.signal })
    void settleVotingRight({ governor: this.governor, network, store, clock: this.clock, emit: this.emit }, this.abort)
    this.announce(network, membership, engine, description)
  }

  /**
   * The training thread reads the data while the network is loaded. Where both fail, the trainer's failure is told, as
   * ever
   */
  private async makeParts (membership: Membership, identity: NetworkPartInit['identity']): Promise<NetworkAndKin & { description: TrainerDescription }> {
    const { init, parts, store, clock } = this
    const making = makeNetwork(parts, { init, membership, identity, store, clock, gatekeeper: this.governor }).then((made) => {
      this.network = made.network
      return made
    })
    const [trainer, network] = await Promise.allSettled([this.startTrainer(membership), making])
    return { description: settled(trainer), ...settled(network) }
  }

  private async startTrainer ({ document, weights }: Membership): Promise<TrainerDescription> {
    const { data, backend, threads, partition } = this.init
    const sketchSecret = await this.privacy.sketchSecret(document)
    const trainer = this.trainer = this.parts.trainer({ document, weights, data, backend, threads, partition, sketchSecret, onRead: (share) => { this.emit('data:read', { share }) } })
    const description = this.description = await trainer.start({ signal: this.abort.signal })
    description.remarks?.forEach((message) => { this.emit('warning', { code: 'columns', message }) })
    return description
  }

  private createEngine (membership: Membership, chosen: Pick<NetworkAndKin, 'codec' | 'algorithm' | 'replicas'>): RoundEngine {
    const { init, store, clock, privacy: { budget }, parts: { protocol } } = this
    const aggregator = createAggregator(membership.document.aggregation)
    this.minMembers = init.minMembers ?? Math.max(1, aggregator.minimumNeighbours) + 1
    const components = { network: this.network!, trainer: this.trainer!, store, ...chosen, aggregator, clock, budget, protocol }
    return new RoundEngine(components, roundSettings(membership, init, this.description!))
  }

  private announce (network: Network, membership: Membership, engine: RoundEngine, description: TrainerDescription): void {
    const { document } = membership
    this.emit('listening', { peer: network.self, addresses: network.addresses() })
    this.emit('joined', { federation: membership.id, name: document.name, how: membership.how, round: engine.versions.newest?.round ?? 0, backend: description.backend })
  }

  // ---------------------------------------------------------------------------------------- rounds

  private async runRounds (): Promise<void> {
    const network = this.network!
    const { signal } = this.abort
    this.status = 'waiting'
    void this.warnOfBootstrap(network, signal)
    void this.endWhenSpentAlone(network, signal)
    try {
      // whoever asks for a number of members gets them, also where rounds go on without neighbours later
      await meshReady({ network, clock: this.clock }, { minMembers: this.minMembers, alone: this.init.alone === 'train' && this.init.minMembers === undefined, signal })
      this.emit('mesh:ready', { members: network.members().length, neighbours: network.neighbours().length })
      this.warnOfLimits()
      this.status = 'training'
      do {
        await soleUse({ network, clock: this.clock }, { signal })
        await this.resumeAfterEarlierLife(network, signal)
      } while (network.identityUse().inDoubt)
      await this.engine!.run(signal)
      await this.clock.delay(LINGER_MS, { signal })
    } catch (err) {
      if (!signal.aborted) {
        void this.shutDown('error', err instanceof Error ? err : new TypeError(String(err)))
      }
      return
    }
    void this.shutDown('rounds')
  }

  /** What a node with a spent budget still does, averaging, takes others */
  private async endWhenSpentAlone (network: Network, signal: AbortSignal): Promise<void> {
    const { engine, clock, privacy: { budget } } = this
    if (engine === undefined || budget === undefined) {
      return
    }
    // in a round that was charged the next one may be refused already: it is done all the same
    const isSpent = (): boolean => engine.observing || (this.status === 'waiting' && budget.refuses(engine.round + 1))
    if (await spentAlone({ network, clock }, { isSpent, signal })) {
      engine.observe()
      void this.shutDown('budget')
    }
  }

  /** Addresses that the document came from are proven */
  private async warnOfBootstrap (network: Network, signal: AbortSignal): Promise<void> {
    const { id, how } = this.membership!
    const isProven = how === 'joined' && this.init.federation === undefined
    const message = isProven ? undefined : await bootstrapProblem({ network, clock: this.clock, fetchDocument: this.parts.fetchDocument }, { addresses: this.init.bootstrap ?? [], federation: id, signal })
    if (message !== undefined) {
      this.emit('warning', { code: 'bootstrap', message })
    }
  }

  private async resumeAfterEarlierLife (network: Network, signal: AbortSignal): Promise<void> {
    const { store, clock, privacy, init: { bootstrap = [] } } = this
    const told = await resumeEarlierLife({ network, store, clock, privacy, engine: this.engine! }, { bootstrap, signal })
    // once: the other process of a copied home may publish for as long as this one waits
    told === undefined || this.isToldRestored || this.emit('warning', { code: 'restored-home', message: told })
    this.isToldRestored ||= told !== undefined
  }

  private warnOfLimits (): void {
    const warning = this.limits()?.warning
    if (warning !== undefined) {
      this.emit('warning', { code: 'thin-mesh', message: warning })
    }
  }

  // ---------------------------------------------------------------------------------------- stop

  async stop ({ force = false }: { force?: boolean } = {}): Promise<void> {
    if (force) {
      this.hurry.abort()
    }
    await this.shutDown('request')
  }

  async stopped (): Promise<{ reason: StopReason, error?: Error }> {
    return this.ended.promise
  }

  private shutDown (reason: StopReason, error?: Error): Promise<void> {
    this.stopping ??= this.shutDownOnce(reason, error)
    return this.stopping
  }

  private async shutDownOnce (reason: StopReason, error?: Error): Promise<void> {
    const wasRunning = this.status !== 'stopped'
    this.abort.abort()
    // a start that is under way fails now, and closes what it opened
    await this.starting?.catch(() => {})
    await this.rounds
    if ((this.status) !== 'stopped') {
      this.status = 'stopping'
      await this.closeParts(this.hurry.signal)
    }
    this.status = 'stopped'
    const detail = { reason, ...(error === undefined ? {} : { error }) }
    if (wasRunning) {
      this.emit('stopped', { ...detail, round: this.engine?.round ?? 0 })
    }
    this.ended.resolve(detail)
  }

  /** In reverse order of start; one part that fails to close does not keep the others open */
  private async closeParts (hurry: AbortSignal): Promise<void> {
    const closers = [
      async () => this.network?.stop({ signal: hurry }),
      async () => this.governor?.stop(),
      async () => this.trainer?.stop(),
      async () => this.privacy.close(),
      async () => this.store.close()
    ]
    for (const close of closers) {
      try {
        await close()
      } catch (err) {
        this.emit('warning', { code: 'close-failed', message: String(err) })
      }
    }
  }

  // ---------------------------------------------------------------------------------------- views

  describe (): NodeDescription {
    return describeNode({
      status: this.status === 'training' && this.engine?.waiting !== undefined ? 'waiting' : this.status,
      home: this.init.home,
      startedAt: this.startedAt,
      federation: this.membership === undefined ? undefined : { id: this.membership.id, name: this.membership.document.name },
      minMembers: this.minMembers,
      limits: this.limits(),
      trainer: this.description,
      network: this.network,
      engine: this.engine,
      privacy: this.privacy.status()
    })
  }

  ledger = (): LedgerReader | undefined => this.privacy.ledger

  private limits (): MeshLimits | undefined {
    const { membership, network } = this
    return membership === undefined || network === undefined ? undefined : meshLimits(network.members(), membership.document, membership.id, (this.engine?.round ?? 0) + 1)
  }

  async versions (options: { limit?: number } = {}): Promise<ModelVersion[]> {
    return this.kept.list(options)
  }

  async version (selector: string): Promise<{ version: ModelVersion, parameters: Float32Array } | undefined> {
    return this.kept.find(selector)
  }

  federation (): FederationDocument | undefined {
    return this.membership?.document
  }

  governance = (): NodeGovernance | undefined => this.governor?.owner

  weights (): Uint8Array | undefined {
    return this.membership?.weights
  }

  // ---------------------------------------------------------------------------------------- events

  private readonly emit: Emit = (type, detail) => { this.safeDispatchEvent(type, { detail }) }
}

/**
 * One peer of a federation. Nothing happens before `start()`
 *
 * @param parts - Own parts in place of those of default-parts.ts
 *
 * Throws RangeError or TypeError for a setting that cannot be, naming it
 */
export function createNode (init: NodeInit, parts: Partial<NodeParts> = {}): GrapevineNode {
  return new Node(init, parts)
}
