/**
 * Aggregation kernels in AssemblyScript: each works on one block of coordinates of n vectors, in fixed places of memory
 *
 * Compiled by `npm run build:kernels` to ../module.generated.ts. Not TypeScript: tsc and the linter leave this folder out.
 * Layout and limits are repeated in ../memory.ts.
 */

/** Bytes between two rows of float32: 1024 coordinates */
const ROW: usize = 4096
/** Bytes between two rows of float64 */
const WIDE_ROW: usize = 8192
/** Rows of the vectors, at most 65 */
const ROWS: usize = 4096
/** Rows of differences in float64, at most 66 */
const WIDE: usize = 274432
/** Rows of results, at most 64 */
const OUT: usize = 815104
/** Weights, row-major: at most 64 x 65 float64 */
const WEIGHTS: usize = 1077248
/** Products, row-major: at most 66 x 66 float64 */
const PRODUCTS: usize = 1110528
/** Comparators of a sorting network: pairs of row numbers, a byte each */
const NETWORK: usize = 1145408

// @ts-ignore: decorator
@inline
function row (index: i32): usize {
  return ROWS + <usize>index * ROW
}

// @ts-ignore: decorator
@inline
function wide (index: i32): usize {
  return WIDE + <usize>index * WIDE_ROW
}

// @ts-ignore: decorator
@inline
function promoteHigh (floats: v128): v128 {
  return v128.promote_low<f32>(v128.shuffle<i32>(floats, floats, 2, 3, 2, 3))
}

/** Differences of rows 1 .. count from row 0, in float64, and rows of zeros up to a multiple of three */
function differences (count: i32, length: i32): void {
  const bytes: usize = <usize>length << 2
  for (let j = 0; j < count; j++) {
    const source = row(j + 1)
    const target = wide(j)
    for (let at: usize = 0; at < bytes; at += 16) {
      const vector = v128.load(source + at)
      const reference = v128.load(row(0) + at)
      v128.store(target + (at << 1), f64x2.sub(v128.promote_low<f32>(vector), v128.promote_low<f32>(reference)))
      v128.store(target + (at << 1), f64x2.sub(promoteHigh(vector), promoteHigh(reference)), 16)
    }
  }
  for (let j = count; j % 3 !== 0; j++) {
    memory.fill(wide(j), 0, <usize>length << 3)
  }
}

// @ts-ignore: decorator
@inline
function addTo (index: i32, sum: v128): void {
  const at = PRODUCTS + (<usize>index << 3)
  store<f64>(at, load<f64>(at) + f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1))
}

/** Adds the products of three rows from i with three from j to the padded matrix */
function tile (i: i32, j: i32, length: i32, padded: i32): void {
  let s00 = f64x2.splat(0), s01 = f64x2.splat(0), s02 = f64x2.splat(0)
  let s10 = f64x2.splat(0), s11 = f64x2.splat(0), s12 = f64x2.splat(0)
  let s20 = f64x2.splat(0), s21 = f64x2.splat(0), s22 = f64x2.splat(0)
  const bytes: usize = <usize>length << 3
  const left = wide(i)
  const right = wide(j)
  for (let at: usize = 0; at < bytes; at += 16) {
    const x0 = v128.load(left + at)
    const x1 = v128.load(left + at, ROW * 2)
    const x2 = v128.load(left + at, ROW * 4)
    const y0 = v128.load(right + at)
    s00 = f64x2.add(s00, f64x2.mul(x0, y0))
    s10 = f64x2.add(s10, f64x2.mul(x1, y0))
    s20 = f64x2.add(s20, f64x2.mul(x2, y0))
    const y1 = v128.load(right + at, ROW * 2)
    s01 = f64x2.add(s01, f64x2.mul(x0, y1))
    s11 = f64x2.add(s11, f64x2.mul(x1, y1))
    s21 = f64x2.add(s21, f64x2.mul(x2, y1))
    const y2 = v128.load(right + at, ROW * 4)
    s02 = f64x2.add(s02, f64x2.mul(x0, y2))
    s12 = f64x2.add(s12, f64x2.mul(x1, y2))
    s22 = f64x2.add(s22, f64x2.mul(x2, y2))
  }
  const at = i * padded + j
  addTo(at, s00)
  addTo(at + 1, s01)
  addTo(at + 2, s02)
  addTo(at + padded, s10)
  addTo(at + padded + 1, s11)
  addTo(at + padded + 2, s12)
  addTo(at + 2 * padded, s20)
  addTo(at + 2 * padded + 1, s21)
  addTo(at + 2 * padded + 2, s22)
}

/** Adds the block's inner products of differences from row 0 to the upper triangle of the padded x padded matrix */
export function addProducts (count: i32, length: i32): void {
  differences(count, length)
  const padded = (count + 2) / 3 * 3
  for (let i = 0; i < padded; i += 3) {
    for (let j = i; j < padded; j += 3) {
      tile(i, j, length, padded)
    }
  }
}

