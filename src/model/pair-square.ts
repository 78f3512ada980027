/**
 * The squared norm of a sum of outer products without forming it: || sum_p x_p dz_p^T ||^2 = sum over p, q of (x_p .
 * x_q)(dz_p . dz_q) ("ghost norm": Li et al. 2021, arXiv:2110.05679; Bu et al. 2022, arXiv:2205.10683), in double
 * precision
 */

/** Where the square is a smaller share of the square of all terms' lengths, the terms cancel */
const LEAST_SHARE = 1 / 256

/**
 * sum_p ||x_p|| ||dz_p|| is at most this times the norm, where pairSquare gives one: LEAST_SHARE^-1/2, and room for
 * rounding
 */
export const LARGEST_SPREAD = 16.001

/**
 * Undefined when the terms cancel so far that their lengths are more than 16 times the norm, or when one is not a
 * number
 *
 * `x` is positions x inputs, `deltas` positions x outputs, row-major. The square's relative error is at most
 * 256 (inputs + outputs + positions^2 + 8) 2^-53, by gamma(k) of Higham 2002, lemma 3.1, on the terms' lengths
 */
export function pairSquare ({ x, deltas }: { x: Float32Array, deltas: Float32Array }, positions: number): number | undefined {
  let [square, lengths] = [0, 0]
  for (let p = 0; p < positions; p++) {
    const own = product(x, positions, p, p) * product(deltas, positions, p, p)
    square += own
    lengths += Math.sqrt(own)
    for (let q = 0; q < p; q++) {
      square += 2 * product(x, positions, p, q) * product(deltas, positions, p, q)
    }
  }
  return square >= LEAST_SHARE * lengths * lengths ? square : undefined
}

/** Of rows p and q; two sums at a time do not wait for one another */
function product (matrix: Float32Array, rows: number, p: number, q: number): number {
  const width = matrix.length / rows
  const [left, right] = [p * width, q * width]
  let [a, b] = [0, 0]
  let i = 0
  for (; i + 1 < width; i += 2) {
    a += matrix[left + i]! * matrix[right + i]!
    b += matrix[left + i + 1]! * matrix[right + i + 1]!
  }
  return i < width ? a + b + matrix[left + i]! * matrix[right + i]! : a + b
}
