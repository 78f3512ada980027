/**
 * Kernel: inner products of the differences of m vectors from one reference, in one pass
 *
 * Every distance between combinations of the vectors follows from this small matrix, so a rule that iterates, such as
 * Weiszfeld's, reads the vectors once instead of once for each iteration. Differences are taken first and accumulated
 * in float64: products of the raw vectors would cancel when models are close, as they are after some rounds.
 */

/** Coordinates at a time: the differences of 32 vectors stay in the second-level cache, those of 10 in the first */
const BLOCK = 512

/** Rows are multiplied three by three: nine sums for six loads, as many as there are registers */
const TILE = 3

/**
 * The m x m matrix G with G[i * m + j] = (vectors[i] - reference) . (vectors[j] - reference), symmetric, row-major
 *
 * All vectors have d elements. Work: about m (m + 1) / 2 multiplications for each coordinate
 */
export function differenceProducts (reference: Float32Array, vectors: readonly Float32Array[]): Float64Array {
  const groups = Math.ceil(vectors.length / TILE)
  const differences = new Float64Array(groups * TILE * BLOCK)
  const tiles = Array.from({ length: groups * groups }, () => new Float64Array(TILE * TILE))
  for (let start = 0; start < reference.length; start += BLOCK) {
    for (let j = 0; j < vectors.length; j++) {
      subtract(vectors[j]!, reference, start, differences.subarray(j * BLOCK, (j + 1) * BLOCK))
    }
    for (let i = 0; i < groups; i++) {
      for (let j = i; j < groups; j++) {
        addTile(tiles[i * groups + j]!, differences, i * TILE * BLOCK, j * TILE * BLOCK)
      }
    }
  }
  return assemble(tiles, groups, vectors.length)
}

function subtract (vector: Float32Array, reference: Float32Array, start: number, out: Float64Array): void {
  const length = Math.min(out.length, reference.length - start)
  for (let i = 0; i < length; i++) {
    out[i] = vector[start + i]! - reference[start + i]!
  }
  out.fill(0, length)
}

/** Adds the products of the three rows from offset `left` with the three from offset `right` */
function addTile (tile: Float64Array, rows: Float64Array, left: number, right: number): void {
  let s00 = 0; let s01 = 0; let s02 = 0; let s10 = 0; let s11 = 0; let s12 = 0; let s20 = 0; let s21 = 0; let s22 = 0
  for (let k = 0; k < BLOCK; k++) {
    const x0 = rows[left + k]!
    const x1 = rows[left + BLOCK + k]!
    const x2 = rows[left + 2 * BLOCK + k]!
    const y0 = rows[right + k]!
    const y1 = rows[right + BLOCK + k]!
    const y2 = rows[right + 2 * BLOCK + k]!
    s00 += x0 * y0
    s01 += x0 * y1
    s02 += x0 * y2
    s10 += x1 * y0
    s11 += x1 * y1
    s12 += x1 * y2
    s20 += x2 * y0
    s21 += x2 * y1
    s22 += x2 * y2
  }
  const sums = [s00, s01, s02, s10, s11, s12, s20, s21, s22]
  for (let t = 0; t < sums.length; t++) {
    tile[t] = tile[t]! + sums[t]!
  }
}

/** Only tiles on and above the diagonal are filled */
function assemble (tiles: readonly Float64Array[], groups: number, size: number): Float64Array {
  const products = new Float64Array(size * size)
  for (let i = 0; i < size; i++) {
    for (let j = i; j < size; j++) {
      const tile = tiles[Math.floor(i / TILE) * groups + Math.floor(j / TILE)]!
      const product = tile[(i % TILE) * TILE + j % TILE]!
      products[i * size + j] = product
      products[j * size + i] = product
    }
  }
  return products
}
