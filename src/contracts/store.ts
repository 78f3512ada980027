/**
 * What every Store must do, whatever it is made of
 *
 * `open` gives a handle on the same content each time it is called: closing one and creating the next is a restart.
 */
import { createHash } from 'node:crypto'
import * as dagCbor from '@ipld/dag-cbor'
import fc from 'fast-check'
import { MAX_BANS } from '../ban-table.ts'
import { federationId } from '../federation/federation-id.ts'
import { afterEach, beforeEach, describe, expect, it } from './test-runner.ts'
import type { Ban, ModelVersion, PeerAddress, Publication, Store } from '../interface.ts'

export interface StoreContractInit {
  keepVersions?: number
  keepMetrics?: number
  clock: { now: () => number }
}

/** Content that outlives its handles */
export interface StoreHome {
  create: (init: StoreContractInit) => Store
  remove: () => Promise<void>
}

const FEDERATION = 'bafyfederation'

function sha256 (bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function bytesOf (parameters: Float32Array): Uint8Array {
  return new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength)
}

function idOf (round: number, parents: readonly string[], parameters: Float32Array): string {
  return sha256(dagCbor.encode({ federation: FEDERATION, round, parents: [...parents], parametersHash: sha256(bytesOf(parameters)) }))
}

export function storeContract (name: string, factory: () => Promise<StoreHome>): void {
  describe(`store contract: ${name}`, () => {
    let home: StoreHome
    let store: Store
    let now = 1_000

    beforeEach(async () => {
      now = 1_000
      home = await factory()
      store = home.create({ keepVersions: 3, keepMetrics: 3, clock: { now: () => now } })
      await store.open()
    })

    afterEach(async () => {
      await store.close()
      await home.remove()
    })

    async function restart (init: Partial<StoreContractInit> = {}): Promise<void> {
      await store.close()
      store = home.create({ keepVersions: 3, keepMetrics: 3, clock: { now: () => now }, ...init })
      await store.open()
    }

    async function commit (round: number, values: number[] = [round], parents: string[] = []): Promise<ModelVersion> {
      return store.commit({ federation: FEDERATION, round, parents, parameters: Float32Array.from(values), metrics: { loss: 1 / round } })
    }

    /** As the round engine does: a round that two neighbours took part in, and one that the peer did alone */
    async function commitMixed (round: number): Promise<ModelVersion> {
      return store.commit({ federation: FEDERATION, round, parents: ['own', 'x', 'y'], parameters: Float32Array.of(round), metrics: { accepted: 2 } })
    }

    async function commitAlone (round: number): Promise<ModelVersion> {
      return store.commit({ federation: FEDERATION, round, parents: ['own'], parameters: Float32Array.of(round), metrics: { accepted: 0 } })
    }

    describe('an empty store', () => {
      it('has nothing, and says so with undefined and empty lists', async () => {
        expect(await store.getFederation()).toBeUndefined()
        expect(await store.newest()).toBeUndefined()
        expect(await store.newestMixed()).toBeUndefined()
        expect(await store.lost()).toBeUndefined()
        expect(await store.get('latest')).toBeUndefined()
        expect(await store.get('newest')).toBeUndefined()
        expect(await store.rollback('00'.repeat(32))).toBeUndefined()
        expect(await store.get('1')).toBeUndefined()
        expect(await store.get('')).toBeUndefined()
        expect(await store.parameters('00'.repeat(32))).toBeUndefined()
        expect(await store.list()).toEqual([])
        expect(await store.getPublication()).toBeUndefined()
        expect(await store.getPublished()).toBeUndefined()
        expect(await store.peers()).toEqual([])
        expect(await store.bans()).toEqual([])
        expect(await store.metrics()).toEqual([])
      })
    })

    describe('life cycle', () => {
      it('opens twice and closes twice without harm', async () => {
        await commit(1)
        await Promise.all([store.open(), store.open()])
        expect((await store.newest())?.round).toBe(1)
        await Promise.all([store.close(), store.close()])
        await store.close()
      })

      it('opens again after it was closed', async () => {
        await commit(1)
        await store.close()
        await store.open()
        expect((await store.newest())?.round).toBe(1)
      })

      it('finishes the calls that came before close', async () => {
        const committed = commit(1)
        await store.close()
        expect((await committed).round).toBe(1)
        await store.open()
        expect((await store.newest())?.round).toBe(1)
      })

      it('rejects every call while it is closed', async () => {
        await store.close()
        const calls: Array<() => Promise<unknown>> = [
          async () => store.getFederation(), async () => store.putFederation(new Uint8Array(1)), async () => commit(1), async () => store.newest(),
          async () => store.newestMixed(), async () => store.lost(), async () => store.rollback('x'),
          async () => store.get('latest'), async () => store.parameters('x'), async () => store.list(), async () => store.putPublication({ round: 1, sequence: 1 }),
          async () => store.getPublication(), async () => store.putPublished(new Uint8Array(1)), async () => store.getPublished(), async () => store.putRecordSequence(1), async () => store.getRecordSequence(), async () => store.governance(), async () => store.putGovernance(new Map()), async () => store.beginAgain(),
          async () => store.peers(), async () => store.putPeer({ peer: 'a', addresses: [], lastConnectedAt: 0 }),
          async () => store.deletePeer('a'), async () => store.bans(), async () => store.putBan({ peer: 'a', reason: 'x', until: 9 }),
          async () => store.putMetrics(1, {}), async () => store.metrics()
        ]
        for (const call of calls) {
          await expect(call()).rejects.toMatchObject({ name: 'StoreClosedError', message: expect.stringContaining('not open') as string })
        }
      })

      it('rejects every call before it is opened', async () => {
        await store.close()
        store = home.create({ clock: { now: () => now } })
        await expect(store.newest()).rejects.toMatchObject({ name: 'StoreClosedError' })
      })
    })

    describe('federation', () => {
      it('keeps the document byte for byte over a restart', async () => {
        const document = Uint8Array.from([0, 255, 128, 7])
        await store.putFederation(document)
        await restart()
        expect(Uint8Array.from(await store.getFederation() ?? [])).toEqual(document)
      })

      it('takes the same document again and refuses another one, naming both', async () => {
        const mine = Uint8Array.from([1])
        const other = Uint8Array.from([2])
        await store.putFederation(mine)
        await store.putFederation(Uint8Array.from([1]))
        await expect(store.putFederation(other)).rejects.toMatchObject({
          name: 'FederationMismatchError', message: expect.stringMatching(new RegExp(`${federationId(mine)}.*${federationId(other)}`)) as string
        })
        expect(Uint8Array.from(await store.getFederation() ?? [])).toEqual(mine)
      })

      it('does not keep the array of the caller', async () => {
        const document = Uint8Array.from([1, 2, 3])
        await store.putFederation(document)
        document[0] = 9
        expect(Uint8Array.from(await store.getFederation() ?? [])).toEqual(Uint8Array.from([1, 2, 3]))
      })
    })

    describe('versions', () => {
      it('gives a version the sha-256 of its canonical origin as id', async () => {
        const parameters = Float32Array.from([1.5, -0, Number.MIN_VALUE, 3e38])
        now = 77
        const version = await store.commit({ federation: FEDERATION, round: 4, parents: ['aa', 'bb'], parameters, metrics: { loss: 0.25, accuracy: 0.5 } })
        expect(version).toEqual({
          id: idOf(4, ['aa', 'bb'], parameters), round: 4, parents: ['aa', 'bb'], parametersHash: sha256(bytesOf(parameters)), parameterCount: 4, createdAt: 77, metrics: { loss: 0.25, accuracy: 0.5 }, mixed: true
        })
        expect(await store.newest()).toEqual(version)
        await restart()
        expect(await store.newest()).toEqual(version)
        expect(await store.list()).toEqual([version])
      })

      it('has the golden id of a fixed version', async () => {
        expect((await commit(1, [0, 1, -2.5])).id).toBe('16a2a5e0d325c617598b3cdcad1ed391ee752d7bc208611f7e07697ad6159abc')
      })

      it('gives the parameters back bit for bit', async () => {
        const bits = Uint32Array.from([0x7f7fffff, 0xff7fffff, 0x80000000, 1, 0x807fffff])
        const { id } = await store.commit({ federation: FEDERATION, round: 1, parents: [], parameters: new Float32Array(bits.buffer), metrics: {} })
        await restart()
        const parameters = await store.parameters(id)
        expect(new Uint32Array(parameters!.buffer, parameters!.byteOffset, 5)).toEqual(bits)
      })

      it('takes a view into a larger buffer', async () => {
        const all = Float32Array.from([9, 1, 2, 9])
        const { id } = await store.commit({ federation: FEDERATION, round: 1, parents: [], parameters: all.subarray(1, 3), metrics: {} })
        expect(await store.parameters(id)).toEqual(Float32Array.from([1, 2]))
      })

      it('is not changed by what the caller does with its arrays', async () => {
        const parameters = Float32Array.from([1, 2])
        const committing = store.commit({ federation: FEDERATION, round: 1, parents: [], parameters, metrics: {} })
        parameters[0] = 9
        const { id } = await committing
        const read = await store.parameters(id)
        read![1] = 9
        expect(await store.parameters(id)).toEqual(Float32Array.from([1, 2]))
      })

      it('leaves out metrics that are not finite', async () => {
        const { metrics } = await store.commit({ federation: FEDERATION, round: 1, parents: [], parameters: new Float32Array(1), metrics: { loss: NaN, accuracy: 0, trainLoss: Infinity } })
        expect(metrics).toEqual({ accuracy: 0 })
        expect((await store.newest())?.metrics).toEqual({ accuracy: 0 })
      })

      for (const value of [NaN, Infinity, -Infinity]) {
        it(`refuses to commit ${value}, names where it stands, and keeps what it has`, async () => {
          const first = await commit(1)
          await expect(commit(2, [0, value])).rejects.toMatchObject({ name: 'UnsoundVersionError', message: expect.stringMatching(new RegExp(`round 2 .*is no model: parameter 1 is ${value}`)) as string })
          expect(await store.list()).toEqual([first])
          await restart()
          expect(await store.newest()).toEqual(first)
        })
      }

      it('refuses rounds and limits that are not counts', async () => {
        for (const round of [-1, 0.5, NaN, 2 ** 53]) {
          await expect(commit(round)).rejects.toBeInstanceOf(RangeError)
          await expect(store.putMetrics(round, {})).rejects.toBeInstanceOf(RangeError)
        }
        await expect(store.list({ limit: 0 })).rejects.toBeInstanceOf(RangeError)
      })

      it('keeps the newest versions only, with their parameters', async () => {
        const versions: ModelVersion[] = []
        for (let round = 1; round <= 5; round++) {
          versions.push(await commit(round))
        }
        expect(await store.list()).toEqual(versions.slice(2).reverse())
        expect(await store.list({ limit: 2 })).toEqual(versions.slice(3).reverse())
        expect(await store.get('2')).toBeUndefined()
        expect(await store.parameters(versions[1]!.id)).toBeUndefined()
        expect(await store.parameters(versions[2]!.id)).toEqual(Float32Array.from([3]))
        await restart({ keepVersions: 1 })
        expect(await store.list()).toHaveLength(3)
        const newest = await commit(6)
        expect(await store.list()).toEqual([newest])
      })

      it('tells versions that neighbours took part in from those of a peer alone', async () => {
        const initial = await store.commit({ federation: FEDERATION, round: 0, parents: [], parameters: Float32Array.of(0), metrics: {} })
        const takenOver = await store.commit({ federation: FEDERATION, round: 9, parents: ['x', 'y'], parameters: Float32Array.of(9), metrics: {} })
        const mixed = await commitMixed(10)
        await restart()
        const alone = await commitAlone(11)
        expect([initial, takenOver, mixed, alone].map((version) => version.mixed)).toEqual([false, true, true, false])
        expect((await store.list()).map((version) => version.mixed)).toEqual([false, true, true])
      })

      it('has two pointers: the newest version, and the newest that is mixed, which is the latest', async () => {
        const mixed = await commitMixed(1)
        const alone = await commitAlone(2)
        for (let times = 0; times < 2; times++) {
          expect(await store.newest()).toEqual(alone)
          expect(await store.newestMixed()).toEqual(mixed)
          expect(await store.get('latest')).toEqual(mixed)
          expect(await store.get('newest')).toEqual(alone)
          await restart()
        }
      })

      it('calls the newest version the latest where none was mixed', async () => {
        await commitAlone(1)
        const second = await commitAlone(2)
        expect(await store.newestMixed()).toBeUndefined()
        expect(await store.get('latest')).toEqual(second)
      })

      it('keeps the newest mixed versions through any number of rounds alone, and lets go of them for newer ones', async () => {
        for (let round = 1; round <= 4; round++) {
          await commitMixed(round)
        }
        for (let round = 5; round <= 40; round++) {
          await commitAlone(round)
          if (round === 20) {
            await restart()
          }
        }
        expect((await store.list()).map(({ round }) => round)).toEqual([40, 39, 38, 4, 3, 2])
        expect(await store.parameters((await store.newestMixed())!.id)).toEqual(Float32Array.of(4))
        for (let round = 41; round <= 43; round++) {
          await commitMixed(round)
        }
        expect((await store.list()).map(({ round }) => round)).toEqual([43, 42, 41])
      })

      it('goes back to a version: it is the newest, what came after it is gone, what was published is not', async () => {
        await store.putPublication({ round: 5, sequence: 50 })
        await commitMixed(1)
        const two = await commitMixed(2)
        const three = await commitAlone(3)
        const four = await commitMixed(4)
        expect(await store.rollback(two.id)).toEqual([{ id: four.id, round: 4 }, { id: three.id, round: 3 }])
        for (let times = 0; times < 2; times++) {
          expect(await store.newest()).toEqual(two)
          expect(await store.newestMixed()).toEqual(two)
          expect((await store.list()).map(({ round }) => round)).toEqual([2, 1])
          expect(await store.parameters(four.id)).toBeUndefined()
          expect(await store.getPublication()).toEqual({ round: 5, sequence: 50 })
          await restart()
        }
        expect(await store.rollback(two.id)).toEqual([])
        await commitAlone(6)
        expect((await store.list()).map(({ round }) => round)).toEqual([6, 2, 1])
      })

      it('calls the version that was committed last the newest, whatever its round', async () => {
        await commit(9)
        const back = await commit(4)
        expect(await store.newest()).toEqual(back)
        await restart()
        expect(await store.newest()).toEqual(back)
      })

      it('holds one copy of a version that is committed twice, as the newest', async () => {
        const first = await commit(1)
        const second = await commit(2)
        const again = await commit(1)
        expect(again.id).toBe(first.id)
        expect((await store.list()).map(({ id }) => id)).toEqual([first.id, second.id])
        await restart()
        expect(await store.parameters(first.id)).toEqual(Float32Array.from([1]))
      })

      it('runs commits in the order of the calls', async () => {
        await Promise.all([commit(1, Array.from({ length: 50_000 }, () => 1)), commit(2), commit(3)])
        expect((await store.list()).map(({ round }) => round)).toEqual([3, 2, 1])
      })

      it('finds a version by full id, prefix in either case, round, latest and newest', async () => {
        const one = await commit(1)
        const two = await commit(2)
        expect(await store.get(one.id)).toEqual(one)
        expect(await store.get(one.id.slice(0, 8))).toEqual(one)
        expect(await store.get(one.id.slice(0, 8).toUpperCase())).toEqual(one)
        expect(await store.get('1')).toEqual(one)
        expect(await store.get('2')).toEqual(two)
        expect(await store.get('newest')).toEqual(two)
        expect(await store.get('3')).toBeUndefined()
        expect(await store.get('zzzz')).toBeUndefined()
      })

      it('does not take a prefix of fewer than 4 characters', async () => {
        const { id } = await commit(1)
        expect(await store.get(id.slice(0, 3))).toBeUndefined()
        expect(await store.get(id.slice(0, 4))).toBeDefined()
      })

      it('gives the newest version of a round that was committed twice', async () => {
        await commit(1, [1])
        const second = await commit(1, [2])
        expect(await store.get('1')).toEqual(second)
      })

      it('refuses a prefix of several versions and lists them', async () => {
        // equal origins but for one parameter: search for two ids that begin alike
        const seen = new Map<string, number>()
        let pair: [number, number] | undefined
        for (let i = 0; pair === undefined; i++) {
          const prefix = idOf(1, [], Float32Array.from([i])).slice(0, 4)
          const earlier = seen.get(prefix)
          if (earlier !== undefined) {
            pair = [earlier, i]
          }
          seen.set(prefix, i)
        }
        const a = await commit(1, [pair[0]])
        const b = await commit(1, [pair[1]])
        await expect(store.get(a.id.slice(0, 4))).rejects.toMatchObject({
          name: 'AmbiguousVersionError', message: expect.stringMatching(new RegExp(`${a.id.slice(0, 12)}.*${b.id.slice(0, 12)}`)) as string
        })
        expect(await store.get(a.id)).toEqual(a)
      })
    })

    describe('local state', () => {
      const state = (...bytes: number[]) => Uint8Array.from(bytes)

      async function commitWith (round: number, given?: Readonly<Record<string, Uint8Array | undefined>>): Promise<ModelVersion> {
        const { id } = await store.newest() ?? { id: 'none' }
        const version = { federation: FEDERATION, round, parents: [id, 'x'], parameters: Float32Array.of(round), metrics: {} }
        return store.commit({ ...version, ...(given === undefined ? {} : { state: given }) })
      }

      it('goes with the version that it was committed with, over a restart', async () => {
        await commitWith(1, { moments: state(1, 2), tracker: state() })
        await restart()
        expect(await store.state('moments')).toEqual(state(1, 2))
        expect(await store.state('tracker')).toEqual(state())
        expect(await store.state('other')).toBeUndefined()
      })

      it('is a copy, going in and coming out', async () => {
        const moments = state(1)
        await commitWith(1, { moments })
        moments[0] = 2
        const out = await store.state('moments')
        out?.fill(3)
        expect(await store.state('moments')).toEqual(state(1))
      })

      it('is replaced name by name, and what is not named stays', async () => {
        await commitWith(1, { moments: state(1), tracker: state(2) })
        await commitWith(2, { tracker: state(3) })
        await commitWith(3)
        await restart()
        expect(await store.state('moments')).toEqual(state(1))
        expect(await store.state('tracker')).toEqual(state(3))
      })

      it('is removed where it is undefined', async () => {
        await commitWith(1, { moments: state(1), tracker: state(2) })
        await commitWith(2, { moments: undefined })
        await restart()
        expect(await store.state('moments')).toBeUndefined()
        expect(await store.state('tracker')).toEqual(state(2))
        await commitWith(3, { tracker: undefined, other: undefined })
        await commitWith(4, { moments: state(4) })
        await restart()
        expect(await store.state('tracker')).toBeUndefined()
        expect(await store.state('moments')).toEqual(state(4))
      })

      it('is forgotten by a rollback, also one of a version that had none of its own', async () => {
        const { id } = await commitWith(1, { moments: state(1) })
        await commitWith(2)
        await store.rollback(id)
        expect(await store.state('moments')).toBeUndefined()
        await commitWith(2, { tracker: state(2) })
        await restart()
        expect(await store.state('moments')).toBeUndefined()
        expect(await store.state('tracker')).toEqual(state(2))
      })

      it('stays where a rollback has nothing to forget', async () => {
        const { id } = await commitWith(1, { moments: state(1) })
        await store.rollback(id)
        expect(await store.state('moments')).toEqual(state(1))
      })

      it('is not another key\'s', async () => {
        await store.putFederation(Uint8Array.of(1))
        await commitWith(1, { moments: state(1) })
        await store.beginAgain()
        await restart()
        expect(await store.state('moments')).toBeUndefined()
      })

      it('has a plain name', async () => {
        for (const name of ['', '/version', 'a/b', 'Über', 'x'.repeat(65)]) {
          await expect(commitWith(1, { [name]: state(1) })).rejects.toThrow(RangeError)
        }
        expect(await store.newest()).toBeUndefined()
      })
    })

    describe('publication, peers and bans', () => {
      it('remembers the last publication over a restart', async () => {
        await store.putPublication({ round: 3, sequence: 8 })
        await store.putPublication({ round: 4, sequence: 9 })
        await restart()
        expect(await store.getPublication()).toEqual({ round: 4, sequence: 9 })
      })

      it('keeps the newest own update, byte for byte, over a restart, beside the publication', async () => {
        const message = Uint8Array.of(1, 2, 3)
        await store.putPublication({ round: 3, sequence: 8 })
        await store.putPublished(Uint8Array.of(9))
        await store.putPublished(message)
        message.fill(0)
        await restart()
        const kept = await store.getPublished()
        expect(kept).toEqual(Uint8Array.of(1, 2, 3))
        kept!.fill(0)
        expect(await store.getPublished()).toEqual(Uint8Array.of(1, 2, 3))
        expect(await store.getPublication()).toEqual({ round: 3, sequence: 8 })
      })

      it('keeps the number of the newest own member record over a restart; 0 before there was one', async () => {
        expect(await store.getRecordSequence()).toBe(0)
        await store.putRecordSequence(8)
        await store.putRecordSequence(9)
        await restart()
        expect(await store.getRecordSequence()).toBe(9)
      })

      it('keeps what governance writes over a restart, as one batch; what is undefined goes', async () => {
        expect(await store.governance()).toEqual(new Map())
        const written = Uint8Array.of(1, 2)
        await store.putGovernance(new Map([['record/a', written], ['ballot/0/1', Uint8Array.of()]]))
        written[0] = 9
        await store.putGovernance(new Map([['record/b', Uint8Array.of(3)], ['record/a', undefined], ['never', undefined]]))
        await store.putGovernance(new Map())
        await restart()
        const held = await store.governance()
        expect([...held].map(([key, value]) => [key, [...value]]).sort()).toEqual([['ballot/0/1', []], ['record/b', [3]]])
      })

      it('refuses a key of governance that cannot be, and writes nothing of that batch', async () => {
        for (const key of ['', 'a b', 'ä', 'x'.repeat(129)]) {
          await expect(store.putGovernance(new Map([['fine', Uint8Array.of(1)], [key, Uint8Array.of(1)]]))).rejects.toThrow(RangeError)
        }
        expect((await store.governance()).size).toBe(0)
      })

      it('begins again with the latest model as that of round 0, without the numbers of the old key', async () => {
        expect(await store.beginAgain()).toBeUndefined()
        await store.putFederation(Uint8Array.of(1))
        const old = await commit(0x7fffffff)
        await store.putPublication({ round: 0x7fffffff, sequence: 9 })
        await store.putPublished(Uint8Array.of(9))
        await store.putRecordSequence(9)
        await store.putMetrics(0x7fffffff, { suspects: {} })
        const renewed = await store.beginAgain()
        expect(renewed).toMatchObject({ round: 0, parents: [old.id], parametersHash: old.parametersHash })
        await restart()
        expect(await store.newest()).toMatchObject({ round: 0, id: renewed!.id })
        expect([await store.getPublication(), await store.getPublished(), await store.getRecordSequence(), await store.metrics()]).toEqual([undefined, undefined, 0, []])
      })

      it('remembers, replaces and forgets addresses', async () => {
        await store.putPeer({ peer: 'b', addresses: ['/ip4/127.0.0.1/tcp/1'], lastConnectedAt: 5 })
        await store.putPeer({ peer: 'a', addresses: [], lastConnectedAt: 0 })
        await store.putPeer({ peer: 'b', addresses: ['/ip4/127.0.0.1/tcp/2'], lastConnectedAt: 6 })
        await restart()
        expect(await store.peers()).toEqual([{ peer: 'a', addresses: [], lastConnectedAt: 0 }, { peer: 'b', addresses: ['/ip4/127.0.0.1/tcp/2'], lastConnectedAt: 6 }])
        await store.deletePeer('b')
        await store.deletePeer('unknown')
        expect((await store.peers()).map(({ peer }) => peer)).toEqual(['a'])
      })

      it('keeps a bounded number of bans, those with evidence before the others and the longest before shorter ones', async () => {
        await store.putBan({ peer: 'proven', reason: 'equivocation', until: 2_000, evidence: '00' })
        for (let i = 0; i < MAX_BANS + 2; i++) {
          await store.putBan({ peer: `stranger-${i}`, reason: 'malformed', until: 3_000 + i })
        }
        await store.putBan({ peer: `stranger-${MAX_BANS}`, reason: 'malformed', until: 9_000 })
        await restart()
        const kept = (await store.bans()).map(({ peer }) => peer)
        expect(kept).toHaveLength(MAX_BANS)
        expect(kept).toContain('proven')
        expect([0, 1, 2, 3].map((i) => kept.includes(`stranger-${i}`))).toEqual([false, false, false, true])
      })

      it('forgets a ban when its time is over', async () => {
        await store.putBan({ peer: 'a', reason: 'norm', until: 1_500 })
        await store.putBan({ peer: 'b', reason: 'codec', until: 3_000 })
        await restart()
        expect(await store.bans()).toEqual([{ peer: 'a', reason: 'norm', until: 1_500 }, { peer: 'b', reason: 'codec', until: 3_000 }])
        now = 1_500
        expect((await store.bans()).map(({ peer }) => peer)).toEqual(['b'])
      })
    })

    describe('metrics', () => {
      it('gives the records of the newest rounds, oldest first', async () => {
        for (const round of [1, 2, 10, 4, 3]) {
          await store.putMetrics(round, { round, nested: { list: [1, null] } })
        }
        expect((await store.metrics()).map((record) => (record as { round: number }).round)).toEqual([3, 4, 10])
        await restart()
        expect(await store.metrics({ limit: 2 })).toEqual([{ round: 4, nested: { list: [1, null] } }, { round: 10, nested: { list: [1, null] } }])
      })

      it('replaces the record of a round', async () => {
        await store.putMetrics(1, { a: 1 })
        await store.putMetrics(1, { a: 2 })
        expect(await store.metrics()).toEqual([{ a: 2 }])
      })
    })

    it('equals a plain model after any sequence of calls and restarts', async () => {
      await fc.assert(fc.asyncProperty(fc.commands(commands(), { maxCommands: 40 }), async (sequence) => {
        const fresh = await factory()
        const real = new Restartable(fresh)
        await real.store.open()
        try {
          await fc.asyncModelRun(() => ({ model: emptyModel(), real }), sequence)
        } finally {
          await real.store.close()
          await fresh.remove()
        }
      }), { numRuns: 40 })
    })
  })
}

