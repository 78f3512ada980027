/**
 * Local state that goes with the newest version: `state`, one value for each name (an optimiser's moments, the second
 * vector of an algorithm)
 *
 * Written in the batch of the commit that it goes with; what is under `/version` says which one that is. A program that
 * knows nothing of this table commits on, and leaves behind what belongs to an older version: nobody reads that, and
 * the next commit removes it.
 */
import type { Database, Operation } from './database.ts'

/** No name of a state begins with a slash */
const VERSION_KEY = '/version'

export class StateTable {
  readonly #database: Database
  /** On disk, whichever version they go with */
  #names: ReadonlySet<string>
  /** Id of the version that they go with; undefined when there is nothing */
  #version: string | undefined

  private constructor (database: Database, names: ReadonlySet<string>, version: string | undefined) {
    this.#database = database
    this.#names = names
    this.#version = version
  }

  static async load (database: Database): Promise<StateTable> {
    const names = (await database.keys('state')).filter((key) => key !== VERSION_KEY)
    const version = await database.get('state', VERSION_KEY)
    return new StateTable(database, new Set(names), version === undefined ? undefined : new TextDecoder().decode(version))
  }

  /**
   * What a commit writes along: what is under these names is replaced, or removed where it is undefined; what is under
   * others goes with the new version from now on, where it went with the one before
   *
   * @returns `written` is to be called once the operations are on disk
   */
  commit (version: string, before: string | undefined, state: Readonly<Record<string, Uint8Array | undefined>>): { operations: Operation[], written: () => void } {
    const isCurrent = this.#version !== undefined && this.#version === before
    const given = Object.entries(state).filter((entry): entry is [string, Uint8Array] => entry[1] !== undefined)
    const kept = isCurrent ? [...this.#names].filter((name) => !Object.hasOwn(state, name)) : []
    const names = new Set([...kept, ...given.map(([name]) => name)])
    if (names.size === 0) {
      return this.forget()
    }
    return {
      operations: [
        { table: 'state', key: VERSION_KEY, value: new TextEncoder().encode(version) },
        ...given.map(([key, value]) => ({ table: 'state' as const, key, value })),
        ...[...this.#names].filter((name) => !names.has(name)).map((key) => ({ table: 'state' as const, key }))
      ],
      written: () => { this.#set(names, version) }
    }
  }

  /** What a rollback writes along: the state went with what is forgotten */
  forget (): ReturnType<StateTable['commit']> {
    const keys = this.#names.size === 0 && this.#version === undefined ? [] : [VERSION_KEY, ...this.#names]
    return { operations: keys.map((key) => ({ table: 'state' as const, key })), written: () => { this.#set(new Set(), undefined) } }
  }

  /** Undefined where the newest version, which is this one, has none of this name */
  async get (newest: string | undefined, name: string): Promise<Uint8Array | undefined> {
    const bytes = newest !== undefined && newest === this.#version && this.#names.has(name) ? await this.#database.get('state', name) : undefined
    // a database in memory hands out its own bytes
    return bytes === undefined ? undefined : new Uint8Array(bytes)
  }

  #set (names: ReadonlySet<string>, version: string | undefined): void {
    this.#names = names
    this.#version = version
  }
}
