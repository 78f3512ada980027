/**
 * What a node keeps of who belongs to its federation and who decides: records, invitations, ballots
 *
 * Keys are the owner's (governance/): one namespace, read as a whole at the start.
 */
import type { Database } from './database.ts'

const KEY = /^[\x21-\x7e]{1,128}$/

export class GovernanceTable {
  readonly #database: Database

  constructor (database: Database) {
    this.#database = database
  }

  async read (): Promise<Map<string, Uint8Array>> {
    return new Map((await this.#database.entries('governance')).map(([key, value]) => [key, new Uint8Array(value)]))
  }

  /** Throws RangeError for a key that cannot be, before anything is written */
  async write (entries: ReadonlyMap<string, Uint8Array | undefined>): Promise<void> {
    const wrong = [...entries.keys()].find((key) => !KEY.test(key))
    if (wrong !== undefined) {
      throw new RangeError(`a key of governance has 1 to 128 printable ASCII characters, not ${JSON.stringify(wrong)}`)
    }
    const operations = [...entries].map(([key, value]) => ({ table: 'governance' as const, key, ...(value === undefined ? {} : { value: new Uint8Array(value) }) }))
    if (operations.length > 0) {
      await this.#database.write(operations, { sync: true })
    }
  }
}
