/**
 * What the rounds of one simulated node keep, in memory: the newest version, the newest mixed one, and the last report
 *
 * Thousands of stores must fit into one process, and nothing of them outlives it: no database, no older versions.
 */
import { createHash } from 'node:crypto'
import type { Clock, ModelVersion, Publication, VersionMetrics } from '../interface.ts'
import type { RoundComponents } from '../round/round-interface.ts'

interface Committed {
  version: ModelVersion
  parameters: Float32Array
}

export class RoundStore {
  readonly #clock: Pick<Clock, 'now'>
  #newest: Committed | undefined
  #newestMixed: Committed | undefined
  #publication: Publication | undefined
  #report: object | undefined
  readonly #state = new Map<string, Uint8Array>()

  constructor (clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  commit: RoundComponents['store']['commit'] = async (committed) => {
    const { parameters, state = {} } = committed
    Object.entries(state).forEach(([name, value]) => value === undefined ? this.#state.delete(name) : this.#state.set(name, value.slice()))
    const version = this.#version(committed)
    this.#newest = { version, parameters: parameters.slice() }
    if (version.mixed) {
      this.#newestMixed = this.#newest
    }
    return version
  }

  #version (committed: { federation: string, round: number, parents: readonly string[], parameters: Float32Array, metrics: VersionMetrics }): ModelVersion {
    const { federation, round, parents: updates, parameters, metrics } = committed
    const parametersHash = createHash('sha256').update(new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength)).digest('hex')
    const parents = [...this.#newest === undefined ? [] : [this.#newest.version.id], ...updates]
    const id = createHash('sha256').update(JSON.stringify([federation, round, parents, parametersHash])).digest('hex')
    return { id, round, parents, parametersHash, parameterCount: parameters.length, createdAt: this.#clock.now(), metrics, mixed: updates.length > 0 }
  }

  newest = async (): Promise<ModelVersion | undefined> => this.#newest?.version
  newestMixed = async (): Promise<ModelVersion | undefined> => this.#newestMixed?.version
  list = async (): Promise<ModelVersion[]> => this.#kept().map(({ version }) => version)

  #kept (): Committed[] {
    return [...new Set([this.#newest, this.#newestMixed])].filter((committed) => committed !== undefined)
  }

  parameters = async (id: string): Promise<Float32Array | undefined> => this.#kept().find(({ version }) => version.id === id)?.parameters.slice()

  /** There is at most one version to go back to */
  rollback = async (id: string): Promise<Array<Pick<ModelVersion, 'id' | 'round'>> | undefined> => {
    const kept = this.#kept()
    const to = kept.find(({ version }) => version.id === id)
    if (to === undefined) {
      return undefined
    }
    const left = kept.slice(0, kept.indexOf(to))
    this.#newest = to
    left.length > 0 && this.#state.clear()
    return left.map(({ version }) => ({ id: version.id, round: version.round }))
  }

  state = async (name: string): Promise<Uint8Array | undefined> => this.#state.get(name)?.slice()

  putPublication = async (publication: Publication): Promise<void> => {
    this.#publication = { ...publication }
  }

  getPublication = async (): Promise<Publication | undefined> => this.#publication

  putMetrics = async (_round: number, record: object): Promise<void> => {
    this.#report = record
  }

  metrics = async (): Promise<object[]> => this.#report === undefined ? [] : [this.#report]
}
