/**
 * Splits one labelled dataset among peers, so that separate machines that know only the labels and the options agree
 *
 * `iid`: equal random parts. `dirichlet`: each class is dealt in proportions drawn from Dirichlet(alpha) (Hsu, Qi and
 * Brown 2019, per class as in Yurochkin et al. 2019). `shards`: sorted by label and cut, some shards for each peer
 * (McMahan et al. 2017).
 */
import { DatasetError } from '../errors.ts'
import { seededRandom, shuffle } from '../seeded-random.ts'
import { dirichlet } from './dirichlet.ts'
import type { Partition, Random } from '../interface.ts'

/** A peer never gets fewer examples than this where there are enough for all */
export const MIN_PART_EXAMPLES = 32

const DEFAULT_ALPHA = 0.3
const DEFAULT_SHARDS_PER_PEER = 2

const MAX_PARTS = 10_000

type Split = Omit<Partition, 'index'>

function requireSplit ({ count, alpha, shardsPerPeer, seed }: Split): void {
  if (!Number.isInteger(count) || count < 1 || count > MAX_PARTS) {
    throw new RangeError(`number of parts must be a whole number from 1 to ${MAX_PARTS}, not ${count}`)
  }
  if (alpha !== undefined && !(alpha > 0 && Number.isFinite(alpha))) {
    throw new RangeError(`alpha of a Dirichlet split must be a positive number, not ${alpha}`)
  }
  if (shardsPerPeer !== undefined && !(Number.isInteger(shardsPerPeer) && shardsPerPeer >= 1 && shardsPerPeer <= MAX_PARTS)) {
    throw new RangeError(`shards for each peer must be a whole number from 1 to ${MAX_PARTS}, not ${shardsPerPeer}`)
  }
  if (!Number.isFinite(seed)) {
    throw new RangeError(`seed of a partition must be a number, not ${seed}`)
  }
}

/** Throws RangeError on an impossible partition, e.g. part 5 of 4. `index` counts from 0 */
export function requirePartition (partition: Partition): void {
  requireSplit(partition)
  if (!Number.isInteger(partition.index) || partition.index < 0 || partition.index >= partition.count) {
    throw new RangeError(`part ${partition.index} does not exist: parts of ${partition.count} are numbered from 0 to ${partition.count - 1}`)
  }
}

/**
 * Indices of the examples of every part, ascending; each example is in exactly one part
 *
 * A pure function of its arguments. Throws RangeError on impossible options, DatasetError when there are not enough
 * examples
 */
export function split (labels: Uint16Array, options: Split): Uint32Array[] {
  requireSplit(options)
  const { count, strategy } = options
  const pieces = strategy === 'shards' ? count * (options.shardsPerPeer ?? DEFAULT_SHARDS_PER_PEER) : count
  if (labels.length < pieces) {
    throw new DatasetError(`${labels.length} training examples cannot be split into ${pieces} parts; use fewer peers or more data`)
  }
  const random = seededRandom(`${strategy}/${options.seed}`)
  switch (strategy) {
    case 'iid':
      return cut(shuffle(indices(labels.length), random), count).map(sorted)
    case 'dirichlet':
      return dirichletSplit(labels, options, random).map(sorted)
    case 'shards':
      return shardSplit(labels, options, random).map(sorted)
  }
}

/**
 * Indices of the examples of one part, ascending: of all `labels`, or of `rows` of them (ascending)
 *
 * Throws as `split` does, and RangeError when the part does not exist
 */
export function partitionRows (labels: Uint16Array, partition: Partition, rows?: Uint32Array): Uint32Array {
  requirePartition(partition)
  if (rows === undefined) {
    return split(labels, partition)[partition.index]!
  }
  return split(Uint16Array.from(rows, (row) => labels[row]!), partition)[partition.index]!.map((i) => rows[i]!)
}

/** 0, 1, … count - 1 */
export function indices (count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => i)
}

function sorted (rows: ArrayLike<number>): Uint32Array {
  return Uint32Array.from(rows).sort()
}

/** Contiguous pieces whose sizes differ by one at most */
function cut (rows: Uint32Array, count: number): Uint32Array[] {
  return Array.from({ length: count }, (_, i) => rows.subarray(Math.floor(i * rows.length / count), Math.floor((i + 1) * rows.length / count)))
}

/** Rows of each class that occurs, by ascending class, in random order */
export function rowsByClass (labels: Uint16Array, random: Random): number[][] {
  const classes = new Map<number, number[]>()
  labels.forEach((label, row) => {
    const rows = classes.get(label)
    if (rows === undefined) {
      classes.set(label, [row])
    } else {
      rows.push(row)
    }
  })
  return [...classes].sort(([a], [b]) => a - b).map(([, rows]) => shuffle(rows, random))
}

function dirichletSplit (labels: Uint16Array, { count, alpha = DEFAULT_ALPHA }: Split, random: Random): number[][] {
  const parts = Array.from({ length: count }, (): number[] => [])
  for (const rows of rowsByClass(labels, random)) {
    const proportions = dirichlet(alpha, count, random)
    let share = 0
    let from = 0
    parts.forEach((part, i) => {
      share += proportions[i]!
      // The last part takes the rest, whatever rounding did to the sum
      const to = i === count - 1 ? rows.length : Math.min(rows.length, Math.round(share * rows.length))
      for (; from < to; from++) {
        part.push(rows[from]!)
      }
    })
  }
  topUp(parts, Math.min(MIN_PART_EXAMPLES, Math.floor(labels.length / count)))
  return parts
}

/**
 * Moves examples from the largest parts to those with fewer than `minimum`
 *
 * From the end of the largest part, where one class stands in a row: so what a starved peer gets is as skewed as the
 * rest.
 */
function topUp (parts: number[][], minimum: number): void {
  for (const part of parts) {
    while (part.length < minimum) {
      const donor = parts.reduce((largest, other) => other.length > largest.length ? other : largest)
      const give = Math.min(minimum - part.length, donor.length - minimum)
      part.push(...donor.splice(donor.length - give, give))
    }
  }
}

function shardSplit (labels: Uint16Array, { count, shardsPerPeer = DEFAULT_SHARDS_PER_PEER }: Split, random: Random): number[][] {
  const shards = cut(Uint32Array.from(rowsByClass(labels, random).flat()), count * shardsPerPeer)
  const order = shuffle(indices(shards.length), random)
  return Array.from({ length: count }, (_, i) => [...order.subarray(i * shardsPerPeer, (i + 1) * shardsPerPeer)].flatMap((shard) => [...shards[shard]!]))
}
