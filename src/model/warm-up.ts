/**
 * Runs a new backend in until the engine beneath it has compiled what training needs
 *
 * The first steps take up to twice as long as later ones (tiers of the WebAssembly compiler, caches of the native
 * library). A peer has nothing better to do while it waits for the mesh, so the first round need not pay for them.
 */
import { setImmediate } from 'node:timers/promises'

/**
 * As many bring nearly all there is to be had: after 10 of the demo the first round takes 0.6 of the processor time
 * that it takes without, and after 120 no less. Steps that teach nothing are dear where peers share a machine
 */
const STEPS = 20
/** However slow the model is, running in ends after this long */
const BUDGET_MS = 2000

export interface WarmUpInit {
  /** One real step and one batch of an evaluation, without a trace */
  rehearse: () => void
  /** Milliseconds, any origin */
  now: () => number
}

export class WarmUp {
  private readonly init: WarmUpInit
  private steps = 0
  private spentMs = 0
  private done = false

  constructor (init: WarmUpInit) {
    this.init = init
  }

  /** Rehearses until that no longer helps, giving way to messages between steps; goes on where it was interrupted */
  async run (interrupted: () => boolean): Promise<void> {
    const { rehearse, now } = this.init
    while (!this.done && this.steps < STEPS && this.spentMs < BUDGET_MS) {
      await setImmediate()
      if (interrupted()) {
        return
      }
      const began = now()
      try {
        rehearse()
      } catch {
        // whatever is wrong with these data will happen again in the first round, where it can be told
        this.done = true
      }
      this.spentMs += now() - began
      this.steps++
    }
  }

  /** Real training does the rest */
  stop (): void {
    this.done = true
  }
}
