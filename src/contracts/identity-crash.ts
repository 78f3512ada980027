/**
 * What a keeper of a node's key must still give when its process is killed while it makes one
 */
import { describe, expect, it } from './test-runner.ts'
import type { CrashHome } from './crash.ts'

/** The public key of the home, hex; makes the key when there is none */
export type KeyOf = () => Promise<string>

/** Homes without a key */
export function identityCrashContract (name: string, create: () => Promise<CrashHome<KeyOf>>): void {
  describe(`identity: ${name}`, () => {
    const using = async (test: (home: CrashHome<KeyOf>) => Promise<void>): Promise<void> => {
      const home = await create()
      try {
        await test(home)
      } finally {
        await home.remove()
      }
    }

    it('is the same each time, and for all who ask at once', async () => using(async ({ part: keyOf }) => {
      const keys = await Promise.all([keyOf(), keyOf(), keyOf()])
      expect(new Set([...keys, await keyOf()]).size).toBe(1)
      expect(keys[0]).not.toBe('')
    }))

    it('is one that stays, wherever the making of it was cut off; for good once somebody was told it', async () => using(async ({ part: keyOf, during }) => {
      let told = ''
      const cuts = await during(async () => { told = await keyOf() })
      expect(cuts.length).toBeGreaterThan(1)
      for (const { at, open } of cuts) {
        const found = await (await open())()
        expect({ at, isKey: found !== '', again: await (await open())() }).toEqual({ at, isKey: true, again: found })
      }
      expect(await (await cuts.at(-1)!.open())()).toBe(told)
    }))
  })
}
