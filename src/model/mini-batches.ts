/**
 * Which examples come next: seeded shuffles of the own examples
 */
import { seededRandom, shuffle } from '../seeded-random.ts'
import type { Examples } from '../data/examples.ts'
import type { Batch } from './layer-graph.ts'

/** Examples in a new random order for each pass; equal seeds give equal orders */
function shuffledIndices (count: number, seed: string): Uint32Array {
  const indices = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    indices[i] = i
  }
  return shuffle(indices, seededRandom(seed))
}

/** Examples that would rather be asked for many inputs at a time */
export interface BatchSource extends Examples {
  /** Called with the indices of a batch before their inputs are written */
  prepare?: (indices: ArrayLike<number>) => void
}

/** Fills one buffer with batch after batch */
export class BatchBuffer {
  private readonly examples: BatchSource
  private readonly batch: Batch
  /** Examples in one batch, at most */
  readonly capacity: number

  constructor (examples: BatchSource, capacity: number) {
    this.capacity = capacity
    this.examples = examples
    this.batch = { inputs: new Float32Array(capacity * examples.featureCount), labels: new Uint16Array(capacity), targets: examples.targets === undefined ? undefined : new Float32Array(capacity), count: 0 }
  }

  /** The batch is valid until the next call */
  fill (indices: ArrayLike<number>): Batch {
    const { featureCount, labels, targets } = this.examples
    this.examples.prepare?.(indices)
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i]!
      this.examples.writeInputs(index, this.batch.inputs, i * featureCount)
      this.batch.labels[i] = labels[index]!
      if (targets !== undefined) {
        this.batch.targets![i] = targets[index]!
      }
    }
    this.batch.count = indices.length
    return this.batch
  }

  /** All examples in their own order */
  * inOrder (capacity: number): Generator<Batch> {
    for (let first = 0; first < this.examples.count; first += capacity) {
      yield this.fill(Array.from({ length: Math.min(capacity, this.examples.count - first) }, (_, i) => first + i))
    }
  }
}

/** The batches of a round that makes whole passes; the last batch of a pass may be smaller */
export function * epochIndices (count: number, batchSize: number, { epochs, seed }: { epochs: number, seed: string }): Generator<Uint32Array> {
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = shuffledIndices(count, `${seed}/${epoch}`)
    for (let first = 0; first < count; first += batchSize) {
      yield order.subarray(first, first + batchSize)
    }
  }
}

/**
 * Batches for rounds of a few steps: goes on where the last round stopped, so that few steps still visit every example
 */
export class ContinuousIndices {
  private readonly count: number
  private readonly seed: string
  private pass = 0
  private position = 0
  private order: Uint32Array = new Uint32Array()

  constructor (count: number, seed: string) {
    this.count = count
    this.seed = seed
  }

  /** Examples that were asked for, for `goTo` of the next process */
  get place (): number {
    return Math.max(0, this.pass - 1) * this.count + this.position
  }

  /** Goes on behind so many examples. Throws RangeError */
  goTo (place: number): void {
    if (!Number.isSafeInteger(place) || place < 0) {
      throw new RangeError(`a place among examples is an integer of at least 0, not ${place}`)
    }
    const passes = Math.ceil(place / this.count)
    this.pass = passes
    this.order = passes === 0 ? new Uint32Array() : shuffledIndices(this.count, `${this.seed}/pass/${passes - 1}`)
    this.position = passes === 0 ? 0 : place - (passes - 1) * this.count
  }

  /** The next `size` examples; a batch is never larger than all of them */
  next (size: number): Uint32Array {
    const batch = new Uint32Array(Math.min(size, this.count))
    for (let i = 0; i < batch.length; i++) {
      if (this.position === this.order.length) {
        this.order = shuffledIndices(this.count, `${this.seed}/pass/${this.pass++}`)
        this.position = 0
      }
      batch[i] = this.order[this.position++]!
    }
    return batch
  }
}