// ------------------------------------------------------------------------------------------ the plain model

const KEEP_VERSIONS = 3
const KEEP_METRICS = 4

interface Model {
  now: number
  /** Oldest first */
  versions: Array<{ version: ModelVersion, parameters: Float32Array }>
  publication: Publication | undefined
  peers: Map<string, PeerAddress>
  bans: Map<string, Ban>
  metrics: Map<number, object>
}

function emptyModel (): Model {
  return { now: 0, versions: [], publication: undefined, peers: new Map(), bans: new Map(), metrics: new Map() }
}

class Restartable {
  readonly home: StoreHome
  now = 0
  store: Store

  constructor (home: StoreHome) {
    this.home = home
    this.store = this.create()
  }

  create (): Store {
    return this.home.create({ keepVersions: KEEP_VERSIONS, keepMetrics: KEEP_METRICS, clock: { now: () => this.now } })
  }
}

type Command = fc.AsyncCommand<Model, Restartable>

function command (text: string, run: (model: Model, real: Restartable) => Promise<void>): Command {
  return {
    check: () => true,
    run: async (model, real) => {
      await run(model, real)
      await compare(model, real.store)
    },
    toString: () => text
  }
}

function byPeer (a: { peer: string }, b: { peer: string }): number {
  return a.peer < b.peer ? -1 : 1
}

