/**
 * The committed model versions: `versions` (records) and `parameters`
 *
 * Keys begin with a counter that grows with every commit, so that the order of keys is the order of commits, the
 * last key is the newest version, and one atomic batch (record, parameters, removal of the oldest) is all that a
 * commit writes. The counter's list is kept in memory: this process is the only writer.
 *
 * There are two pointers: the newest version, to go on from, and the newest that is mixed, to use. A peer that is alone
 * for a night trains thousands of versions for itself, which must not push out the last one that was averaged.
 */
import { AmbiguousVersionError, UnsoundVersionError } from '../errors.ts'
import { StateTable } from './state-table.ts'
import { corruptError } from './store-error.ts'
import { bytesToParameters, decodeRecord, encodeRecord, finiteMetrics, hashBytes, isMixed, versionId } from './version-record.ts'
import type { Database, KeyRange, Operation } from './database.ts'
import type { ModelVersion, Store, Trace } from '../interface.ts'

/** What `Store.commit` takes, its parameters already copied */
export interface PendingVersion extends Omit<Parameters<Store['commit']>[0], 'parameters'> {
  bytes: Uint8Array<ArrayBuffer>
  createdAt: number
  /** Of the stored document */
  preparation: string | undefined
}

interface Entry {
  /** In the `parameters` table */
  counter: string
  /** In the `versions` table: counter, round, id */
  key: string
  round: number
  id: string
  /** Undefined when the record is not readable: whoever asks for it hears of the damage, it is not passed over */
  mixed: boolean | undefined
}

const KEY = /^(\d{16})\/(\d{1,16})\/([0-9a-f]{64})$/
const MINIMUM_PREFIX = 4
/**
 * LevelDB keeps deleted values until a compaction meets them, and of 20 MB values that may be never (measured: 30
 * commits of 20 MB with 10 kept left 621 MB). Compacting when this many dead bytes, or two versions, have gathered
 * keeps the folder within a small multiple of what is kept. It runs beside the commits: a third of a second as a rule
 * for 20 MB versions, 50 ms for small ones
 */
const DEAD_BYTES = 16 * 1024 * 1024
const DEAD_VERSIONS = 2
/** On a machine too busy to compact as fast as it commits, a commit waits once this many times as much is dead */
const DEAD_LIMIT = 2

function entryOf (key: string, record: Uint8Array | undefined, location: string): Entry {
  const [, counter, round, id] = KEY.exec(key) ?? []
  if (counter === undefined || round === undefined || id === undefined) {
    throw corruptError(location, `${JSON.stringify(key.slice(0, 96))} is not a key of a version`)
  }
  return { counter, key, round: Number(round), id, mixed: record === undefined ? undefined : decodeRecord(id, record)?.mixed }
}

function counterText (counter: number): string {
  return String(counter).padStart(16, '0')
}

/** Where no version is kept: before the oldest, and between those that are kept because they are mixed */
function gapsBetween (entries: readonly Entry[]): KeyRange[] {
  return entries.map(({ counter }, index) => ({ start: counterText(Number(entries[index - 1]?.counter ?? -1) + 1), end: counter })).filter(({ start, end }) => start < end)
}

function newEntry (counter: number, { round, id, mixed }: Pick<ModelVersion, 'round' | 'id' | 'mixed'>): Entry {
  const text = counterText(counter)
  return { counter: text, key: `${text}/${round}/${id}`, round, id, mixed }
}

/** The newest `keep`, and the newest `keep` of those that are mixed; in the order of `entries`, oldest first */
function keptOf (entries: readonly Entry[], keep: number): Entry[] {
  const kept = new Set([...entries.slice(-keep), ...entries.filter(({ mixed }) => mixed !== false).slice(-keep)])
  return entries.filter((entry) => kept.has(entry))
}

/** Throws UnsoundVersionError */
export function requireSound (parameters: Float32Array, what: string, nextStep: string): void {
  for (let index = 0; index < parameters.length; index++) {
    if (!Number.isFinite(parameters[index])) {
      throw new UnsoundVersionError(`${what} is no model: parameter ${index} is ${parameters[index]}. ${nextStep}`)
    }
  }
}

