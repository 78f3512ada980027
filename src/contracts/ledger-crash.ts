/**
 * What a privacy ledger must still count when its process is killed, wherever in a charge that happens
 */
import { seenAt } from './crash.ts'
import { describe, expect, it } from './test-runner.ts'
import type { CrashHome } from './crash.ts'
import type { Ledger } from '../ledger/ledger.ts'

type Charged = Pick<Ledger, 'reserve' | 'reserveStatistic' | 'assume' | 'note' | 'totals' | 'lastRound' | 'head' | 'verify' | 'close'>

const FEDERATION = 'bafyfederation'
const PEER = 'peer'

function charge (round: number): Parameters<Ledger['reserve']>[0] {
  return { federation: FEDERATION, peer: PEER, round, mechanism: 'dp-sgd', sampleRate: 0.1, noiseMultiplier: 1, clipNorm: 1, steps: 5 }
}

async function contentOf (ledger: Charged): Promise<object> {
  return { totals: ledger.totals(), last: ledger.lastRound(FEDERATION, PEER), head: ledger.head(), whole: await ledger.verify() }
}

/** A fresh ledger, opened */
export function ledgerCrashContract (name: string, create: () => Promise<CrashHome<Charged>>): void {
  const changes: Record<string, (ledger: Charged) => Promise<unknown>> = {
    'the charge of a round': async (ledger) => ledger.reserve(charge(4)),
    'the charge of a noisy figure': async (ledger) => ledger.reserveStatistic({ federation: FEDERATION, peer: PEER, name: 'histogram', noiseMultiplier: 2, sensitivity: 1, releases: 1 }),
    'an assumption': async (ledger) => ledger.assume({ statement: 'no record is held twice' }),
    'a note': async (ledger) => ledger.note({ reason: 'restored' })
  }

  describe(`ledger that is killed: ${name}`, () => {
    for (const [what, change] of Object.entries(changes)) {
      it(`${what}: all of it or nothing, in a whole chain, and for good before the caller goes on`, async () => {
        const home = await create()
        const { part: ledger } = home
        try {
          for (const round of [1, 2, 3]) {
            await ledger.reserve(charge(round))
          }
          const old = await contentOf(ledger)
          const cuts = await home.during(async () => change(ledger))
          const changed = await contentOf(ledger)
          expect(changed).not.toEqual(old)
          const seen = await seenAt(cuts, { old, read: contentOf, close: async (part) => part.close() })
          seen.forEach(({ at, isOld, content }) => { expect({ at, content }).toEqual({ at, content: isOld ? old : changed }) })
          // whoever was told that it is charged may train: it must be there whatever happens now
          const order = seen.map(({ isOld }) => isOld)
          expect(order).toEqual([...order].sort().reverse())
          expect([order[0], order.at(-1)]).toEqual([true, false])
          const next = await cuts.at(-1)!.open()
          await next.reserve(charge(5))
          expect(next.lastRound(FEDERATION, PEER)).toBe(5)
          expect(await next.verify()).toEqual({ entries: 5 })
          await next.close()
        } finally {
          await ledger.close()
          await home.remove()
        }
      })
    }
  })
}
