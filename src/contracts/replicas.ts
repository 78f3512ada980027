/**
 * What every Replicas must do: one author, its receivers, and what can go wrong between them
 */
import { InvalidUpdateError } from '../errors.ts'
import { seededRandom } from '../seeded-random.ts'
import { DELTA, KEYFRAME } from '../update-kind.ts'
import { describe, expect, it } from './test-runner.ts'
import type { OwnReplica, ReceivedUpdate, Replica, Replicas } from '../interface.ts'

/** Parameters of the models in these tests */
const D = 700
const ROUNDS = 12

interface Sent {
  update: ReceivedUpdate
  own: OwnReplica
}

/** A model that moves a little in each round, as models do */
function models (count = ROUNDS): Float32Array[] {
  const random = seededRandom('replicas contract')
  let model = Float32Array.from({ length: D }, () => random() - 0.5)
  return Array.from({ length: count }, () => {
    model = model.map((value) => value + (random() < 0.2 ? 0.01 * (random() - 0.5) : 0))
    return model
  })
}

/** What the network makes of an own update */
class Author {
  readonly name: string
  readonly replicas: Replicas
  private last: ReceivedUpdate | undefined

  constructor (replicas: Replicas, name = 'author') {
    this.replicas = replicas
    this.name = name
  }

  send (parameters: Float32Array): Sent {
    const own = this.replicas.own(parameters)
    const sequence = (this.last?.sequence ?? 0) + 1
    const update: ReceivedUpdate = {
      ...{ author: this.name, from: this.name, updateId: `${this.name}/${sequence}`, round: sequence, sequence, codec: this.replicas.codec, degree: 1, receivedAtMs: 0 },
      ...{ payload: own.payload, kind: own.kind ?? KEYFRAME },
      ...(this.last === undefined ? {} : { follows: this.last.updateId }),
      ...(own.replicaHash === undefined ? {} : { replicaHash: own.replicaHash })
    }
    this.replicas.published(own)
    this.last = update
    return { update, own }
  }

  /** Makes an update that never leaves */
  fail (parameters: Float32Array): void {
    this.replicas.own(parameters)
  }
}

function replicaOf (outcome: ReturnType<Replicas['apply']>): Replica {
  if (typeof outcome === 'string') {
    throw new InvalidUpdateError(`refused: ${outcome}`, 'codec')
  }
  return outcome
}

function equalBits (a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength))
}

/** Takes an update in, with the author's keyframe where it needs one; true when it did */
function heal (receiver: Replicas, author: Replicas, { update, own }: Sent): boolean {
  const outcome = receiver.apply(update)
  const isNeedy = outcome === 'needs-keyframe'
  if (isNeedy) {
    expect(receiver.restore(update, author.keyframe(own.replica.hash)!.encode())).toBe(true)
  }
  expect(equalBits(replicaOf(receiver.apply(update)).parameters, own.replica.parameters)).toBe(true)
  return isNeedy
}

