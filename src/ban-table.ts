/**
 * Which bans are forgotten when there are too many: ids are free, and every one of them can have itself banned
 */

/** Bans that are kept, in memory and in the store */
export const MAX_BANS = 1_024

export interface BanEntry {
  /** Milliseconds since 1970 */
  until: number
  /** There is evidence that convinces anyone */
  proven: boolean
}

/** Those to forget so that at most `limit` are left: unproven ones first, and of these what ends soonest */
export function surplusBans<T extends BanEntry> (bans: readonly T[], limit: number = MAX_BANS): T[] {
  const surplus = bans.length - limit
  if (surplus <= 0) {
    return []
  }
  return [...bans].sort((a, b) => Number(a.proven) - Number(b.proven) || a.until - b.until).slice(0, surplus)
}
