/**
 * The steps of a round after that of the updates: runs the protocol that was handed in, whatever becomes of it
 */
import { firstUnacceptable } from '../codec/frame.ts'
import { RoundExchange } from './exchange.ts'
import { supportedRound } from './round-numbers.ts'
import { StepInbox } from './step-inbox.ts'
import { unlessAborted } from './collect.ts'
import type { Algorithm } from '../algorithm/algorithm.ts'
import type { Aggregator, Clock, Network, PeerName, StepLimits } from '../interface.ts'
import type { Inbox, InboxEntry } from './inbox.ts'
import type { ProtocolOutcome, RoundProtocol } from './exchange-interface.ts'
import type { MessageNumbers } from './publisher.ts'
import type { RoundEvents } from './round-events.ts'

const MAX_STEPS = 16
const MAX_STEP_BYTES = 67_108_864
const MAX_NAME_LENGTH = 32

/**
 * Rounds in a row in which nothing was mixed that are followed by the next just because neighbours are in it. Then as
 * after any round that was not mixed: whoever publishes and never answers costs no more than these at full speed, and
 * so does a protocol whose results the rule can make nothing of
 */
const MAX_FRUITLESS = 8

/** What the messages of this protocol may be. Throws RangeError for a protocol that cannot be run */
export function stepLimits ({ name, steps, maxStepBytes }: Pick<RoundProtocol, 'name' | 'steps' | 'maxStepBytes'>, parameterCount: number): StepLimits {
  const maxBytes = maxStepBytes(parameterCount)
  if (name.length < 1 || name.length > MAX_NAME_LENGTH) {
    throw new RangeError(`a round protocol has a name of 1 to ${MAX_NAME_LENGTH} characters, not ${JSON.stringify(name)}`)
  }
  if (!Number.isSafeInteger(steps) || steps < 2 || steps > MAX_STEPS) {
    throw new RangeError(`a round has 2 to ${MAX_STEPS} steps, that of the updates included, and ${name} has ${steps}`)
  }
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1 || maxBytes > MAX_STEP_BYTES) {
    throw new RangeError(`a message of a step has 1 to ${MAX_STEP_BYTES} bytes at most, and ${name} asks for ${maxBytes}`)
  }
  return { protocol: name, steps, maxBytes }
}

export interface ProtocolStepsComponents {
  network: Network
  clock: Clock
  algorithm: Pick<Algorithm, 'name' | 'vectors'>
  aggregator: Pick<Aggregator, 'minimumNeighbours'>
  inbox: Pick<Inbox, 'usableOf' | 'use'>
  protocol: RoundProtocol
}

export interface ProtocolStepsInit {
  parameterCount: number
  deadlineMs: number
  staleness: number
  /** Last round */
  rounds?: number | undefined
  warn: (detail: RoundEvents['warning']['detail']) => void
}

export interface StepsInHand {
  round: number
  /** Own public replica */
  own: Float32Array
  /** Undefined: nothing was published in this round, and nothing else may be said */
  numbers: MessageNumbers | undefined
  signal: AbortSignal
}

export class ProtocolSteps {
  private readonly components: ProtocolStepsComponents
  private readonly init: ProtocolStepsInit
  private readonly limits: StepLimits
  private readonly messages: StepInbox
  /** Rounds in a row in which nothing was mixed */
  private fruitless = 0

  constructor (components: ProtocolStepsComponents, init: ProtocolStepsInit) {
    this.components = components
    this.init = init
    this.limits = stepLimits(components.protocol, init.parameterCount)
    this.messages = new StepInbox(components.network, this.limits)
  }

  setRound (round: number): void {
    this.messages.setRound(round)
  }

  /**
   * The round to go on from so that the next one is that in which the neighbours wait: what is said in another one
   * nobody hears. Who is further behind than updates may be stale catches up in another way
   */
  align (round: number): number {
    const { network, aggregator } = this.components
    const { staleness, rounds = Infinity } = this.init
    const reached = network.neighbours().filter(({ live }) => live).map((neighbour) => neighbour.round ?? 0)
    return Math.max(round, Math.min(supportedRound(reached, aggregator.minimumNeighbours), round + 1 + staleness, rounds) - 1)
  }

