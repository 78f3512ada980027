/**
 * Discrete Fourier transform of real numbers in float64
 *
 * A real sequence of length n is transformed as a complex one of length n / 2 (even samples real, odd ones imaginary)
 * by the iterative radix-2 algorithm of Cooley and Tukey 1965, two stages at a time. Every root of unity comes from its
 * own sine and cosine: by recurrence they would lose digits, and what the accountant makes of a spectrum depends on a
 * bound of its error.
 */

export interface Spectrum {
  /** Frequencies 0 to n / 2; the others are their conjugates */
  readonly real: Float64Array
  readonly imaginary: Float64Array
}

export interface RealFft {
  /** n */
  readonly size: number
  /** sum_j x_j e^(-2 pi i j k / n) for k = 0 … n / 2; `samples` has n numbers and is left as it is */
  forward: (samples: Float64Array) => Spectrum
  /** The samples whose `forward` is the spectrum; this one is overwritten */
  inverse: (spectrum: Spectrum) => Float64Array
}

/**
 * Bound of the error of each output of `forward` in units of sum |x_j|, and of `inverse` in units of sum |X_k| / n over
 * all n frequencies
 *
 * An output is a sum of inputs times unit factors that pass log2 n butterflies. One butterfly, with a rounded twiddle
 * factor, errs by less than 6 units in the last place of the sum of magnitudes (Higham 2002, "Accuracy and stability of
 * numerical algorithms", section 24.1); 8 leaves room for the split of the real transform, and 2 more stages for itself
 */
export function fftRounding (size: number): number {
  return 8 * (Math.log2(size) + 2) * 2 ** -53
}

/** Tables for one size, a power of 2 of at least 4. Throws RangeError for another */
export function realFft (size: number): RealFft {
  if (!(Number.isInteger(Math.log2(size)) && size >= 4)) {
    throw new RangeError(`the size of a transform must be a power of 2 and at least 4, not ${size}`)
  }
  const half = size / 2
  const { cosines, sines } = rootsOfUnity(size)
  const tables = { cosines, sines, order: bitReversal(half), levels: levelsOf(half, cosines, sines) }
  return {
    size,
    forward: (samples) => forward(samples, tables),
    inverse: (spectrum) => inverse(spectrum, tables)
  }
}

interface Tables {
  /** Roots of unity of order n */
  cosines: Float64Array
  sines: Float64Array
  /** n / 2 indices, bits reversed */
  order: Uint32Array
  levels: Level[]
}

/** Two stages of butterflies */
interface Level {
  /** Of the first one; 2 span of the second */
  span: number
  /** n / 2 */
  size: number
  /** For k < span: cosine and sine of the first stage, then of the second; in one run, for the cache's sake */
  twiddles: Float64Array
}

function levelsOf (size: number, cosines: Float64Array, sines: Float64Array): Level[] {
  const levels: Level[] = []
  for (let span = Math.log2(size) % 2 === 1 ? 2 : 1; span < size; span *= 4) {
    const twiddles = new Float64Array(4 * span)
    const root = size / (2 * span)
    for (let k = 0; k < span; k++) {
      twiddles[4 * k] = cosines[2 * k * root]!
      twiddles[4 * k + 1] = sines[2 * k * root]!
      twiddles[4 * k + 2] = cosines[k * root]!
      twiddles[4 * k + 3] = sines[k * root]!
    }
    levels.push({ span, size, twiddles })
  }
  return levels
}

/** The first half of them, all from the first octant: the angle's own rounding grows with it */
function rootsOfUnity (size: number): { cosines: Float64Array, sines: Float64Array } {
  const cosines = new Float64Array(size / 2)
  const sines = new Float64Array(size / 2)
  for (let k = 0; k <= size / 8; k++) {
    cosines[k] = Math.cos(2 * Math.PI * k / size)
    sines[k] = Math.sin(2 * Math.PI * k / size)
  }
  for (let k = Math.floor(size / 8) + 1; k <= size / 4; k++) {
    cosines[k] = sines[size / 4 - k]!
    sines[k] = cosines[size / 4 - k]!
  }
  for (let k = size / 4 + 1; k < size / 2; k++) {
    cosines[k] = -cosines[size / 2 - k]!
    sines[k] = sines[size / 2 - k]!
  }
  return { cosines, sines }
}

function bitReversal (size: number): Uint32Array {
  const order = new Uint32Array(size)
  for (let i = 1; i < size; i++) {
    order[i] = (order[i >> 1]! >> 1) | ((i & 1) * (size >> 1))
  }
  return order
}

function forward (samples: Float64Array, tables: Tables): Spectrum {
  const half = samples.length / 2
  const real = new Float64Array(half + 1)
  const imaginary = new Float64Array(half + 1)
  for (let i = 0; i < half; i++) {
    const from = 2 * tables.order[i]!
    real[i] = samples[from]!
    imaginary[i] = samples[from + 1]!
  }
  butterflies(real, imaginary, tables)
  splitSpectrum(real, imaginary, tables)
  return { real, imaginary }
}

