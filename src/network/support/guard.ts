/**
 * Listeners of libp2p's events that cannot end the process: what triggers them comes from outside
 */
import type { Logger } from '@libp2p/interface'

export type Guard = <T>(listener: (detail: T) => void) => (event: CustomEvent<T>) => void

/** An exception in an event listener would become an uncaught one: it is logged instead */
export function guardedBy (logger: Logger): Guard {
  return (listener) => (event) => {
    try {
      listener(event.detail)
    } catch (err) {
      logger.error('event "%s" could not be handled - %e', event.type, err)
    }
  }
}
