/**
 * Several vectors of one length in one, as an update's payload carries them: the first one first
 */

/** One vector is given back as it is, without a copy */
export function joined (vectors: readonly Float32Array[]): Float32Array {
  const [first, ...others] = vectors
  if (first === undefined || others.length === 0) {
    return first ?? new Float32Array(0)
  }
  const whole = new Float32Array(vectors.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const vector of vectors) {
    whole.set(vector, offset)
    offset += vector.length
  }
  return whole
}

/** Views of `whole`, `length` elements each; a vector of that length is given back as it is */
export function separated (whole: Float32Array, length: number): Float32Array[] {
  return whole.length === length
    ? [whole]
    : Array.from({ length: Math.floor(whole.length / Math.max(1, length)) }, (_, i) => whole.subarray(i * length, (i + 1) * length))
}