/** @param create - Of models with this many parameters, with nothing in memory */
export function replicasContract (name: string, create: (parameterCount: number) => Replicas): void {
  describe(`${name} as replicas`, () => {
    it('gives whoever sees all updates what the author means, bit for bit', () => {
      const [author, receiver] = [new Author(create(D)), create(D)]
      for (const model of models()) {
        const before = model.slice()
        const { update, own } = author.send(model)
        const payload = update.payload.slice()
        const { parameters } = replicaOf(receiver.apply(update))
        expect(equalBits(parameters, own.replica.parameters)).toBe(true)
        expect(equalBits(author.replicas.seen(model), parameters)).toBe(true)
        expect(equalBits(model, before)).toBe(true)
        expect(Buffer.from(payload).equals(update.payload)).toBe(true)
      }
    })

    it('stays within its bounds, and states what it makes', () => {
      const author = new Author(create(D))
      models().forEach((model, index) => {
        const { update: { payload, kind, replicaHash }, own: { replica } } = author.send(model)
        expect(payload.byteLength).toBeLessThanOrEqual(author.replicas.maxPayloadBytes)
        expect(author.replicas.kinds.has(kind!)).toBe(true)
        expect(replica.hash).toHaveLength(32)
        // the first of a run stands on nothing
        expect(index > 0 || kind === KEYFRAME).toBe(true)
        expect(kind === KEYFRAME || Buffer.from(replica.hash).equals(replicaHash!)).toBe(true)
      })
    })

    it('shares the parameters of one replica among all who ask for the same update', () => {
      const [author, receiver] = [new Author(create(D)), create(D)]
      for (const model of models()) {
        const { update } = author.send(model)
        const { parameters } = replicaOf(receiver.apply(update))
        expect(replicaOf(receiver.apply({ ...update, from: 'another' })).parameters === parameters).toBe(true)
      }
    })

    it('keeps the authors apart', () => {
      const receiver = create(D)
      const [one, other] = [new Author(create(D), 'one'), new Author(create(D), 'other')]
      const moved = models(ROUNDS + 3).slice(3)
      models().forEach((model, index) => {
        heal(receiver, one.replicas, one.send(model))
        heal(receiver, other.replicas, other.send(moved[index]!))
      })
    })

    it('needs one keyframe at most for whoever comes late, or missed some', () => {
      const [author, receiver] = [new Author(create(D)), create(D)]
      const needy = models().map((model, index) => {
        const sent = author.send(model)
        // rounds 0 to 3 and 7, 8 are missed
        return index > 3 && index !== 7 && index !== 8 && heal(receiver, author.replicas, sent)
      })
      expect(needy.filter(Boolean).length).toBeLessThanOrEqual(receiver.keepsMemory ? 2 : 0)
      expect(needy.filter((was, index) => was && index !== 4 && index !== 9)).toEqual([])
    })

    it('takes a keyframe from whoever holds the replica, and from the author', () => {
      const [author, holder, newcomer] = [new Author(create(D)), create(D), create(D)]
      for (const model of models()) {
        const { update, own } = author.send(model)
        replicaOf(holder.apply(update))
        const [first, second] = [author.replicas, holder].map((replicas) => replicas.keyframe(own.replica.hash))
        expect(first?.byteLength ?? 0).toBeLessThanOrEqual(newcomer.maxKeyframeBytes)
        expect(Buffer.from(first?.encode() ?? []).equals(Buffer.from(second?.encode() ?? []))).toBe(true)
        expect(first?.encode().byteLength).toBe(first?.byteLength)
        newcomer.retain(new Set())
        heal(newcomer, holder, { update, own })
      }
    })

    it('takes no other bytes for a keyframe, and loses nothing by them', () => {
      const [author, follower, newcomer] = [new Author(create(D)), create(D), create(D)]
      const sent = models().map((model) => author.send(model))
      const last = sent.at(-1)!
      const right = author.replicas.keyframe(last.own.replica.hash)?.encode() ?? new Uint8Array(8)
      const flipped = right.slice()
      flipped[flipped.length - 1]! ^= 1
      sent.slice(0, -1).forEach(({ update }) => { replicaOf(follower.apply(update)) })
      for (const wrong of [new Uint8Array(0), flipped, right.subarray(1), new Uint8Array(right.byteLength + 1)]) {
        expect(follower.restore(last.update, wrong)).toBe(false)
        expect(newcomer.restore(last.update, wrong)).toBe(false)
      }
      expect(heal(follower, author.replicas, last)).toBe(false)
      expect(heal(newcomer, author.replicas, last)).toBe(newcomer.keepsMemory && last.update.kind === DELTA)
    })

    it('begins anew after an update that never left', () => {
      const [author, receiver] = [new Author(create(D)), create(D)]
      const [first, second, lost, next, after] = models()
      heal(receiver, author.replicas, author.send(first!))
      heal(receiver, author.replicas, author.send(second!))
      author.fail(lost!)
      const sent = author.send(next!)
      expect(sent.update.kind).toBe(KEYFRAME)
      expect(heal(receiver, author.replicas, sent)).toBe(false)
      expect(heal(receiver, author.replicas, author.send(after!))).toBe(false)
    })

    it('is understood by a receiver across the author\'s restart', () => {
      const receiver = create(D)
      const [before, after] = [new Author(create(D)), new Author(create(D))]
      const [first, second, ...later] = models()
      heal(receiver, before.replicas, before.send(first!))
      heal(receiver, before.replicas, before.send(second!))
      for (const model of later) {
        const { update, own } = after.send(model)
        const again = { ...update, updateId: `again ${update.updateId}`, sequence: update.sequence + 100, ...(update.follows === undefined ? {} : { follows: `again ${update.follows}` }) }
        expect(heal(receiver, after.replicas, { update: again, own })).toBe(false)
      }
    })

    it('refuses what its author is to blame for, with the reason, and goes on from what it had', () => {
      const [author, receiver] = [new Author(create(D)), create(D)]
      for (const model of models()) {
        const sent = author.send(model)
        const { update } = sent
        expect(receiver.apply({ ...update, codec: 'another' })).toBe('wrong-codec')
        expect(receiver.apply({ ...update, kind: 9 })).toBe('unsupported')
        expect(typeof receiver.apply({ ...update, payload: update.payload.slice(0, -1) })).toBe('string')
        if (update.kind === DELTA) {
          expect(receiver.apply({ ...update, replicaHash: new Uint8Array(32) })).toBe('codec')
          const { replicaHash: _, ...bare } = update
          expect(receiver.apply(bare)).toBe('codec')
          const { follows: __, ...first } = update
          expect(receiver.apply(first)).toBe('codec')
        }
        expect(heal(receiver, author.replicas, sent)).toBe(false)
      }
    })

    it('makes of garbage a refusal or a finite replica, and throws nothing', () => {
      const author = new Author(create(D))
      const sent = models().map((model) => author.send(model))
      const random = seededRandom('garbage')
      for (let turn = 0; turn < 300; turn++) {
        const receiver = create(D)
        const at = Math.floor(random() * 3)
        heal(receiver, author.replicas, sent[0]!)
        const payload = sent[at]!.update.payload.slice()
        for (let flips = 1 + Math.floor(random() * 8); flips > 0; flips--) {
          payload[Math.floor(random() * payload.length)]! ^= 1 << Math.floor(random() * 8)
        }
        const outcome = receiver.apply({ ...sent[at]!.update, updateId: 'garbage', payload })
        expect(typeof outcome === 'string' || (outcome.parameters.length === D && outcome.parameters.every(Number.isFinite))).toBe(true)
      }
    })

    it('does not publish what is no model', () => {
      const author = new Author(create(D))
      author.send(new Float32Array(D))
      expect(() => author.replicas.own(new Float32Array(D).fill(Number.NaN))).toThrow(RangeError)
      expect(() => author.replicas.own(new Float32Array(0))).toThrow(RangeError)
    })

    it('forgets whom it is told to, and nothing of its own', () => {
      const [author, receiver] = [new Author(create(D)), create(D)]
      const [first, second, third] = models()
      heal(receiver, author.replicas, author.send(first!))
      receiver.retain(new Set(['author']))
      expect(heal(receiver, author.replicas, author.send(second!))).toBe(false)
      receiver.retain(new Set(['somebody']))
      author.replicas.retain(new Set())
      const sent = author.send(third!)
      expect(heal(receiver, author.replicas, sent)).toBe(receiver.keepsMemory && sent.update.kind === DELTA)
    })
  })
}
