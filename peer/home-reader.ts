/**
 * Looks into a home, whether its peer runs (then it is asked) or not (then its store is opened)
 */
import { access } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { connectControl, controlProcess } from './control/control-client.ts'
import { NoSuchVersionError } from './errors.ts'
import { databaseFolder, readFoundingDocument, requirePeer } from './home.ts'
import type { ControlClient, RunningStatus } from './control/control-client.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { Terminal } from './terminal.ts'
import type { ModelVersion, Store } from '../src/interface.ts'

/** A peer that starts takes the store's lock a moment before it answers */
const STARTING_TRIES = 20
const STARTING_DELAY_MS = 250

/** Reading must not prune: how many versions are kept is for `start` to say */
const KEEP_ALL = Number.MAX_SAFE_INTEGER

export interface FoundVersion {
  version: ModelVersion
  parameters: Float32Array
}

export interface VersionPointers {
  /** Committed last: the peer goes on from it */
  newest: ModelVersion | undefined
  /** The newest that neighbours took part in; the newest where there is none */
  latest: ModelVersion | undefined
}

export interface HomeReader {
  /** Undefined when the peer does not run */
  running: RunningStatus | undefined
  federation: () => Promise<FederationDocument | undefined>
  versions: (options: { limit: number }) => Promise<ModelVersion[]>
  /** What `newest` and `latest` name; undefined where there is no version yet */
  pointers: () => Promise<VersionPointers>
  version: (selector: string) => Promise<FoundVersion | undefined>
  /** Report of the last finished round, as it was stored */
  lastRound: () => Promise<object | undefined>
  /** What the store is known to have lost, in words; undefined while the peer runs, which says so at its start */
  lost: () => Promise<string | undefined>
  /**
   * The newest round that was published, as it was stored; undefined while the peer runs, which compares it with its
   * ledger itself
   */
  published: () => Promise<number | undefined>
  /** Other members that are known: while the peer runs, of this moment; else those whose addresses worked */
  others: () => Promise<number | undefined>
  close: () => Promise<void>
}

/**
 * Throws NoHomeError, HomeLockedError when another process holds the store but does not answer, and the store's errors
 */
export async function openHome (home: string): Promise<HomeReader> {
  await requirePeer(home)
  for (let tries = 1; ; tries++) {
    const client = await connectControl(home)
    if (client !== undefined) {
      return runningReader(client)
    }
    try {
      return await storeReader(home)
    } catch (err) {
      if ((err as Error).name !== 'HomeLockedError' || tries === STARTING_TRIES) {
        throw await withoutAnswer(home, err)
      }
    }
    await delay(STARTING_DELAY_MS)
  }
}

/** A running peer that cannot be asked is another trouble than a store that some program holds */
async function withoutAnswer (home: string, err: unknown): Promise<unknown> {
  const pid = (err as Error).name === 'HomeLockedError' ? await controlProcess(home) : undefined
  if (pid === undefined) {
    return err
  }
  const { HomeLockedError } = await import('../src/errors.ts')
  return new HomeLockedError(`the peer of ${home} runs as process ${pid}, but does not answer at its control endpoint: try again, look at what that process does, or stop it first`, { cause: err })
}

/** Throws NoSuchVersionError */
export async function requireVersion (reader: HomeReader, selector: string): Promise<FoundVersion> {
  const found = await reader.version(selector)
  if (found !== undefined) {
    return found
  }
  throw new NoSuchVersionError(selector === 'latest' || selector === 'newest' ? 'this home has no model version yet' : `this home has no version "${selector}"`)
}

/** `latest` need not be the newest: where the peer trained alone since, says so */
export async function noteNewer (reader: HomeReader, version: ModelVersion, terminal: Pick<Terminal, 'note'>): Promise<void> {
  const { newest, latest } = await reader.pointers()
  if (newest !== undefined && version.id === latest?.id && version.id !== newest.id) {
    terminal.note(`it is the latest that neighbours took part in; the newest, of round ${newest.round}, this peer trained alone: name it with "newest"`)
  }
}

export async function warnOfLoss (reader: HomeReader, terminal: Pick<Terminal, 'warn'>): Promise<void> {
  const lost = await reader.lost()
  if (lost !== undefined) {
    terminal.warn(lost)
  }
}

async function runningReader (client: ControlClient): Promise<HomeReader> {
  const running = await client.status()
  return {
    running,
    federation: async () => client.federation(),
    versions: async (options) => client.versions(options),
    pointers: async () => ({ newest: running.node.newestVersion, latest: running.node.latestVersion }),
    version: async (selector) => client.version(selector),
    lastRound: async () => running.node.lastRound,
    lost: async () => undefined,
    published: async () => undefined,
    others: async () => running.node.members.length - 1,
    close: async () => {}
  }
}

async function storeReader (home: string): Promise<HomeReader> {
  const store = await openStore(home, { readOnly: true })
  return {
    running: undefined,
    federation: async () => await storedFederation(store) ?? await readFoundingDocument(home),
    versions: async (options) => await store?.list(options) ?? [],
    pointers: async () => ({ newest: await store?.newest(), latest: await store?.get('latest') }),
    version: async (selector) => {
      const version = await store?.get(selector)
      const parameters = version === undefined ? undefined : await store?.parameters(version.id)
      return version === undefined || parameters === undefined ? undefined : { version, parameters }
    },
    lastRound: async () => (await store?.metrics({ limit: 1 }))?.at(-1),
    lost: async () => {
      const lost = await store?.lost()
      return lost === undefined ? undefined : (await import('../src/node/lost-versions.ts')).lostText(lost, databaseFolder(home))
    },
    published: async () => (await store?.getPublication())?.round,
    others: async () => (await store?.peers())?.length,
    close: async () => store?.close()
  }
}

/** The caller closes it. Undefined for a home that was made but never started: looking must not make a database */
export async function openStore (home: string, { readOnly }: { readOnly: boolean }): Promise<Store | undefined> {
  const location = databaseFolder(home)
  try {
    await access(location)
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined
    }
    throw err
  }
  const { createLevelStore } = await import('../src/store/level-store.ts')
  const { systemClock } = await import('../src/system-clock.ts')
  const store = createLevelStore({ location, clock: systemClock, keepVersions: KEEP_ALL, keepMetrics: KEEP_ALL, readOnly })
  await store.open()
  return store
}

async function storedFederation (store: Store | undefined): Promise<FederationDocument | undefined> {
  const bytes = await store?.getFederation()
  if (bytes === undefined) {
    return undefined
  }
  const { decodeFederation } = await import('../src/federation/document.ts')
  return decodeFederation(bytes)
}
