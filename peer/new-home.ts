/**
 * A home that is made on the way: what cannot be started leaves nothing behind
 */
import { readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { OWN_FILES } from './home.ts'

/**
 * What `use` makes in `home` goes again when it fails: settings that never worked would fail at each start to come, and a key that
 * nobody knows is no loss. What was there before stays
 *
 * Rejects as `use` does
 */
export async function unmadeOnFailure<T> (home: string, use: () => Promise<T>): Promise<T> {
  const before = await namesIn(home)
  try {
    return await use()
  } catch (err) {
    await unmake(home, before)
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

/** As far as it goes: the failure itself is what is told */
async function unmake (home: string, before: readonly string[] | undefined): Promise<void> {
  const made = (await namesIn(home) ?? []).filter((name) => OWN_FILES.test(name) && before?.includes(name) !== true)
  await Promise.allSettled(made.map(async (name) => { await rm(join(home, name), { recursive: true, force: true }) }))
  if (before === undefined) {
    await rmdir(home).catch(() => {
      // it is not there, or holds what is not ours
    })
  }
}
