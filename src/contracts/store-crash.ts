/**
 * What a Store must still hold when its process is killed, wherever in a write that happens
 *
 * The factory says what there would be at each point at which a change can be cut off: before its first write, between
 * two, in the middle of one where the medium allows that, and after the last. Each is opened like any other home.
 */
import { seenAt } from './crash.ts'
import { describe, expect, it } from './test-runner.ts'
import type { CrashHome } from './crash.ts'
import type { LostVersions, ModelVersion, Store } from '../interface.ts'

const FEDERATION = 'bafyfederation'

interface Content {
  versions: Array<Pick<ModelVersion, 'id' | 'round'>>
  parameters: number[]
  mixed: string | undefined
  publication: unknown
  state: number[]
  /** Nobody is told that something was lost: nothing is */
  lost: LostVersions | undefined
}

/** What a round goes by. Reading the parameters also tells that they are whole */
async function contentOf (store: Store): Promise<Content> {
  const versions = (await store.list()).map(({ id, round }) => ({ id, round }))
  const parameters = versions[0] === undefined ? undefined : await store.parameters(versions[0].id)
  return {
    versions,
    parameters: [...parameters ?? []],
    mixed: (await store.newestMixed())?.id,
    publication: await store.getPublication(),
    state: [...await store.state('moments') ?? []],
    lost: await store.lost()
  }
}

async function commit (store: Store, round: number, updates: string[] = ['x', 'y']): Promise<ModelVersion> {
  const { id } = await store.newest() ?? { id: 'none' }
  const version = { federation: FEDERATION, round, parents: [id, ...updates], parameters: Float32Array.of(round, -round) }
  return store.commit({ ...version, metrics: { accepted: updates.length }, state: { moments: Uint8Array.of(round) } })
}

/** `create` keeps the 3 newest versions */
export function storeCrashContract (name: string, create: () => Promise<CrashHome<Store>>): void {
  const changes: Record<string, { before: (store: Store) => Promise<unknown>, change: (store: Store) => Promise<unknown> }> = {
    'the first commit': { before: async () => {}, change: async (store) => commit(store, 1) },
    'a commit that removes older versions': {
      before: async (store) => { for (let round = 1; round <= 5; round++) { await commit(store, round) } },
      change: async (store) => commit(store, 6)
    },
    'a commit of what was not mixed': {
      before: async (store) => { await commit(store, 1) },
      change: async (store) => commit(store, 2, [])
    },
    'the number of a publication': {
      before: async (store) => { await store.putPublication({ round: 1, sequence: 10 }) },
      change: async (store) => store.putPublication({ round: 2, sequence: 20 })
    },
    'a rollback': {
      before: async (store) => { for (let round = 1; round <= 3; round++) { await commit(store, round) } },
      change: async (store) => store.rollback((await store.get('1'))!.id)
    }
  }

  describe(`store that is killed: ${name}`, () => {
    for (const [what, { before, change }] of Object.entries(changes)) {
      it(`${what}: all of it or nothing, and for good once it is done`, async () => {
        const home = await create()
        try {
          await before(home.part)
          const old = await contentOf(home.part)
          const cuts = await home.during(async () => change(home.part))
          const changed = await contentOf(home.part)
          expect(changed).not.toEqual(old)
          const seen = await seenAt(cuts, { old, read: contentOf, close: async (store) => store.close() })
          seen.forEach(({ at, isOld, content }) => { expect({ at, content }).toEqual({ at, content: isOld ? old : changed }) })
          // and never back
          const order = seen.map(({ isOld }) => isOld)
          expect(order).toEqual([...order].sort().reverse())
          expect([order[0], order.at(-1)]).toEqual([true, false])
          // who finds it goes on from it
          const store = await cuts.at(-1)!.open()
          await commit(store, 9)
          expect((await store.newest())?.round).toBe(9)
          await store.close()
        } finally {
          await home.part.close()
          await home.remove()
        }
      })
    }
  })
}
