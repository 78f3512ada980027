/**
 * Special functions to full float64 precision, which the language does not have
 *
 * erfc, erfcx: W. J. Cody 1969, "Rational Chebyshev approximations for the error function", in the form of his CALERF
 * (Netlib SPECFUN). logGamma: Stirling's series after a shift, Abramowitz & Stegun 6.1.41.
 */

const SQRT_PI = 1.772453850905516

/** erf(x) / x in x^2, |x| <= 0.46875 */
const ERF_NUMERATOR = [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694]
const ERF_DENOMINATOR = [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171]

/** erfcx(x), 0.46875 <= x <= 4 */
const MIDDLE_NUMERATOR = [2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001, 881.952221241769, 1712.0476126340707, 2051.0783778260716, 1230.3393547979972]
const MIDDLE_DENOMINATOR = [1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597, 4362.619090143247, 3439.3676741437216, 1230.3393548037495]

/** (1 / sqrt(pi) - x erfcx(x)) x^2 in 1 / x^2, x >= 4 */
const FAR_NUMERATOR = [0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275, 0.0006587491615298378]
const FAR_DENOMINATOR = [1, 2.568520192289822, 1.8729528499234604, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918]

/** B_2k / (2k (2k - 1)), k = 1, 2, … */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400, 43867 / 244188, -174611 / 125400]

/** From here on the series above is exact to float64 */
const STIRLING_FROM = 7

const HALF_LOG_TWO_PI = 0.9189385332046728

/** Error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x; relative error below 1e-15 */
export function erf (x: number): number {
  return Math.abs(x) <= 0.46875 ? erfNearZero(x) : 1 - erfc(x)
}

/**
 * Complementary error function: 2 / sqrt(pi) times the integral of exp(-t^2) from x; relative error below 1e-15 while
 * normal
 */
export function erfc (x: number): number {
  if (Math.abs(x) <= 0.46875) {
    return 1 - erfNearZero(x)
  }
  const upper = exponentialOfMinusSquare(Math.abs(x)) * scaled(Math.abs(x))
  return x < 0 ? 2 - upper : upper
}

/** exp(x^2) erfc(x), which does not underflow; Infinity below about -26.6 */
export function erfcx (x: number): number {
  if (x > 0.46875) {
    return scaled(x)
  }
  return erfc(x) / exponentialOfMinusSquare(Math.abs(x))
}

/** ln(erfc(x)), finite wherever x^2 is */
export function logErfc (x: number): number {
  if (Math.abs(x) <= 0.46875) {
    return Math.log1p(-erfNearZero(x))
  }
  return x > 0 ? Math.log(scaled(x)) - x * x : Math.log(erfc(x))
}

/** Probability that a standard normal variable is above x; relative error below 1e-15 while normal */
export function normalTail (x: number): number {
  return 0.5 * erfc(x * Math.SQRT1_2)
}

/** ln |Γ(x)|; Infinity at 0, -1, -2, … Relative error below 1e-15, absolute near the zeros at 1 and 2 */
export function logGamma (x: number): number {
  if (x <= 0) {
    if (Number.isInteger(x)) {
      return Infinity
    }
    // Reflection, Abramowitz & Stegun 6.1.17; the remainder keeps sin exact far from zero
    return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * (x % 2)))) - logGamma(1 - x)
  }
  let shift = 1
  let at = x
  for (; at < STIRLING_FROM; at++) {
    shift *= at
  }
  return (at - 0.5) * Math.log(at) - at + HALF_LOG_TWO_PI + stirlingSeries(at) - Math.log(shift)
}

function stirlingSeries (x: number): number {
  const inverseSquare = 1 / (x * x)
  return STIRLING.reduceRight((sum, coefficient) => sum * inverseSquare + coefficient, 0) / x
}

function erfNearZero (x: number): number {
  return x * polynomial(ERF_NUMERATOR, x * x) / polynomial(ERF_DENOMINATOR, x * x)
}

/** erfcx for x > 0.46875 */
function scaled (x: number): number {
  if (x <= 4) {
    return polynomial(MIDDLE_NUMERATOR, x) / polynomial(MIDDLE_DENOMINATOR, x)
  }
  const inverseSquare = 1 / (x * x)
  return (1 / SQRT_PI - inverseSquare * polynomial(FAR_NUMERATOR, inverseSquare) / polynomial(FAR_DENOMINATOR, inverseSquare)) / x
}

/** exp(-x^2), x split so that the square is exact: its rounding error would be multiplied by x^2 */
function exponentialOfMinusSquare (x: number): number {
  if (x > 40) {
    return 0
  }
  const head = Math.trunc(x * 16) / 16
  return Math.exp(-head * head) * Math.exp(-(x - head) * (x + head))
}

/** Highest power first */
function polynomial (coefficients: readonly number[], x: number): number {
  let sum = 0
  for (const coefficient of coefficients) {
    sum = sum * x + coefficient
  }
  return sum
}
