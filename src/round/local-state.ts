/**
 * What a node goes on from besides its model: the trainer's state and the algorithm's, kept with each version
 */
import type { Algorithm } from '../algorithm/algorithm.ts'
import type { Store, Trainer } from '../interface.ts'

/** Names in the store */
const TRAINER = 'trainer'
const ALGORITHM = 'algorithm'

export interface LocalStateComponents {
  store: Pick<Store, 'state'>
  trainer: Pick<Trainer, 'restore'>
  algorithm: Pick<Algorithm, 'name' | 'state' | 'restore'>
}

export class LocalState {
  readonly #components: LocalStateComponents
  /** Of the last local steps, until it is committed */
  #trained: Record<string, Uint8Array | undefined> = {}

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

  /** Local steps came to an end: their state goes with the next version; undefined where they have none any more */
  trained (state: Uint8Array | undefined): void {
    this.#trained = { [TRAINER]: state }
  }

  /** For the commit of a version: what has changed since the one before, and what is not there any more */
  changed (): Record<string, Uint8Array | undefined> {
    const trained = this.#trained
    this.#trained = {}
    return { ...trained, [ALGORITHM]: this.#components.algorithm.state() }
  }
}