async function compare (model: Model, store: Store): Promise<void> {
  const versions = model.versions.map(({ version }) => version).reverse()
  const mixed = versions.find((version) => version.mixed)
  expect(await store.list()).toEqual(versions)
  expect(await store.newest()).toEqual(versions[0])
  expect(await store.newestMixed()).toEqual(mixed)
  expect(await store.lost()).toBeUndefined()
  expect(await store.get('latest')).toEqual(mixed ?? versions[0])
  for (const { version, parameters } of model.versions) {
    expect(await store.parameters(version.id)).toEqual(parameters)
    expect(await store.get(String(version.round))).toEqual(versions.find(({ round }) => round === version.round))
  }
  expect(await store.getPublication()).toEqual(model.publication)
  expect(await store.peers()).toEqual([...model.peers.values()].sort(byPeer))
  expect(await store.bans()).toEqual([...model.bans.values()].filter(({ until }) => until > model.now).sort(byPeer))
  expect(await store.metrics()).toEqual([...model.metrics.entries()].sort(([a], [b]) => a - b).map(([, record]) => record))
}

function commands (): Array<fc.Arbitrary<Command>> {
  const peer = fc.constantFrom('p1', 'p2', 'p3')
  const round = fc.integer({ min: 0, max: 6 })
  return [
    fc.record({ round, parents: fc.array(fc.constantFrom('aa', 'bb'), { maxLength: 2 }), values: fc.array(fc.constantFrom(0, 1, -2.5), { maxLength: 3 }), accepted: fc.constantFrom(0, 2, undefined) }).map(({ round, parents, values, accepted }) =>
      command(`commit ${round} [${parents.join()}] [${values.join()}] accepted ${accepted}`, async (model, real) => {
        const parameters = Float32Array.from(values)
        const version = await real.store.commit({ federation: FEDERATION, round, parents, parameters, metrics: { loss: round, ...(accepted === undefined ? {} : { accepted }) } })
        expect(version.id).toBe(idOf(round, parents, parameters))
        const all = [...model.versions.filter((known) => known.version.id !== version.id), { version, parameters }]
        const kept = [...all.slice(-KEEP_VERSIONS), ...all.filter(({ version }) => version.mixed).slice(-KEEP_VERSIONS)]
        model.versions = all.filter((each) => kept.includes(each))
      })),
    fc.nat({ max: 5 }).map((steps) => command(`go back ${steps}`, async (model, real) => {
      const target = model.versions.at(-1 - steps)
      if (target !== undefined) {
        const forgotten = await real.store.rollback(target.version.id)
        expect(forgotten).toEqual(model.versions.slice(model.versions.length - steps).map(({ version: { id, round } }) => ({ id, round })).reverse())
        model.versions = model.versions.slice(0, model.versions.length - steps)
      }
    })),
    fc.constant(command('restart', async (_model, real) => {
      await real.store.close()
      real.store = real.create()
      await real.store.open()
    })),
    round.map((round) => command(`publication ${round}`, async (model, real) => {
      model.publication = { round, sequence: round * 2 }
      await real.store.putPublication(model.publication)
    })),
    fc.record({ peer, addresses: fc.array(fc.constantFrom('/x', '/y'), { maxLength: 2 }), lastConnectedAt: fc.nat() }).map((record) => command(`peer ${record.peer}`, async (model, real) => {
      model.peers.set(record.peer, record)
      await real.store.putPeer(record)
    })),
    peer.map((peer) => command(`forget ${peer}`, async (model, real) => {
      model.peers.delete(peer)
      await real.store.deletePeer(peer)
    })),
    fc.record({ peer, reason: fc.constant('norm'), until: fc.integer({ min: 0, max: 50 }) }).map((ban) => command(`ban ${ban.peer} until ${ban.until}`, async (model, real) => {
      model.bans.set(ban.peer, ban)
      await real.store.putBan(ban)
    })),
    fc.integer({ min: 1, max: 20 }).map((ms) => command(`wait ${ms}`, async (model, real) => {
      model.now += ms
      real.now += ms
    })),
    fc.record({ round, a: fc.nat() }).map(({ round, a }) => command(`metrics ${round}`, async (model, real) => {
      model.metrics.set(round, { a })
      if (model.metrics.size > KEEP_METRICS) {
        model.metrics.delete(Math.min(...model.metrics.keys()))
      }
      await real.store.putMetrics(round, { a })
    }))
  ]
}
