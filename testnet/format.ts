/**
 * Numbers as people read them
 */

/** `87.1 %`; a dash when there is no number */
export function percent (ratio: number | null | undefined): string {
  return ratio === null || ratio === undefined ? '-' : `${(100 * ratio).toFixed(1)} %`
}

/** `+15.2 points`: the difference of two ratios */
export function points (difference: number): string {
  return `${difference < 0 ? '-' : '+'}${Math.abs(100 * difference).toFixed(1)} points`
}

/** Decimal units: `1.5 MB` is 1,500,000 bytes */
export function bytes (count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = count
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toPrecision(value >= 10 ? 3 : 2)} ${units[unit]!}`
}

export function milliseconds (ms: number): string {
  if (ms >= 9950) {
    return `${(ms / 1000).toFixed(1)} s`
  }
  return ms >= 995 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`
}

/** `distance-gate 12, rate 1`, most frequent first; `none` */
export function counts (byReason: Readonly<Record<string, number | undefined>>): string {
  const entries = Object.entries(byReason).filter((entry): entry is [string, number] => (entry[1] ?? 0) > 0).sort((a, b) => b[1] - a[1])
  return entries.length === 0 ? 'none' : entries.map(([reason, count]) => `${reason} ${count}`).join(', ')
}

/** `1 peer`, `3 peers` */
export function plural (count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** A distance or another number without a natural scale */
export function significant (value: number | null): string {
  if (value === null) {
    return '-'
  }
  return value !== 0 && (Math.abs(value) < 0.001 || Math.abs(value) >= 1e6) ? value.toExponential(2) : String(Number(value.toPrecision(3)))
}
