/**
 * Arithmetic on the rows of a matrix, summed in double precision
 *
 * In float32 a norm beyond 1.8e19 would overflow although its elements do not, and one below 1e-23 would count as zero.
 */

/** Adds the squared length of each row to `squares`, and returns them */
export function addRowSquares (matrix: Float32Array, squares: Float64Array): Float64Array {
  const width = matrix.length / squares.length
  for (let row = 0; row < squares.length; row++) {
    squares[row] = squares[row]! + squaredLength(matrix, row * width, (row + 1) * width)
  }
  return squares
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

/** Adds the sum over the rows of weights[row] x row. A row of weight zero takes no part, not even with NaN */
export function addWeightedRows (matrix: Float32Array, weights: Float64Array, target: Float64Array): void {
  const width = target.length
  for (const [row, weight] of weights.entries()) {
    if (weight === 0) {
      continue
    }
    const start = row * width
    for (let i = 0; i < width; i++) {
      target[i] = target[i]! + weight * matrix[start + i]!
    }
  }
}
