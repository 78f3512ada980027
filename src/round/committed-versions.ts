/**
 * The versions that a node commits: the newest, to go on from, and the newest that neighbours took part in, to use
 *
 * Version 0.1.0 could commit parameters that are not finite, and then ended the same way at every start. Such versions
 * are forgotten; what was published and charged meanwhile stays published and charged.
 */
import { firstUnacceptable } from '../codec/frame.ts'
import { UnsoundVersionError } from '../errors.ts'
import type { ModelVersion, Store } from '../interface.ts'

export interface Resumed {
  /** Undefined in a new home, and where no version is a model: then the common initial parameters are the start */
  parameters: Float32Array | undefined
  /** What the operator is to know; undefined when the newest version is taken up as it is */
  warning: { code: 'unsound-version', message: string } | undefined
}

type VersionStore = Pick<Store, 'commit' | 'newest' | 'newestMixed' | 'list' | 'parameters' | 'rollback'>

/** Undefined when they are no model that could be trained on or published. Throws what the store throws */
async function soundParameters (store: VersionStore, { id }: ModelVersion): Promise<Float32Array | undefined> {
  try {
    const parameters = await store.parameters(id)
    return parameters === undefined || firstUnacceptable(parameters) !== -1 ? undefined : parameters
  } catch (err) {
    if (err instanceof UnsoundVersionError) {
      return undefined
    }
    throw err
  }
}

function warningOf (rounds: readonly number[], consequence: string): NonNullable<Resumed['warning']> {
  const what = rounds.length === 1 ? `the version of round ${rounds[0]} is` : `the versions of rounds ${rounds.at(-1)} to ${rounds[0]} are`
  return { code: 'unsound-version', message: `${what} no model (numbers that are not finite, or too large): this peer ${consequence}. Rounds that it published are not published again, and what they cost stays spent` }
}

export class CommittedVersions {
  private readonly store: VersionStore
  private mixed: ModelVersion | undefined
  /** What was committed last; undefined in a new home */
  newest: ModelVersion | undefined
  /** Parameters of the newest mixed one; undefined where there is none */
  shared: Float32Array | undefined

  constructor (store: VersionStore) {
    this.store = store
  }

  /** The newest mixed one; the newest where none was mixed */
  get latest (): ModelVersion | undefined {
    return this.mixed ?? this.newest
  }

  /** Goes back to the newest sound version where the newest is none. Throws what the store throws */
  async load (): Promise<Resumed> {
    const { store } = this
    const newest = await store.newest()
    for (const version of newest === undefined ? [] : await store.list()) {
      const parameters = await soundParameters(store, version)
      if (parameters !== undefined) {
        const forgotten = version.id === newest?.id ? [] : await store.rollback(version.id) ?? []
        this.newest = version
        this.mixed = await store.newestMixed()
        this.shared = this.mixed?.id === version.id ? parameters : await this.parametersOfMixed()
        return { parameters, warning: forgotten.length === 0 ? undefined : warningOf(forgotten.map(({ round }) => round), `goes back to round ${version.round}`) }
      }
    }
    return { parameters: undefined, warning: newest === undefined ? undefined : warningOf([newest.round], 'begins with the initial model, because no version before it is sound') }
  }

  /** Undefined where none was mixed, and where it is no model */
  private async parametersOfMixed (): Promise<Float32Array | undefined> {
    return this.mixed === undefined ? undefined : await soundParameters(this.store, this.mixed)
  }

  /** Durable when it resolves. Its first parent is the newest version. Throws what the store throws */
  async commit (version: Parameters<Store['commit']>[0]): Promise<ModelVersion> {
    const parents = this.newest === undefined ? version.parents : [this.newest.id, ...version.parents]
    const committed = this.newest = await this.store.commit({ ...version, parents })
    this.mixed = committed.mixed ? committed : this.mixed
    this.shared = committed.mixed ? version.parameters : this.shared
    return committed
  }
}
