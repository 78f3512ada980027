/**
 * What a node goes on from besides its model: the trainer's state and the algorithm's, kept with each version
 */
import type { Algorithm } from '../algorithm/algorithm.ts'
import type { Clock, Store, Trainer } from '../interface.ts'
import type { Trained } from './local-work.ts'

/** Names in the store */
const TRAINER = 'trainer'
const ALGORITHM = 'algorithm'

/** A trainer's state up to this is written with each version */
const SMALL_BYTES = 262_144
/**
 * A larger one this often: written with each version it would be most of what is written (Adam's moments are twice the
 * model), and one that is some rounds old is nearly as good
 */
const LARGE_EVERY_MS = 60_000

export interface LocalStateComponents {
  store: Pick<Store, 'state'>
  trainer: Pick<Trainer, 'restore'>
  algorithm: Pick<Algorithm, 'name' | 'state' | 'restore'>
  clock: Pick<Clock, 'monotonicMs'>
}

export class LocalState {
  readonly #components: LocalStateComponents
  /** Of the last local steps, until it is committed */
  #trained: Record<string, Uint8Array | undefined> = {}
  /** Of the trainer's state, when it was last there */
  #bytes = 0
  #takenAtMs = 0

  constructor (components: LocalStateComponents) {
    this.#components = components
  }

  /**
   * Takes up what was committed with the newest version
   *
   * @returns What the operator is to know, a line for each state that is there and fits nothing: it starts afresh
   */
  async load (): Promise<string[]> {
    const { store, trainer, algorithm } = this.#components
    const [trained, remembered] = [await store.state(TRAINER), await store.state(ALGORITHM)]
    const isTaken = trained === undefined || trainer.restore === undefined || await trainer.restore(trained)
    const isRemembered = remembered === undefined || algorithm.restore(remembered)
    return [
      ...isTaken ? [] : ['what is stored of the optimiser belongs to another model, optimiser or program: its moments start at zero'],
      ...isRemembered ? [] : [`what is stored of an algorithm is not of ${algorithm.name}: it starts afresh`]
    ]
  }

  /** Whether the state of the next local steps is to be written with their version */
  get isDue (): boolean {
    return this.#bytes <= SMALL_BYTES || this.#components.clock.monotonicMs() - this.#takenAtMs >= LARGE_EVERY_MS
  }

  /** Local steps came to an end: their state, where it is known, goes with the next version */
  trained ({ state, isStateKnown }: Pick<Trained, 'state' | 'isStateKnown'>): void {
    if (isStateKnown) {
      this.#trained = { [TRAINER]: state }
      this.#bytes = state?.byteLength ?? 0
      this.#takenAtMs = this.#components.clock.monotonicMs()
    }
  }

  /** For the commit of a version: what has changed since the one before, and what is not there any more */
  changed (): Record<string, Uint8Array | undefined> {
    const trained = this.#trained
    this.#trained = {}
    return { ...trained, [ALGORITHM]: this.#components.algorithm.state() }
  }
}
