/**
 * Rows of numbers, kept as they come: how many there will be is not known before
 */
import { requireRoom } from './examples.ts'
import { RECORD_DIGEST_BYTES } from './record-digest.ts'

/** Rows that are made room for at once */
const BLOCK_ROWS = 4096

/** While rows are taken out they lie twice in memory. A store that would hold more than this gives them up instead */
const MAX_STORE_BYTES = 268_435_456

interface Block {
  values: Float32Array
  digests: Uint8Array | undefined
}

export interface RowStoreInit {
  /** For messages */
  file: string
  /** Numbers of one row */
  width: number
  /** Whether a digest is kept with each row */
  identified: boolean
}

/** What is taken out of a store, in order */
export interface TakenRows {
  values: Float32Array
  digests: Uint8Array | undefined
}

/** Where a row is to be written */
export interface RowPlaces {
  values: Float32Array
  /** Of its first number */
  offset: number
  digests: Uint8Array | undefined
  /** Of its digest */
  digestOffset: number
}

export class RowStore {
  count = 0
  private readonly init: RowStoreInit
  private readonly maxBytes: number
  private blocks: Block[] = []
  private givenUp = false

  constructor (init: RowStoreInit, maxBytes = MAX_STORE_BYTES) {
    this.init = init
    this.maxBytes = maxBytes
  }

  /** Rows were given up: the file is to be read once more, with the selections at hand */
  get isGivenUp (): boolean {
    return this.givenUp
  }

  /** Room for one more row. Throws DatasetError when it is more than one peer may hold */
  add (): RowPlaces {
    const { file, width, identified } = this.init
    const row = this.count++ % BLOCK_ROWS
    if (row === 0 && !this.givenUp) {
      requireRoom(file, this.count - 1 + BLOCK_ROWS, 4 * width + (identified ? RECORD_DIGEST_BYTES : 0))
      this.giveUpOver(4 * width + (identified ? RECORD_DIGEST_BYTES : 0))
      this.blocks.push({ values: new Float32Array(BLOCK_ROWS * width), digests: identified ? new Uint8Array(BLOCK_ROWS * RECORD_DIGEST_BYTES) : undefined })
    }
    const { values, digests } = this.blocks.at(-1)!
    return { values, offset: row * width, digests, digestOffset: row * RECORD_DIGEST_BYTES }
  }

  /** What comes from then on is written into one block, over and over */
  private giveUpOver (rowBytes: number): void {
    if ((this.blocks.length + 1) * BLOCK_ROWS * rowBytes > this.maxBytes && this.blocks.length > 0) {
      this.givenUp = true
      this.blocks = []
    }
  }

  /** The rows of each selection, which ascend. The store is empty afterwards: its blocks go as they are copied */
  take (selections: readonly Uint32Array[]): TakenRows[] {
    const { width, identified } = this.init
    const taken = selections.map((rows): TakenRows => ({
      values: new Float32Array(rows.length * width),
      digests: identified ? new Uint8Array(rows.length * RECORD_DIGEST_BYTES) : undefined
    }))
    const next = selections.map(() => 0)
    const blocks = this.blocks.reverse()
    for (let from = 0; blocks.length > 0; from += BLOCK_ROWS) {
      const block = blocks.pop()!
      selections.forEach((rows, i) => {
        for (; next[i]! < rows.length && rows[next[i]!]! < from + BLOCK_ROWS; next[i]!++) {
          copyRow(block, rows[next[i]!]! - from, taken[i]!, next[i]!)
        }
      })
    }
    this.count = 0
    return taken
  }
}

function copyRow (from: Block, row: number, to: TakenRows, place: number): void {
  const width = from.values.length / BLOCK_ROWS
  copy({ from: from.values, at: row * width }, { to: to.values, place: place * width }, width)
  if (from.digests !== undefined) {
    copy({ from: from.digests, at: row * RECORD_DIGEST_BYTES }, { to: to.digests!, place: place * RECORD_DIGEST_BYTES }, RECORD_DIGEST_BYTES)
  }
}

/** By hand: rows are so short that making a view of each takes longer */
function copy<A extends Float32Array | Uint8Array> ({ from, at }: { from: A, at: number }, { to, place }: { to: A, place: number }, length: number): void {
  for (let i = 0; i < length; i++) {
    to[place + i] = from[at + i]!
  }
}
