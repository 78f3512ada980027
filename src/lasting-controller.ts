/**
 * An AbortController that lives as long as what it ends: everything that waits meanwhile listens to its signal, however
 * much that is
 */
import { setMaxListeners } from 'main-event'

export function lastingController (): AbortController {
  const controller = new AbortController()
  setMaxListeners(Infinity, controller.signal)
  return controller
}