function numbered (entry: Entry | undefined): { counter: number, round: number } | undefined {
  return entry === undefined ? undefined : { counter: Number(entry.counter), round: entry.round }
}

function removal ({ key, counter }: Entry): Operation[] {
  return [{ table: 'versions', key }, { table: 'parameters', key: counter }]
}

interface VersionTableInit {
  keep: number
  trace: Trace
}

export class VersionTable {
  private readonly database: Database
  private readonly keep: number
  private readonly trace: Trace
  /** Oldest first */
  private entries: Entry[]
  private readonly states: StateTable
  private compaction: Promise<void> | undefined

  private constructor (database: Database, { keep, trace }: VersionTableInit, { entries, states }: { entries: Entry[], states: StateTable }) {
    this.database = database
    this.keep = keep
    this.trace = trace
    this.entries = entries
    this.states = states
  }

  static async load (database: Database, init: VersionTableInit): Promise<VersionTable> {
    const records = await database.entries('versions')
    const entries = records.map(([key, record]) => entryOf(key, record, database.location))
    return new VersionTable(database, init, { entries, states: await StateTable.load(database) })
  }

  /** Resolves when the version is on disk; the same version committed again takes the place of the first */
  async commit ({ federation, round, parents, metrics, bytes, createdAt, preparation, state = {} }: PendingVersion): Promise<ModelVersion> {
    const parametersHash = await hashBytes(bytes)
    const finite = finiteMetrics(metrics)
    const version: ModelVersion = {
      id: versionId({ federation, round, parents, parametersHash }),
      round,
      parents: [...parents],
      parametersHash,
      parameterCount: bytes.byteLength / 4,
      createdAt,
      metrics: finite,
      ...(preparation === undefined ? {} : { preparation }),
      mixed: isMixed({ metrics: finite, parents })
    }
    const entry = newEntry(Number(this.entries.at(-1)?.counter ?? 0) + 1, version)
    const states = this.states.commit(version.id, this.entries.at(-1)?.id, state)
    const kept = keptOf([...this.entries.filter(({ id }) => id !== version.id), entry], this.keep)
    const dropped = this.entries.filter((known) => !kept.includes(known))
    dropped.length > 0 && this.trace('removing %d versions with the commit of round %d', dropped.length, round)
    await this.database.write([
      { table: 'versions', key: entry.key, value: encodeRecord(federation, version) },
      { table: 'parameters', key: entry.counter, value: bytes },
      ...states.operations,
      ...dropped.flatMap(removal)
    ], { sync: true })
    this.entries = kept
    states.written()
    if (dropped.length > 0) {
      this.trace('removed %d versions with the commit of round %d', dropped.length, round)
      await this.compactWhenDue(bytes.byteLength)
    }
    return version
  }

  async newest (): Promise<ModelVersion | undefined> {
    return this.readOne(this.entries.at(-1))
  }

  async newestMixed (): Promise<ModelVersion | undefined> {
    return this.readOne(this.lastMixed())
  }

  /** Of the newest version; undefined where it has none of this name */
  async state (name: string): Promise<Uint8Array | undefined> {
    return this.states.get(this.entries.at(-1)?.id, name)
  }

  /** Resolves when it is forgotten on disk */
  async forgetState (): Promise<void> {
    const states = this.states.forget()
    if (states.operations.length > 0) {
      await this.database.write(states.operations, { sync: true })
      states.written()
    }
  }

  /** By `latest`, `newest`, full id, round number (the newest commit of that round), or unique prefix of an id */
  async get (selector: string): Promise<ModelVersion | undefined> {
    return this.readOne(this.find(selector))
  }

  /** How many commits there were, and the round of the last one */
  last (): { counter: number, round: number } | undefined {
    return numbered(this.entries.at(-1))
  }

  /** What `last` says once version `id` is the newest */
  lastAfterRollback (id: string): { counter: number, round: number } | undefined {
    return numbered(this.entries.find((entry) => entry.id === id))
  }

  /** What came after version `id`, which is there, newest first. Resolves when it is forgotten on disk */
  async rollback (id: string): Promise<Array<Pick<ModelVersion, 'id' | 'round'>>> {
    const index = this.entries.findIndex((entry) => entry.id === id)
    const left = this.entries.slice(index + 1).reverse()
    if (left.length > 0) {
      const states = this.states.forget()
      await this.database.write([...left.flatMap(removal), ...states.operations], { sync: true })
      this.entries = this.entries.slice(0, index + 1)
      states.written()
    }
    return left.map(({ id, round }) => ({ id, round }))
  }

