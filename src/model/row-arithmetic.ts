/**
 * Arithmetic on the rows of a matrix, summed in double precision
 *
 * In float32 a norm beyond 1.8e19 would overflow although its elements do not, and one below 1e-23 would count as zero.
 */

/** Adds the squared length of each row to `squares` */
export function addRowSquares (matrix: Float32Array, squares: Float64Array): void {
  const width = matrix.length / squares.length
  for (let row = 0; row < squares.length; row++) {
    squares[row] = squares[row]! + squaredLength(matrix, row * width, (row + 1) * width)
  }
}

/** Four sums at a time do not wait for one another */
function squaredLength (values: Float32Array, from: number, to: number): number {
  let [a, b, c, d] = [0, 0, 0, 0]
  let i = from
  for (; i + 3 < to; i += 4) {
    a += values[i]! * values[i]!
    b += values[i + 1]! * values[i + 1]!
    c += values[i + 2]! * values[i + 2]!
    d += values[i + 3]! * values[i + 3]!
  }
  for (; i < to; i++) {
    a += values[i]! * values[i]!
  }
  return a + b + (c + d)
}

/** Sum over the rows of weights[row] x row. A row of weight zero takes no part, not even with NaN */
export function weightedRowSum (matrix: Float32Array, weights: Float64Array): Float64Array {
  const width = matrix.length / weights.length
  const sum = new Float64Array(width)
  for (const [row, weight] of weights.entries()) {
    if (weight === 0) {
      continue
    }
    for (let i = 0; i < width; i++) {
      sum[i] = sum[i]! + weight * matrix[row * width + i]!
    }
  }
  return sum
}

/** Multiplies each row by its weight, in place. A row of weight zero becomes zeros, even of NaN */
export function scaleRows (matrix: Float32Array, weights: Float64Array): void {
  const width = matrix.length / weights.length
  for (const [row, weight] of weights.entries()) {
    if (weight === 0) {
      matrix.fill(0, row * width, (row + 1) * width)
      continue
    }
    for (let i = row * width; i < (row + 1) * width; i++) {
      matrix[i] = matrix[i]! * weight
    }
  }
}
