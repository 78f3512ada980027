/**
 * The way of an update from the network into the inbox: decoded, refused, or kept until its keyframe came
 */
import { KEYFRAME } from '../update-kind.ts'
import { WorkQueue } from '../slices.ts'
import { DeltaAllowance } from './delta-allowance.ts'
import { Keyframes } from './keyframes.ts'
import type { Clock, Network, ReceivedUpdate, Replicas } from '../interface.ts'
import type { Inbox } from './inbox.ts'
import type { Pace } from './pace.ts'
import type { Stragglers } from './stragglers.ts'

export interface ArrivalsComponents {
  network: Pick<Network, 'pullKeyframe' | 'penalise'>
  replicas: Replicas
  inbox: Inbox
  pace: Pick<Pace, 'lagMs'>
  stragglers: Pick<Stragglers, 'observe'>
  clock: Pick<Clock, 'monotonicMs'>
  /** Gets an `update` event when there may be something new in the inbox */
  wake: EventTarget
}

export class Arrivals {
  private readonly components: ArrivalsComponents
  readonly keyframes: Keyframes
  /** Undefined where nothing stands on anything */
  private readonly allowance: DeltaAllowance | undefined
  /** Updates of large models take their time: as many at once as there are neighbours would hold up all else */
  private readonly queue: WorkQueue<{ update: ReceivedUpdate, signal: AbortSignal }>

  constructor (components: ArrivalsComponents) {
    this.components = components
    const { replicas, clock } = components
    this.queue = new WorkQueue(clock, (arrived) => { this.receive(arrived) })
    this.allowance = replicas.keepsMemory ? new DeltaAllowance(clock, { replicaBytes: replicas.maxKeyframeBytes }) : undefined
    this.keyframes = new Keyframes(components, {
      enter: (update) => {
        const problem = this.enter(update)
        this.wake()
        return problem
      },
      giveUp: (update) => {
        components.inbox.settle(update)
        this.wake()
      }
    })
  }

  /** Keyframes are asked for until the signal aborts */
  take (update: ReceivedUpdate, signal: AbortSignal): void {
    if ((update.kind ?? KEYFRAME) !== KEYFRAME && this.allowance?.take(update.author) === false) {
      return
    }
    this.queue.add({ update, signal })
  }

  private receive ({ update, signal }: { update: ReceivedUpdate, signal: AbortSignal }): void {
    if (signal.aborted) {
      return
    }
    const { pace, stragglers } = this.components
    const problem = this.enter(update)
    const lagMs = pace.lagMs(update.round, update.receivedAtMs)
    if (lagMs !== undefined) {
      stragglers.observe(update.author, lagMs)
    }
    if (problem === 'needs-keyframe') {
      this.keyframes.ask(update, signal)
    }
    this.wake()
  }

  private enter (update: ReceivedUpdate): 'needs-keyframe' | undefined {
    const problem = this.components.inbox.put(update)
    if (problem === undefined || problem === 'needs-keyframe') {
      return problem
    }
    // the network answers with `update:rejected`, which is where refusals are counted
    this.components.network.penalise(update.author, problem)
    return undefined
  }

  private wake (): void {
    this.components.wake.dispatchEvent(new Event('update'))
  }
}
