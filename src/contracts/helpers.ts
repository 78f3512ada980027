const PATIENCE_MS = 120_000

/**
 * Looks again every few milliseconds. Throws RangeError after two minutes: not every test runner has a limit of its own
 */
export async function until (condition: () => boolean): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS
  while (!condition()) {
    if (performance.now() > endMs) {
      throw new RangeError(`not so within ${PATIENCE_MS} ms: ${condition.toString()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** `Name: message` of what a promise rejects with */
export async function failure (promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (err) {
    return `${(err as Error).name}: ${(err as Error).message}`
  }
  return 'it did not fail'
}

/** Reproducible bytes that do not compress into a pattern */
export function bytes (length: number, seed = 1): Uint8Array {
  const result = new Uint8Array(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
    result[i] = state >>> 16
  }
  return result
}
