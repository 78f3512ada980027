/**
 * The Store port over LevelDB: one folder, one process at a time
 *
 * Calls are queued and run one after the other, so that a reader never meets a half-done prune and nobody meets a
 * database that is being reopened. The only thing that runs beside them is LevelDB's compaction.
 */
import { StoreClosedError, StoreWriteError } from '../errors.ts'
import { federationId } from '../federation/federation-id.ts'
import { openDatabase } from './database.ts'
import { GovernanceTable } from './governance-table.ts'
import { MembershipTables } from './membership-tables.ts'
import { MetricsTable } from './metrics-table.ts'
import { NewestNote } from './newest-note.ts'
import { parametersToBytes } from './version-record.ts'
import { requireSound, VersionTable } from './version-table.ts'
import type { Database, StoreDatabase } from './database.ts'
import type { Ban, Clock, LostVersions, ModelVersion, PeerAddress, PeerName, Publication, Store, Trace } from '../interface.ts'

const DEFAULT_KEEP_VERSIONS = 10
const DEFAULT_KEEP_METRICS = 1000
/** LevelDB counts in 32 bits */
const MAX_LIMIT = 0x7fffffff

export interface LevelStoreInit {
  /** Folder of the database; made when it is missing. Nothing else may be kept in it */
  location: string
  /**
   * So many of the newest committed versions are kept, and as many of the newest mixed ones; at least 1. @default 10
   */
  keepVersions?: number
  /** Round records to keep, at least 1. @default 1000 */
  keepMetrics?: number
  clock: Pick<Clock, 'now'>
  /** Says what is written when it begins and when it is on disk. @default nothing */
  trace?: Trace
  /**
   * Nothing will be written: a store on a full or read-only disk can be read then
   *
   * @default false
   */
  readOnly?: boolean
  /**
   * Another database than LevelDB in `location`. Must keep its content when it is closed and this is called again
   *
   * @default LevelDB on disk
   */
  createDatabase?: (location: string) => StoreDatabase
}

interface OpenStore {
  database: Database
  versions: VersionTable
  membership: MembershipTables
  governance: GovernanceTable
  metrics: MetricsTable
  note: NewestNote
}

function requireCount (name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`${name} must be an integer of at least 1, not ${value}`)
  }
  return value
}

const STATE_NAME = /^[a-z][a-z0-9-]{0,63}$/

function requireRound (round: number): void {
  if (!Number.isSafeInteger(round) || round < 0) {
    throw new RangeError(`round must be an integer of at least 0, not ${round}`)
  }
}

function requireStateNames (names: readonly string[]): void {
  const bad = names.find((name) => !STATE_NAME.test(name))
  if (bad !== undefined) {
    throw new RangeError(`a state is named by letters, digits and dashes, not ${JSON.stringify(bad)}`)
  }
}

function limitOf (options: { limit?: number } | undefined): number {
  return options?.limit === undefined ? MAX_LIMIT : Math.min(MAX_LIMIT, requireCount('limit', options.limit))
}

class LevelStore implements Store {
  private readonly init: LevelStoreInit
  private readonly keepVersions: number
  private readonly keepMetrics: number
  private readonly trace: Trace
  private queue: Promise<unknown> = Promise.resolve()
  /** Between open() and close() */
  private wanted = false
  private opened: OpenStore | undefined

  constructor (init: LevelStoreInit) {
    this.init = init
    this.keepVersions = requireCount('keepVersions', init.keepVersions ?? DEFAULT_KEEP_VERSIONS)
    this.keepMetrics = requireCount('keepMetrics', init.keepMetrics ?? DEFAULT_KEEP_METRICS)
    this.trace = init.trace ?? (() => {})
  }

  async open (): Promise<void> {
    return this.enqueue(async () => {
      this.opened ??= await this.openParts()
      this.wanted = true
    })
  }

  async close (): Promise<void> {
    return this.enqueue(async () => {
      this.wanted = false
      await this.closeParts()
    })
  }

  async lost (): Promise<LostVersions | undefined> {
    return this.run(async ({ versions, note }) => note.lost(versions.last()))
  }

  async getFederation (): Promise<Uint8Array | undefined> {
    return this.run(async ({ membership }) => membership.getFederation())
  }

  async putFederation (document: Uint8Array): Promise<void> {
    return this.run(async ({ membership }) => membership.putFederation(document))
  }

  async commit ({ parameters, state = {}, ...version }: Parameters<Store['commit']>[0]): Promise<ModelVersion> {
    requireRound(version.round)
    requireStateNames(Object.keys(state))
    requireSound(parameters, `what was to be committed as round ${version.round} to ${this.init.location}`, 'Nothing was written')
    const bytes = parametersToBytes(parameters)
    // the caller may go on using its arrays
    const copies = Object.fromEntries(Object.entries(state).map(([name, value]) => [name, value === undefined ? undefined : new Uint8Array(value)]))
    return this.run(async ({ versions, membership, note }) => {
      const preparation = await membership.preparation()
      this.trace('committing round %d', version.round)
      const committed = await versions.commit({ ...version, state: copies, bytes, createdAt: this.init.clock.now(), preparation })
      await note.committed(versions.last())
      this.trace('committed round %d', version.round)
      return committed
    })
  }

  async newest (): Promise<ModelVersion | undefined> {
    return this.run(async ({ versions }) => versions.newest())
  }

  async newestMixed (): Promise<ModelVersion | undefined> {
    return this.run(async ({ versions }) => versions.newestMixed())
  }

  async get (selector: string): Promise<ModelVersion | undefined> {
    return this.run(async ({ versions }) => versions.get(selector))
  }

  async parameters (id: string): Promise<Float32Array | undefined> {
    return this.run(async ({ versions }) => versions.parameters(id))
  }