/** First row of results: the weighted sum of rows 0 .. count - 1, accumulated in float64, eight coordinates at a time */
export function weightedSum (count: i32, length: i32): void {
  const bytes: usize = <usize>length << 2
  for (let at: usize = 0; at < bytes; at += 32) {
    let a = f64x2.splat(0), b = f64x2.splat(0), c = f64x2.splat(0), d = f64x2.splat(0)
    for (let j = 0; j < count; j++) {
      const weight = v128.load64_splat(WEIGHTS + (<usize>j << 3))
      const first = v128.load(row(j) + at)
      const second = v128.load(row(j) + at, 16)
      a = f64x2.add(a, f64x2.mul(weight, v128.promote_low<f32>(first)))
      b = f64x2.add(b, f64x2.mul(weight, promoteHigh(first)))
      c = f64x2.add(c, f64x2.mul(weight, v128.promote_low<f32>(second)))
      d = f64x2.add(d, f64x2.mul(weight, promoteHigh(second)))
    }
    v128.store(OUT + at, v128.shuffle<i64>(v128.demote_zero<f64>(a), v128.demote_zero<f64>(b), 0, 2))
    v128.store(OUT + at, v128.shuffle<i64>(v128.demote_zero<f64>(c), v128.demote_zero<f64>(d), 0, 2), 16)
  }
}

/** Rows of results: `sums` weighted sums of rows 0 .. count - 1, four coordinates and four sums at a time, in float32 */
export function combine (count: i32, sums: i32, length: i32): void {
  const bytes: usize = <usize>length << 2
  for (let s = 0; s < sums; s += 4) {
    const weights = WEIGHTS + <usize>(s * count) * 8
    const stride: usize = <usize>count << 3
    for (let at: usize = 0; at < bytes; at += 16) {
      let a = f32x4.splat(0), b = f32x4.splat(0), c = f32x4.splat(0), d = f32x4.splat(0)
      for (let j = 0; j < count; j++) {
        const vector = v128.load(row(j) + at)
        const w = weights + (<usize>j << 3)
        a = f32x4.add(a, f32x4.mul(vector, v128.load32_splat(w)))
        b = f32x4.add(b, f32x4.mul(vector, v128.load32_splat(w + stride)))
        c = f32x4.add(c, f32x4.mul(vector, v128.load32_splat(w + stride * 2)))
        d = f32x4.add(d, f32x4.mul(vector, v128.load32_splat(w + stride * 3)))
      }
      const out = OUT + <usize>s * ROW + at
      v128.store(out, a)
      v128.store(out, b, ROW)
      v128.store(out, c, ROW * 2)
      v128.store(out, d, ROW * 3)
    }
  }
}

/** Rows 0 .. sums - 1 become the results of `combine` */
export function takeResults (sums: i32): void {
  memory.copy(ROWS, OUT, <usize>sums * ROW)
}

/** Bits of floats as integers that order alike, and back: the same exchange both ways */
// @ts-ignore: decorator
@inline
function ordered (bits: v128): v128 {
  return v128.xor(bits, v128.and(i32x4.shr_s(bits, 31), i32x4.splat(0x7fffffff)))
}

/** Sorts every coordinate of rows 0 .. count - 1 by a network of `comparators` pairs; -0 comes before 0 */
export function sort (count: i32, comparators: i32, length: i32): void {
  const bytes: usize = <usize>length << 2
  for (let j = 0; j < count; j++) {
    for (let at: usize = 0; at < bytes; at += 16) {
      v128.store(row(j) + at, ordered(v128.load(row(j) + at)))
    }
  }
  for (let pair = 0; pair < comparators; pair++) {
    const low = row(<i32>load<u8>(NETWORK + <usize>pair * 2))
    const high = row(<i32>load<u8>(NETWORK + <usize>pair * 2, 1))
    for (let at: usize = 0; at < bytes; at += 16) {
      const a = v128.load(low + at)
      const b = v128.load(high + at)
      v128.store(low + at, v128.min<i32>(a, b))
      v128.store(high + at, v128.max<i32>(a, b))
    }
  }
  for (let j = 0; j < count; j++) {
    for (let at: usize = 0; at < bytes; at += 16) {
      v128.store(row(j) + at, ordered(v128.load(row(j) + at)))
    }
  }
}

/** First row of results: the mean of rows first .. end - 1, accumulated in float64 */
export function meanOfRows (first: i32, end: i32, length: i32): void {
  const bytes: usize = <usize>length << 2
  const share = f64x2.splat(<f64>(end - first))
  for (let at: usize = 0; at < bytes; at += 16) {
    let low = f64x2.splat(0)
    let high = f64x2.splat(0)
    for (let j = first; j < end; j++) {
      const vector = v128.load(row(j) + at)
      low = f64x2.add(low, v128.promote_low<f32>(vector))
      high = f64x2.add(high, promoteHigh(vector))
    }
    const narrow = v128.shuffle<i64>(v128.demote_zero<f64>(f64x2.div(low, share)), v128.demote_zero<f64>(f64x2.div(high, share)), 0, 2)
    v128.store(OUT + at, narrow)
  }
}

/** First row of results: per coordinate the mean of the `keep` numbers of the sorted rows nearest to their median */
export function meanAroundMedian (count: i32, keep: i32, length: i32): void {
  const middle = count >> 1
  for (let i: usize = 0; i < <usize>length << 2; i += 4) {
    const upper = <f64>load<f32>(row(middle) + i)
    const median = (count & 1) === 1 ? upper : (<f64>load<f32>(row(middle - 1) + i) + upper) / 2
    let start = 0
    while (start + keep < count && <f64>load<f32>(row(start + keep) + i) - median < median - <f64>load<f32>(row(start) + i)) {
      start++
    }
    let sum: f64 = 0
    for (let j = start; j < start + keep; j++) {
      sum += <f64>load<f32>(row(j) + i)
    }
    store<f32>(OUT + i, <f32>(sum / <f64>keep))
  }
}
