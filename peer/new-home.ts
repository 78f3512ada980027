/**
 * A home that is made on the way: what cannot be started leaves nothing behind, and nothing of anybody else is touched
 */
import { randomUUID } from 'node:crypto'
import { readdir, rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { HomeExistsError } from './errors.ts'
import { databaseFolder, hasPeer, makeHome, OWN_FILES } from './home.ts'
import { CLAIM_FILE, claimHome } from './home-claim.ts'
import type { HomeClaim } from './home-claim.ts'

/** Calls `finished` when the home works */
type Use<T> = (finished: () => Promise<void>) => Promise<T>

/**
 * What `use` makes in `home` goes again when it fails: settings that never worked would fail at each start to come, and
 * a key that nobody knows is no loss. What was there before stays, and so does all that another process may use or have
 * made: only the first maker removes, only while it holds the store, and only what published nothing
 *
 * Throws HomeLockedError while another process makes this home, HomeExistsError when one has made it since the caller
 * looked, and as `use` does
 *
 * @param use - Is to call `finished` when the home works: from then on it stays
 */
export async function unmadeOnFailure<T> (home: string, use: Use<T>): Promise<T> {
  const isNewFolder = await namesIn(home) === undefined
  await makeHome(home)
  try {
    return await asMaker(home, use)
  } finally {
    if (isNewFolder) {
      await rmdir(home).catch(() => {
        // a peer is in it, or what is not ours
      })
    }
  }
}

async function asMaker<T> (home: string, use: Use<T>): Promise<T> {
  const claim = await claimHome(home)
  if (await hasPeer(home)) {
    await claim.release()
    throw new HomeExistsError(`another process made the peer of ${home} meanwhile`)
  }
  const before = await namesIn(home) ?? []
  try {
    const result = await use(claim.release)
    await claim.release()
    return result
  } catch (err) {
    // else the claim stays: who comes next is not to take what is here for its own
    if (claim.isFirst) {
      await unmake(home, { claim, before, err })
      await claim.release()
    }
    throw err
  }
}

/** Undefined when there is no such folder, or none that can be looked into: then nothing can be made there either */
async function namesIn (home: string): Promise<string[] | undefined> {
  try {
    return await readdir(home)
  } catch {
    return undefined
  }
}

interface Failed {
  claim: HomeClaim
  before: readonly string[]
  err: unknown
}

/**
 * As far as it goes: the failure itself is what is told. A store that is in use, or cannot be opened, keeps everything
 */
async function unmake (home: string, { claim, before, err }: Failed): Promise<void> {
  if ((err as Error).name === 'HomeLockedError' || !await claim.stands()) {
    return
  }
  const { createLevelStore } = await import('../src/store/level-store.ts')
  const { systemClock } = await import('../src/system-clock.ts')
  const store = createLevelStore({ location: databaseFolder(home), clock: systemClock })
  try {
    await store.open()
  } catch {
    return
  }
  const aside = `${databaseFolder(home)}.${randomUUID().replaceAll('-', '')}`
  try {
    if (await store.getPublication() === undefined && await store.newest() === undefined) {
      await removeMade(home, before)
      // last, and under another name: files of a store that somebody opens from now on are not among them
      await rename(databaseFolder(home), aside)
    }
  } catch {
    // what is left is told by nobody better than by the failure
  } finally {
    await store.close().catch(() => {})
    await rm(aside, { recursive: true, force: true }).catch(() => {})
  }
}

async function removeMade (home: string, before: readonly string[]): Promise<void> {
  const kept = new Set([...before, 'db', CLAIM_FILE])
  const made = (await namesIn(home) ?? []).filter((name) => OWN_FILES.test(name) && !kept.has(name))
  await Promise.allSettled(made.map(async (name) => { await rm(join(home, name), { recursive: true, force: true }) }))
}
