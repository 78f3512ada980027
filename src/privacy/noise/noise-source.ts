/**
 * Where the randomness of differential privacy comes from: the port
 *
 * The guarantee is only as good as these numbers. Who can predict or rebuild them subtracts the noise, so a production
 * source has no seed to set, keep or leak; sources that repeat themselves belong to tests.
 */
export interface NoiseSource {
  /**
   * Adds an independent draw of N(0, deviation²) to every element, in place and in float64
   *
   * The noise step of DP-SGD (Abadi et al. 2016, algorithm 1): `sums` holds the clipped sums, and `deviation`, in their
   * unit, is noiseMultiplier x clipNorm. Not the variance. Call it once for the whole vector and round to float32, or
   * to fewer bits, only afterwards: floating-point noise hides a value only where the low bits go (Mironov 2012).
   * Throws RangeError when the deviation is not positive and finite, before any element changes. Any other error means
   * that the machine gave no randomness: elements may have been left without noise, so none may be sent.
   */
  addGaussian: (sums: Float64Array, deviation: number) => void

  /**
   * Poisson sampling: the indexes in 0 .. count - 1, ascending, that were each chosen independently
   *
   * The batch of the subsampled Gaussian mechanism (Mironov, Talwar and Zhang 2019); it may be empty. An index is
   * chosen with `probability` rounded down to a multiple of 2^-53, thus never more often than the accountant is told.
   * One decision is drawn for each index, whatever the outcome of the others. Throws RangeError when the count is not a
   * whole number below 2^32 or the probability is not in [0, 1].
   */
  sample: (count: number, probability: number) => Uint32Array
}
