/**
 * What the round engine may expect of any network: one suite for all implementations of the port
 */
import { DELTA, KEYFRAME } from '../update-kind.ts'
import { bytes, failure, until } from './helpers.ts'
import { afterEach, describe, expect, it } from './test-runner.ts'
import type { KeyframeSource, Network, PeerName, ReceivedMessage, ReceivedUpdate } from '../interface.ts'

export interface NetworkContract {
  /**
   * Not started; the i-th with `replicas[i]`, where these are given. The first is what the others know; all end up as
   * each other's neighbours. At most 4
   */
  create: (count: number, replicas?: readonly KeyframeSource[]) => Promise<Network[]>
  maxPayloadBytes: number
  /** Largest message of a step, at least 100,000 bytes. Rounds have three steps */
  maxStepBytes: number
  /** Stops whatever `create` made */
  destroy: () => Promise<void>
}

const update = (round: number, payload: Uint8Array) => ({ round, sequence: round, codec: 'float32', degree: 2, payload })

const keyframes = (): KeyframeSource => ({ kinds: new Set([KEYFRAME]), maxKeyframeBytes: 0, keyframe: () => undefined })

/** Deltas are understood. The keyframe of the one replica is whatever bytes are given */
const deltas = (replicaHash: Uint8Array = new Uint8Array(0), held?: Uint8Array): KeyframeSource => ({
  kinds: new Set([KEYFRAME, DELTA]),
  maxKeyframeBytes: 100_000,
  keyframe: (wanted) => held !== undefined && Buffer.from(replicaHash).equals(wanted) ? { byteLength: held.byteLength, encode: () => held } : undefined
})

