/**
 * How long a transfer may take: a peer that moves a byte now and then never stalls, and would hold its place for ever
 */
import { PullError } from '../../errors.ts'
import type { AbortOptions, Clock } from '../../interface.ts'

const BASE_DEADLINE_MS = 30_000
/** An honest link is faster */
export const SLOWEST_BYTES_PER_MS = 20

/** Runs `task` with a signal that aborts with the one given, or when `byteLength` bytes should long have moved */
export async function withinDeadline<T> (clock: Pick<Clock, 'delay'>, byteLength: number, task: (signal: AbortSignal) => Promise<T>, { signal }: AbortOptions = {}): Promise<T> {
  const ended = new AbortController()
  const deadline = new AbortController()
  const late = (): void => { deadline.abort(new PullError('it took too long')) }
  const cancel = (): void => { deadline.abort(signal?.reason) }
  signal?.throwIfAborted()
  signal?.addEventListener('abort', cancel, { once: true })
  // rejects when it is not needed any more
  clock.delay(BASE_DEADLINE_MS + byteLength / SLOWEST_BYTES_PER_MS, { signal: ended.signal }).then(late, () => {})
  try {
    return await task(deadline.signal)
  } finally {
    signal?.removeEventListener('abort', cancel)
    ended.abort()
  }
}