  /**
   * What came after the last round was over cannot be mixed late without its protocol. It says that neighbours have
   * paid, and are in a round: true when this node is to go into it at once
   */
  get joins (): boolean {
    return this.fruitless < MAX_FRUITLESS
  }

  /** What the rule made of the round's result, or of none */
  judged (isMixed: boolean): void {
    this.fruitless = isMixed ? 0 : this.fruitless + 1
  }

  /** The updates that are mixed in this round: none without a result. Rejects with the signal's reason */
  async run ({ round, own, numbers, signal }: StepsInHand): Promise<InboxEntry[]> {
    const { network, inbox } = this.components
    const entries = inbox.usableOf(network.neighbours().map(({ peer }) => peer), round)
    const outcome = numbers?.round === round ? await this.outcome(numbers, { own, entries, signal }) : undefined
    signal.throwIfAborted()
    // the protocol has decided about them: they are not mixed late without it
    inbox.use(entries)
    return entries.flatMap((entry) => {
      const parameters = outcome?.get(entry.update.author)
      return parameters === undefined ? [] : [{ ...entry, parameters, vectors: [parameters] }]
    })
  }

  private async outcome (numbers: MessageNumbers, { own, entries, signal }: { own: Float32Array, entries: readonly InboxEntry[], signal: AbortSignal }): Promise<ProtocolOutcome> {
    const { protocol, network, clock } = this.components
    const { deadlineMs, warn } = this.init
    const received = new Map(entries.map(({ update, parameters }): [PeerName, Float32Array] => [update.author, parameters]))
    const over = new AbortController()
    const end = (): void => { over.abort(signal.reason) }
    signal.addEventListener('abort', end, { once: true })
    try {
      const exchange = new RoundExchange({ network, clock, inbox: this.messages }, { limits: this.limits, numbers, deadlineMs, signal: over.signal })
      const outcome = await unlessAborted(protocol.run(exchange, { own, received }), over.signal)
      this.requireReplicas(outcome, received)
      if (outcome === undefined || outcome.size === 0) {
        warn({ code: 'no-result', message: `round ${numbers.round}: ${protocol.name} gave no result of ${entries.length} updates; nothing is mixed` })
      }
      return outcome
    } catch (err) {
      signal.aborted || warn({ code: 'protocol-failed', message: `round ${numbers.round}: ${protocol.name} failed, and nothing is mixed: ${String(err)}` })
      return undefined
    } finally {
      signal.removeEventListener('abort', end)
      over.abort(new TypeError('the round is over'))
    }
  }

  /** What the rule is given must be what it may expect, whoever made it. Throws TypeError */
  private requireReplicas (outcome: ProtocolOutcome, received: ReadonlyMap<PeerName, Float32Array>): void {
    for (const [peer, parameters] of outcome ?? []) {
      if (!received.has(peer)) {
        throw new TypeError(`nothing of ${peer} can take part: no update of it came`)
      }
      if (parameters.length !== this.init.parameterCount || firstUnacceptable(parameters) !== -1) {
        throw new TypeError(`what is to take part for ${peer} is no model of ${this.init.parameterCount} finite parameters`)
      }
    }
  }
}

/**
 * Why this protocol cannot run beside this algorithm: it decides about models, and would let other vectors through
 * unseen. Undefined when it can
 */
export function vectorProblem ({ name }: Pick<RoundProtocol, 'name'>, { name: algorithm, vectors }: Pick<Algorithm, 'name' | 'vectors'>): string | undefined {
  return vectors.length === 1 ? undefined : `${name} decides about the model alone, and an update of ${algorithm} carries ${vectors.map((vector) => vector.name).join(', ')}: a protocol cannot run beside an algorithm of several vectors`
}

/**
 * Undefined where nothing but updates is exchanged. Throws RangeError for a protocol that cannot be run, or not beside
 * this algorithm
 */
export function createProtocolSteps ({ protocol, ...components }: Omit<ProtocolStepsComponents, 'protocol'> & { protocol?: RoundProtocol | undefined }, init: ProtocolStepsInit): ProtocolSteps | undefined {
  if (protocol === undefined) {
    return undefined
  }
  const problem = vectorProblem(protocol, components.algorithm)
  if (problem !== undefined) {
    throw new RangeError(problem)
  }
  return new ProtocolSteps({ ...components, protocol }, init)
}