export function networkContract (name: string, contract: NetworkContract): void {
  afterEach(contract.destroy)

  const mesh = async (count: number, replicas?: readonly KeyframeSource[]): Promise<Network[]> => {
    const networks = await contract.create(count, replicas)
    for (const network of networks) {
      await network.start()
    }
    await until(() => networks.every((network) => network.neighbours().length === count - 1 && network.neighbours().every(({ live }) => live)))
    return networks
  }

  /** Every update of these networks, by receiver */
  const record = (networks: readonly Network[]): Map<PeerName, ReceivedUpdate[]> => new Map(networks.map((network) => {
    const updates: ReceivedUpdate[] = []
    network.addEventListener('update', ({ detail }) => { updates.push(detail) })
    return [network.self, updates]
  }))

  const message = (step: number, to: PeerName | PeerName[], payload: Uint8Array, sequence = 100 + step) => ({ round: 1, step, sequence, payload, to })

  /** Every message of these networks, by receiver */
  const recordMessages = (networks: readonly Network[]): Map<PeerName, ReceivedMessage[]> => new Map(networks.map((network) => {
    const messages: ReceivedMessage[] = []
    network.addEventListener('message', ({ detail }) => { messages.push(detail) })
    return [network.self, messages]
  }))

  describe(`${name} as a network`, () => {
    it('knows members and neighbours in ascending order, itself among the members only', async () => {
      const networks = await mesh(4)
      const names = networks.map(({ self }) => self).sort()
      for (const network of networks) {
        expect(network.members()).toEqual(names)
        expect(network.neighbours().map(({ peer }) => peer)).toEqual(names.filter((peer) => peer !== network.self))
        expect(network.neighbours().every(({ round }) => round === undefined)).toBe(true)
      }
    })

    it('delivers every update once to every neighbour, small and large, and not to its author', async () => {
      const networks = await mesh(3)
      const received = record(networks)
      const payloads = [bytes(1), bytes(40_000, 2), bytes(contract.maxPayloadBytes, 3)]
      for (const [index, payload] of payloads.entries()) {
        await networks[0]!.publish(update(index + 1, payload))
        await until(() => networks.slice(1).every(({ self }) => received.get(self)!.length === index + 1))
      }
      expect(received.get(networks[0]!.self)).toEqual([])
      for (const network of networks.slice(1)) {
        const updates = received.get(network.self)!
        expect(updates.map(({ author, round, sequence, degree, codec }) => ({ author, round, sequence, degree, codec }))).toEqual([1, 2, 3].map((round) => ({ author: networks[0]!.self, round, sequence: round, degree: 2, codec: 'float32' })))
        expect(updates.every(({ payload }, index) => Buffer.from(payload).equals(payloads[index]!))).toBe(true)
        expect(network.neighbours().find(({ peer }) => peer === networks[0]!.self)?.round).toBe(3)
      }
    })

    it('gives all receivers the same id, which the author knows', async () => {
      const networks = await mesh(3)
      const received = record(networks)
      const { updateId, recipients } = await networks[0]!.publish(update(1, bytes(100)))
      await until(() => networks.slice(1).every(({ self }) => received.get(self)!.length === 1))
      expect(recipients).toBeGreaterThanOrEqual(1)
      expect(networks.slice(1).map(({ self }) => received.get(self)![0]!.updateId)).toEqual([updateId, updateId])
    })

    it('hands a message to the one that it is for, small and large, once, and to nobody else', async () => {
      const networks = await mesh(3)
      const messages = recordMessages(networks)
      const [author, receiver, other] = networks
      const payloads = [bytes(1), bytes(contract.maxStepBytes, 2)]
      for (const [index, payload] of payloads.entries()) {
        expect(await author!.send(message(index + 1, receiver!.self, payload))).toEqual([receiver!.self])
      }
      // what is said to the others later is there: so would be what was not for them
      expect(await author!.send(message(1, other!.self, bytes(3), 200))).toEqual([other!.self])
      await until(() => messages.get(other!.self)!.length === 1 && messages.get(receiver!.self)!.length === 2)
      const received = messages.get(receiver!.self)!
      expect(received.map(({ author, round, step, receiver }) => ({ author, round, step, receiver }))).toEqual([1, 2].map((step) => ({ author: author!.self, round: 1, step, receiver: receiver!.self })))
      expect(received.every(({ payload }, index) => Buffer.from(payload).equals(payloads[index]!))).toBe(true)
      expect(messages.get(other!.self)![0]).toMatchObject({ step: 1, receiver: other!.self, payload: bytes(3) })
      expect(messages.get(author!.self)).toEqual([])
    })

    it('hands several the same message, which names none of them, and nobody else', async () => {
      const networks = await mesh(4)
      const messages = recordMessages(networks)
      const [author, one, two, left] = networks
      const to = [two!.self, one!.self]
      expect(await author!.send(message(1, to, bytes(50_000)))).toEqual(to)
      expect(await author!.send(message(2, left!.self, bytes(1)))).toEqual([left!.self])
      await until(() => [one!, two!, left!].every(({ self }) => messages.get(self)!.length === 1))
      for (const { self } of [one!, two!]) {
        expect(messages.get(self)![0]).toMatchObject({ author: author!.self, round: 1, step: 1, receiver: undefined, payload: bytes(50_000) })
      }
      expect(messages.get(left!.self)![0]).toMatchObject({ step: 2 })
    })

    it('gives a receiver what was sent, whatever becomes of the sender\'s array', async () => {
      const networks = await mesh(2)
      const messages = recordMessages(networks)
      const payload = bytes(1_000)
      const sending = networks[0]!.send(message(1, networks[1]!.self, payload))
      payload.fill(0)
      expect(await sending).toEqual([networks[1]!.self])
      await until(() => messages.get(networks[1]!.self)!.length === 1)
      expect(messages.get(networks[1]!.self)![0]!.payload).toEqual(bytes(1_000))
    })

    it('says who has not got a message', async () => {
      const networks = await mesh(3)
      const [author, receiver, gone] = networks
      await gone!.stop()
      expect(await author!.send(message(1, [gone!.self, receiver!.self], bytes(10)))).toEqual([receiver!.self])
    })

    it('hands a message to nobody when the signal is aborted already, and says so; it was said all the same', async () => {
      const networks = await mesh(2)
      const messages = recordMessages(networks)
      const [author, receiver] = networks
      const { self } = receiver!
      expect(await author!.send(message(1, self, bytes(1)), { signal: AbortSignal.abort() })).toEqual([])
      expect(await failure(author!.send(message(1, self, bytes(1))))).toMatch(/^PublishError/)
      // what is said later is there: so would be what was said before
      expect(await author!.send(message(2, self, bytes(1)))).toEqual([self])
      await until(() => messages.get(self)!.length === 1)
      expect(messages.get(self)![0]).toMatchObject({ step: 2 })
    })

    it('says nothing twice in one step to one peer, or to all', async () => {
      const [author, receiver] = await mesh(2)
      const { self } = receiver!
      expect(await author!.send(message(1, self, bytes(1)))).toEqual([self])
      expect(await author!.send(message(1, [self], bytes(2), 200))).toEqual([self])
      expect(await failure(author!.send(message(1, self, bytes(3), 300)))).toMatch(/^PublishError/)
      expect(await failure(author!.send(message(1, [self], bytes(4), 400)))).toMatch(/^PublishError/)
    })

    it('refuses to send what is larger than the bound or empty, and in a step that there is not', async () => {
      const [author, receiver] = await mesh(2)
      for (const [step, length] of [[1, 0], [1, contract.maxStepBytes + 1], [0, 1], [3, 1]] as const) {
        expect(await failure(author!.send(message(step, receiver!.self, bytes(length))))).toMatch(/^PublishError/)
      }
    })

    it('refuses to publish what is larger than the bound, or empty', async () => {
      const [network] = await mesh(2)
      expect(await failure(network!.publish(update(1, bytes(contract.maxPayloadBytes + 1))))).toMatch(/^PublishError/)
      expect(await failure(network!.publish(update(1, new Uint8Array(0))))).toMatch(/^PublishError/)
    })

    it('gives a peer that asks the newest update of everyone', async () => {
      const networks = await mesh(3)
      const received = record(networks)
      await networks[0]!.publish(update(1, bytes(10)))
      await networks[0]!.publish(update(2, bytes(70_000, 2)))
      await networks[1]!.publish(update(1, bytes(10, 3)))
      // the third may be connected with one of them only, which has to know the other's
      await until(() => networks.slice(0, 2).every(({ self }, index) => received.get(self)!.at(-1)?.round === 1 + index))
      const wanted = [[networks[0]!.self, 2], [networks[1]!.self, 1]].sort()
      expect((await networks[2]!.pullLatest()).map(({ author, round }) => [author, round]).sort()).toEqual(wanted)
    })

    it('hands on the kind of an update, what it follows and the hash of its replica, to those who understand it', async () => {
      const networks = await mesh(3, [deltas(), deltas(), keyframes()])
      const [author, other, old] = networks
      const received = record(networks)
      const refused: unknown[] = []
      old!.addEventListener('update:rejected', ({ detail: { reason } }) => { refused.push(reason) })
      const replicaHash = bytes(32, 5)
      const { updateId } = await author!.publish(update(1, bytes(10)))
      await until(() => received.get(other!.self)!.length === 1 && received.get(old!.self)!.length === 1)
      await author!.publish({ ...update(2, bytes(20)), kind: DELTA, replicaHash })
      await until(() => received.get(other!.self)!.length === 2 && refused.length === 1)
      const [first, second] = received.get(other!.self)!
      expect(first!.follows).toBe(undefined)
      expect(first!.kind ?? KEYFRAME).toBe(KEYFRAME)
      expect(second).toMatchObject({ kind: DELTA, follows: updateId })
      expect(Buffer.from(second!.replicaHash!).equals(replicaHash)).toBe(true)
      expect(refused).toEqual(['unsupported'])
      expect(received.get(old!.self)).toHaveLength(1)
    })

    it('begins with a keyframe, whatever it is given to publish', async () => {
      const [network] = await mesh(2, [deltas(), deltas()])
      expect(await failure(network!.publish({ ...update(1, bytes(10)), kind: DELTA, replicaHash: bytes(32) }))).toMatch(/^PublishError/)
    })

    it('gets a keyframe from the author or another that holds it; wrong bytes cost who sent them, and the next is asked', async () => {
      const replicaHash = bytes(32, 7)
      const keyframe = bytes(90_000, 8)
      const networks = await mesh(3, [deltas(replicaHash, bytes(90_000, 9)), deltas(replicaHash, keyframe), deltas()])
      const [author, other, asker] = networks
      const received = record(networks)
      // a network that has no connections asks anybody
      await until(() => networks.every((network) => [0, 2].includes(new Set(network.connections().map(({ peer }) => peer)).size)))
      const refused: unknown[] = []
      asker!.addEventListener('update:rejected', ({ detail: { peer, reason } }) => { refused.push([peer, reason]) })
      await author!.publish(update(1, bytes(10)))
      await author!.publish({ ...update(2, bytes(20)), kind: DELTA, replicaHash })
      await until(() => received.get(asker!.self)!.length === 2)
      const [, delta] = received.get(asker!.self)!
      const offered: number[] = []
      const accept = (given: Uint8Array): boolean => {
        offered.push(given.byteLength)
        return Buffer.from(given).equals(keyframe)
      }
      // who else follows the author may not be known yet; who handed the update over is asked in any case
      expect(await asker!.pullKeyframe({ ...delta!, from: other!.self }, accept)).toBe(true)
      expect(offered).toEqual([90_000, 90_000])
      expect(refused).toEqual([[author!.self, 'payload-hash']])
      // held by nobody, which is nobody's fault
      expect(await other!.pullKeyframe({ ...delta!, replicaHash: bytes(32, 6) }, accept)).toBe(false)
      expect(refused).toHaveLength(1)
    })

    it('knows of others what this key published, after a sequence, and says how many answered', async () => {
      const networks = await mesh(3)
      const [author, ...others] = networks
      const received = record(others)
      await author!.publish(update(4, bytes(10)))
      await until(() => others.every(({ self }) => received.get(self)!.length === 1))
      const { answers, newest } = await author!.newestOwn(3)
      expect(answers).toBeGreaterThanOrEqual(1)
      expect(newest).toMatchObject({ round: 4, sequence: 4 })
      expect((await author!.newestOwn(4)).newest).toBeUndefined()
      // nobody has anything of who published nothing
      expect((await others[0]!.newestOwn(0)).newest).toBeUndefined()
    })

    it('tells the others who is ready for a round: each time anew, and until it is not', async () => {
      const [network, other] = await mesh(2)
      const claim = (): number | undefined => other!.neighbours().find(({ peer }) => peer === network!.self)?.readyClaim
      const told: PeerName[] = []
      other!.addEventListener('neighbours:ready', ({ detail: { peer } }) => { told.push(peer) })
      network!.declareReady(false)
      await until(() => claim() === undefined)
      network!.declareReady(true)
      await until(() => claim() !== undefined)
      const first = claim()!
      network!.declareReady(true)
      await until(() => (claim() ?? 0) > first)
      await until(() => told.includes(network!.self))
      network!.declareReady(false)
      await until(() => claim() === undefined)
    })

    it('is nobody\'s neighbour once it only observes, and still a member who hears the others', async () => {
      const networks = await mesh(3)
      const [observer, author, other] = networks
      const received = record([observer!])
      observer!.observe()
      await until(() => [author!, other!].every((network) => !network.neighbours().some(({ peer }) => peer === observer!.self)))
      expect(other!.members()).toContain(observer!.self)
      await author!.publish(update(1, bytes(10)))
      await until(() => received.get(observer!.self)!.length === 1)
    })

    it('replaces a suspended neighbour or does without it', async () => {
      const networks = await mesh(3)
      networks[0]!.suspend(networks[1]!.self)
      await until(() => !networks[0]!.neighbours().some(({ peer }) => peer === networks[1]!.self))
    })

    it('tells when a neighbour goes', async () => {
      const networks = await mesh(3)
      const gone = networks[2]!.self
      await networks[2]!.stop()
      await until(() => networks.slice(0, 2).every((network) => !network.neighbours().some(({ peer, live }) => peer === gone && live)))
    })

    it('counts what the round engine refuses', async () => {
      const [network, other] = await mesh(2)
      const rejected: unknown[] = []
      network!.addEventListener('update:rejected', ({ detail }) => { rejected.push(detail) })
      network!.penalise(other!.self, 'norm')
      expect(rejected).toEqual([{ peer: other!.self, author: other!.self, reason: 'norm' }])
    })

    it('counts bytes', async () => {
      const [network, other] = await mesh(2)
      const received = record([other!])
      const before = network!.traffic().bytesSent
      await network!.publish(update(1, bytes(50_000)))
      await until(() => received.get(other!.self)!.length === 1)
      expect(network!.traffic().bytesSent - before).toBeGreaterThanOrEqual(50_000)
    })

    it('stops twice without complaint, and publishes nothing afterwards', async () => {
      const [network] = await mesh(2)
      await network!.stop()
      await network!.stop()
      expect(await failure(network!.publish(update(1, bytes(10))))).toMatch(/^PublishError/)
      expect(await failure(network!.send(message(1, network!.self, bytes(1))))).toMatch(/^PublishError/)
    })
  })
}