  async state (name: string): Promise<Uint8Array | undefined> {
    return this.run(async ({ versions }) => versions.state(name))
  }

  async rollback (id: string): Promise<Array<Pick<ModelVersion, 'id' | 'round'>> | undefined> {
    return this.run(async ({ versions, note }) => {
      if (await versions.parameters(id) === undefined) {
        return undefined
      }
      // first: killed in between, the database is ahead of the note, and nothing seems lost
      await note.committed(versions.lastAfterRollback(id))
      return versions.rollback(id)
    })
  }

  async list (options?: { limit?: number }): Promise<ModelVersion[]> {
    const limit = limitOf(options)
    return this.run(async ({ versions }) => versions.list(limit))
  }

  async putPublication (publication: Publication): Promise<void> {
    return this.run(async ({ membership, note }) => {
      this.trace('storing publication number %d of round %d', publication.sequence, publication.round)
      await membership.putPublication(publication)
      await note.published(publication)
      this.trace('stored publication number %d of round %d', publication.sequence, publication.round)
    })
  }

  async getPublication (): Promise<Publication | undefined> {
    return this.run(async ({ membership, note }) => note.publication(await membership.getPublication()))
  }

  async putPublished (message: Uint8Array): Promise<void> {
    const bytes = new Uint8Array(message)
    return this.run(async ({ membership }) => membership.putPublished(bytes))
  }

  async getPublished (): Promise<Uint8Array | undefined> {
    return this.run(async ({ membership }) => membership.getPublished())
  }

  async putRecordSequence (sequence: number): Promise<void> {
    return this.run(async ({ membership }) => membership.putRecordSequence(sequence))
  }

  async getRecordSequence (): Promise<number> {
    return this.run(async ({ membership }) => membership.getRecordSequence())
  }

  async governance (): Promise<Map<string, Uint8Array>> {
    return this.run(async ({ governance }) => governance.read())
  }

  async putGovernance (entries: ReadonlyMap<string, Uint8Array | undefined>): Promise<void> {
    return this.run(async ({ governance }) => governance.write(entries))
  }

  async beginAgain (): Promise<ModelVersion | undefined> {
    return this.run(async ({ versions, membership, metrics, note }) => {
      await membership.forgetPublications()
      await metrics.clear()
      await versions.forgetState()
      const latest = await versions.newestMixed() ?? await versions.newest()
      const parameters = latest === undefined ? undefined : await versions.parameters(latest.id)
      const document = await membership.getFederation()
      const renewed = latest === undefined || parameters === undefined || document === undefined
        ? undefined
        : await versions.commit({
          federation: federationId(document),
          round: 0,
          parents: [latest.id],
          metrics: {},
          bytes: parametersToBytes(parameters),
          createdAt: this.init.clock.now(),
          preparation: latest.preparation
        })
      await note.renewed(versions.last())
      return renewed
    })
  }

  async peers (): Promise<PeerAddress[]> {
    return this.run(async ({ membership }) => membership.peers())
  }

  async putPeer (peer: PeerAddress): Promise<void> {
    return this.run(async ({ membership }) => membership.putPeer(peer))
  }

  async deletePeer (peer: PeerName): Promise<void> {
    return this.run(async ({ membership }) => membership.deletePeer(peer))
  }

  async bans (): Promise<Ban[]> {
    return this.run(async ({ membership }) => membership.bans(this.init.clock.now()))
  }

  async putBan (ban: Ban): Promise<void> {
    return this.run(async ({ membership }) => membership.putBan(ban, this.init.clock.now()))
  }

  async putMetrics (round: number, record: object): Promise<void> {
    requireRound(round)
    return this.run(async ({ metrics }) => metrics.put(round, record))
  }

  async metrics (options?: { limit?: number }): Promise<object[]> {
    const limit = limitOf(options)
    return this.run(async ({ metrics }) => metrics.list(limit))
  }

  private async enqueue<T> (operation: () => Promise<T>): Promise<T> {
    const result = this.queue.then(operation)
    // the caller gets the failure; the next in the queue must not
    this.queue = result.catch(() => undefined)
    return result
  }

  private async run<T> (operation: (parts: OpenStore) => Promise<T>): Promise<T> {
    return this.enqueue(async () => {
      if (!this.wanted) {
        throw new StoreClosedError(`the store in ${this.init.location} is not open: call open() first`)
      }
      this.opened ??= await this.openParts()
      try {
        return await operation(this.opened)
      } catch (err) {
        if (err instanceof StoreWriteError) {
          // the log may end in a torn record: recovery at the next call cuts it off (see Database.write)
          await this.closeParts()
        }
        throw err
      }
    })
  }

  private async openParts (): Promise<OpenStore> {
    const database = await openDatabase(this.init)
    try {
      return {
        database,
        versions: await VersionTable.load(database, { keep: this.keepVersions, trace: this.trace }),
        membership: new MembershipTables(database),
        governance: new GovernanceTable(database),
        metrics: await MetricsTable.load(database, this.keepMetrics),
        note: await NewestNote.load(database, { onDisk: this.init.createDatabase === undefined })
      }
    } catch (err) {
      await database.close()
      throw err
    }
  }

  private async closeParts (): Promise<void> {
    const { opened } = this
    this.opened = undefined
    await opened?.versions.settle()
    await opened?.database.close()
  }
}

/**
 * A store in the folder `location`. Nothing is touched before open(); every call on a store that is not open rejects
 * with StoreClosedError. A call that fails with StoreWriteError leaves the store usable: the next one opens it anew
 *
 * Throws RangeError when keepVersions or keepMetrics is not a positive integer
 */
export function createLevelStore (init: LevelStoreInit): Store {
  return new LevelStore(init)
}
