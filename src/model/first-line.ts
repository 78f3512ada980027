/**
 * The first line of whatever was thrown: what fits into a one-line message of our own
 */
export function firstLine (err: unknown): string {
  const text = typeof err === 'object' && err !== null && 'message' in err ? String(err.message) : String(err)
  return text.split('\n', 1)[0]!.trim()
}
