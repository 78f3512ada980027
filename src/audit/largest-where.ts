/**
 * The largest x for which a condition holds, by bisection
 *
 * `holds` must be true up to some x and false from there on. The result is just below it, within 1e-12 relatively, and
 * always one for which it holds. `low` < `high` are a first guess of where x lies, and need not enclose it
 */
export function largestWhere (holds: (x: number) => boolean, low: number, high: number): number {
  let width = high - low
  while (!holds(low)) {
    high = low
    low -= width
    width *= 2
  }
  while (holds(high)) {
    low = high
    high += width
    width *= 2
  }
  for (;;) {
    const middle = low + (high - low) / 2
    if (middle <= low || middle >= high || high - low < 1e-12 * Math.abs(high)) {
      return low
    }
    if (holds(middle)) {
      low = middle
    } else {
      high = middle
    }
  }
}