/** From the spectrum of even + i odd to that of the real sequence, in place, a conjugate pair at a time */
function splitSpectrum (real: Float64Array, imaginary: Float64Array, { cosines, sines }: Tables): void {
  const half = real.length - 1
  real[half] = real[0]! - imaginary[0]!
  imaginary[half] = 0
  real[0]! += imaginary[0]!
  imaginary[0] = 0
  for (let k = 1, mirror = half - 1; k <= mirror; k++, mirror--) {
    const evenReal = (real[k]! + real[mirror]!) / 2
    const evenImaginary = (imaginary[k]! - imaginary[mirror]!) / 2
    const oddReal = (imaginary[k]! + imaginary[mirror]!) / 2
    const oddImaginary = (real[mirror]! - real[k]!) / 2
    const turnedReal = cosines[k]! * oddReal + sines[k]! * oddImaginary
    const turnedImaginary = cosines[k]! * oddImaginary - sines[k]! * oddReal
    real[k] = evenReal + turnedReal
    imaginary[k] = evenImaginary + turnedImaginary
    real[mirror] = evenReal - turnedReal
    imaginary[mirror] = turnedImaginary - evenImaginary
  }
}

function inverse (spectrum: Spectrum, tables: Tables): Float64Array {
  const half = spectrum.real.length - 1
  joinSpectrum(spectrum, tables)
  const real = new Float64Array(half)
  // The conjugate of the transform of the conjugate is the inverse
  const imaginary = new Float64Array(half)
  for (let i = 0; i < half; i++) {
    real[i] = spectrum.real[tables.order[i]!]!
    imaginary[i] = -spectrum.imaginary[tables.order[i]!]!
  }
  butterflies(real, imaginary, tables)
  const samples = new Float64Array(2 * half)
  for (let i = 0; i < half; i++) {
    samples[2 * i] = real[i]! / half
    samples[2 * i + 1] = -imaginary[i]! / half
  }
  return samples
}

/** The reverse of `splitSpectrum`; leaves frequency n / 2 as it was, which is no longer needed */
function joinSpectrum ({ real, imaginary }: Spectrum, { cosines, sines }: Tables): void {
  const half = real.length - 1
  const constant = real[0]!
  real[0] = (constant + real[half]!) / 2
  imaginary[0] = (constant - real[half]!) / 2
  for (let k = 1, mirror = half - 1; k <= mirror; k++, mirror--) {
    const evenReal = (real[k]! + real[mirror]!) / 2
    const evenImaginary = (imaginary[k]! - imaginary[mirror]!) / 2
    const turnedReal = (real[k]! - real[mirror]!) / 2
    const turnedImaginary = (imaginary[k]! + imaginary[mirror]!) / 2
    const oddReal = cosines[k]! * turnedReal - sines[k]! * turnedImaginary
    const oddImaginary = cosines[k]! * turnedImaginary + sines[k]! * turnedReal
    real[k] = evenReal - oddImaginary
    imaginary[k] = evenImaginary + oddReal
    real[mirror] = evenReal + oddImaginary
    imaginary[mirror] = oddReal - evenImaginary
  }
}

/** The forward transform of the first n / 2 numbers, which are in bit-reversed order, in place */
function butterflies (real: Float64Array, imaginary: Float64Array, { order, levels }: Tables): void {
  if (Math.log2(order.length) % 2 === 1) {
    pairs(real, imaginary, order.length)
  }
  for (const level of levels) {
    twoStages(real, imaginary, level)
  }
}

/** The stage of neighbours, whose twiddle factors are all 1 */
function pairs (real: Float64Array, imaginary: Float64Array, size: number): void {
  for (let near = 0; near < size; near += 2) {
    const far = near + 1
    const [farReal, farImaginary] = [real[far]!, imaginary[far]!]
    real[far] = real[near]! - farReal
    imaginary[far] = imaginary[near]! - farImaginary
    real[near]! += farReal
    imaginary[near]! += farImaginary
  }
}

/** The stages of spans s and 2 s in one pass over memory */
function twoStages (real: Float64Array, imaginary: Float64Array, { span, size, twiddles }: Level): void {
  for (let start = 0; start < size; start += 4 * span) {
    for (let k = 0; k < span; k++) {
      const c1 = twiddles[4 * k]!
      const s1 = twiddles[4 * k + 1]!
      const c2 = twiddles[4 * k + 2]!
      const s2 = twiddles[4 * k + 3]!
      const a = start + k
      const b = a + span
      const c = b + span
      const d = c + span
      const bReal = c1 * real[b]! + s1 * imaginary[b]!
      const bImaginary = c1 * imaginary[b]! - s1 * real[b]!
      const dReal = c1 * real[d]! + s1 * imaginary[d]!
      const dImaginary = c1 * imaginary[d]! - s1 * real[d]!
      const sumReal = real[c]! + dReal
      const sumImaginary = imaginary[c]! + dImaginary
      const differenceReal = real[c]! - dReal
      const differenceImaginary = imaginary[c]! - dImaginary
      const evenReal = c2 * sumReal + s2 * sumImaginary
      const evenImaginary = c2 * sumImaginary - s2 * sumReal
      const oddReal = c2 * differenceReal + s2 * differenceImaginary
      const oddImaginary = c2 * differenceImaginary - s2 * differenceReal
      const nearReal = real[a]! + bReal
      const nearImaginary = imaginary[a]! + bImaginary
      const farReal = real[a]! - bReal
      const farImaginary = imaginary[a]! - bImaginary
      real[a] = nearReal + evenReal
      imaginary[a] = nearImaginary + evenImaginary
      real[c] = nearReal - evenReal
      imaginary[c] = nearImaginary - evenImaginary
      // Here the twiddle factor of the second stage is -i times that of the even ones
      real[b] = farReal + oddImaginary
      imaginary[b] = farImaginary - oddReal
      real[d] = farReal - oddImaginary
      imaginary[d] = farImaginary + oddReal
    }
  }
}
