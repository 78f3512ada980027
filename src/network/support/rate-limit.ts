/**
 * Token buckets: a steady rate with room for a burst, one bucket for each key
 */
import type { Clock } from '../../interface.ts'

export interface RateLimitInit {
  /** Tokens that come back each second */
  perSecond: number
  /** Most tokens that can be saved up; a key that is new has this many */
  burst: number
  /** Keys that are remembered at most. @default 4096 */
  maxKeys?: number
}

interface Bucket {
  tokens: number
  updatedAtMs: number
}

const DEFAULT_MAX_KEYS = 4_096

export interface RateLimit {
  /** Takes `cost` tokens of `key`; false, and nothing is taken, when there are not enough */
  take: (key: string, cost: number) => boolean
  /**
   * Takes `cost` tokens of `key`, also when there are not enough; the milliseconds until the debt is paid, 0 when there
   * is none
   */
  charge: (key: string, cost: number) => number
}

/** A bucket that is full again is forgotten: memory is bounded by `maxKeys`, least recently used first */
export function createRateLimit (clock: Pick<Clock, 'monotonicMs'>, init: RateLimitInit): RateLimit {
  const { perSecond, burst, maxKeys = DEFAULT_MAX_KEYS } = init
  const buckets = new Map<string, Bucket>()
  const bucketOf = (key: string): Bucket => {
    const now = clock.monotonicMs()
    const bucket = buckets.get(key) ?? { tokens: burst, updatedAtMs: now }
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.updatedAtMs) / 1_000 * perSecond)
    bucket.updatedAtMs = now
    // moves the key to the end: the first one of the map is the one that was used least recently
    buckets.delete(key)
    buckets.set(key, bucket)
    if (buckets.size > maxKeys) {
      buckets.delete(buckets.keys().next().value!)
    }
    return bucket
  }
  return {
    take: (key, cost) => {
      const bucket = bucketOf(key)
      if (bucket.tokens < cost) {
        return false
      }
      bucket.tokens -= cost
      return true
    },
    charge: (key, cost) => {
      const bucket = bucketOf(key)
      bucket.tokens -= cost
      return bucket.tokens >= 0 ? 0 : -bucket.tokens / perSecond * 1_000
    }
  }
}
