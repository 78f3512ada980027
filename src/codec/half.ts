/**
 * IEEE 754 binary16, on bit patterns: 1 sign, 5 exponent, 10 fraction bits
 */

/** Bits of 2^-14, the smallest normal binary16, as float32 */
const SMALLEST_NORMAL_BITS = (127 - 14) << 23
/** Bits of 65536, the first power of two that binary16 lacks, as float32 */
const OVERFLOW_BITS = (127 + 16) << 23
/** Exponent bias of float32 minus that of binary16, at float32's exponent */
const BIAS_DIFFERENCE = (127 - 15) << 23

/** Bits of 65504, the largest finite binary16 */
export const MAX_HALF = 0x7bff
const MAX_HALF_VALUE = 65504
/** Smallest positive binary16, 2^-24 */
const STEP_BELOW_NORMAL = 2 ** -24
/** Adding and subtracting 2^52 rounds a float64 in [0, 2^51] to the nearest integer, ties to even */
const ROUNDING = 2 ** 52

/** One number as float32 and as its bits */
const float = new Float32Array(1)
const floatBits = new Uint32Array(float.buffer)

/** Bits of the binary16 nearest to a magnitude below 2^-14 */
function roundSubnormal (magnitude: number): number {
  return (magnitude / STEP_BELOW_NORMAL + ROUNDING - ROUNDING) | 0
}

/**
 * Nearest binary16 of a finite float32, ties to even; beyond 65504 the largest finite one, never Inf
 *
 * `bits` are those of `value`, which is needed below the normal range only
 */
export function halfFromFloat (bits: number, value: number): number {
  const magnitude = bits & 0x7fffffff
  let half = MAX_HALF
  if (magnitude < SMALLEST_NORMAL_BITS) {
    half = roundSubnormal(Math.abs(value))
  } else if (magnitude < OVERFLOW_BITS) {
    // Half of the last kept bit, less one, plus that bit: carries upwards exactly when round-to-nearest-even does
    half = Math.min(MAX_HALF, (magnitude - BIAS_DIFFERENCE + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
  }
  return half | ((bits >>> 16) & 0x8000)
}

/** Value of a finite binary16. NaN and Inf (exponent 31) must have been refused before */
export function halfToNumber (half: number): number {
  const exponent = (half >>> 10) & 31
  const fraction = half & 0x3ff
  const magnitude = exponent === 0 ? fraction * STEP_BELOW_NORMAL : (1024 + fraction) * 2 ** (exponent - 25)
  return (half & 0x8000) === 0 ? magnitude : -magnitude
}

/** Float32 bits of a finite normal binary16 (exponent 1 to 30) */
export function normalHalfToFloatBits (half: number): number {
  return ((half & 0x8000) << 16) | (((half & 0x7fff) << 13) + BIAS_DIFFERENCE)
}

/** Smallest binary16 that is not below a finite, non-negative number; the largest finite one beyond 65504 */
export function halfNotBelow (value: number): number {
  if (value >= MAX_HALF_VALUE) {
    return MAX_HALF
  }
  float[0] = value
  const half = halfFromFloat(floatBits[0]!, float[0])
  return halfToNumber(half) < value ? half + 1 : half
}
