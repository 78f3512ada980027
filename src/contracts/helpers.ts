/** Looks again every few milliseconds; the test's own timeout bounds it */
export async function until (condition: () => boolean): Promise<void> {
  while (!condition()) {
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