  async list (limit: number): Promise<ModelVersion[]> {
    return this.read(this.entries.toReversed().slice(0, limit))
  }

  /**
   * Throws StoreCorruptError when the bytes are not those that were committed, UnsoundVersionError when they are no
   * model
   */
  async parameters (id: string): Promise<Float32Array | undefined> {
    const entry = this.entries.find((entry) => entry.id === id)
    if (entry === undefined) {
      return undefined
    }
    const [version] = await this.read([entry])
    const bytes = await this.database.get('parameters', entry.counter)
    if (version === undefined || bytes === undefined || bytes.byteLength !== version.parameterCount * 4) {
      throw corruptError(this.database.location, `the parameters of version ${id} (round ${entry.round}) are missing or cut short`)
    }
    if (await hashBytes(bytes) !== version.parametersHash) {
      throw corruptError(this.database.location, `the parameters of version ${id} (round ${entry.round}) differ from their hash`)
    }
    const parameters = bytesToParameters(bytes)
    requireSound(parameters, `version ${id} (round ${entry.round}) in ${this.database.location}`, 'Take another one: grapevine versions; or go back to it: grapevine versions rollback VERSION')
    return parameters
  }

  /** Waits for a compaction that is under way */
  async settle (): Promise<void> {
    await this.compaction
  }

  private find (selector: string): Entry | undefined {
    if (selector === 'newest' || selector === 'latest') {
      return (selector === 'latest' ? this.lastMixed() : undefined) ?? this.entries.at(-1)
    }
    const exact = this.entries.find(({ id }) => id === selector) ?? this.entries.findLast(({ round }) => String(round) === selector)
    if (exact !== undefined || selector.length < MINIMUM_PREFIX) {
      return exact
    }
    const matches = this.entries.filter(({ id }) => id.startsWith(selector.toLowerCase()))
    if (matches.length > 1) {
      const listed = matches.map(({ id, round }) => `${id.slice(0, Math.max(12, selector.length + 4))} (round ${round})`).join(', ')
      throw new AmbiguousVersionError(`"${selector}" fits ${matches.length} versions: ${listed}; give more characters`)
    }
    return matches[0]
  }

  private lastMixed (): Entry | undefined {
    return this.entries.findLast(({ mixed }) => mixed !== false)
  }

  private async readOne (entry: Entry | undefined): Promise<ModelVersion | undefined> {
    return entry === undefined ? undefined : (await this.read([entry]))[0]
  }

  private async read (entries: Entry[]): Promise<ModelVersion[]> {
    const records = await this.database.getMany('versions', entries.map(({ key }) => key))
    return entries.map(({ id, round }, index) => {
      const bytes = records[index]
      const version = bytes === undefined ? undefined : decodeRecord(id, bytes)
      if (version === undefined) {
        throw corruptError(this.database.location, `the record of version ${id} (round ${round}) is not readable`)
      }
      return version
    })
  }

  private async compactWhenDue (versionBytes: number): Promise<void> {
    const gaps = gapsBetween(this.entries)
    const due = Math.max(DEAD_BYTES, DEAD_VERSIONS * versionBytes)
    let dead = 0
    try {
      for (const gap of gaps) {
        dead += await this.database.bytesIn('parameters', gap)
      }
    } catch {
      // the version is on disk: room that cannot be measured now is measured after the next one
      return
    }
    if (dead >= DEAD_LIMIT * due) {
      await this.compaction
    }
    if (dead >= due) {
      this.compaction ??= this.compact(gaps)
    }
  }

  private async compact (gaps: readonly KeyRange[]): Promise<void> {
    this.trace('compacting where versions were removed')
    try {
      for (const gap of gaps) {
        await this.database.compact('parameters', gap)
      }
      this.trace('compacted where versions were removed')
    } catch {
      // no version is touched: LevelDB repeats the failure at the next write, which reports it
    } finally {
      this.compaction = undefined
    }
  }
}
