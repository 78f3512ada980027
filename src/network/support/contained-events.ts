/**
 * Events whose listeners cannot end the process
 *
 * An exception in an event listener becomes an uncaught exception of the process. What triggers these events comes
 * from other peers, so that one bad message and one careless listener would be a remote crash.
 */
import { TypedEventEmitter } from 'main-event'
import type { EventHandler } from 'main-event'

type AnyHandler = EventHandler<never>

/** @typeParam Events - Event map, as of TypedEventEmitter */
// the constraint of the base class is its author's

export class ContainedEventEmitter<Events extends Record<string, any>> extends TypedEventEmitter<Events> {
  private readonly contained = new WeakMap<AnyHandler, (event: Event) => void>()
  private readonly onError: (type: string, err: unknown) => void

  /** @param onError - Told of everything that a listener throws or rejects with */
  constructor (onError: (type: string, err: unknown) => void) {
    super()
    this.onError = onError
  }

  override addEventListener<K extends keyof Events> (type: K, listener: EventHandler<Events[K]> | null, options?: Parameters<TypedEventEmitter<Events>['addEventListener']>[2]): void {
    super.addEventListener(type, listener === null ? null : this.contain(listener), options)
  }

  override removeEventListener<K extends keyof Events> (type: K, listener?: EventHandler<Events[K]> | null, options?: Parameters<TypedEventEmitter<Events>['removeEventListener']>[2]): void {
    super.removeEventListener(type, listener === null || listener === undefined ? listener : this.contain(listener), options)
  }

  /** The same wrapper every time, so that a listener can be removed */
  private contain (listener: AnyHandler): (event: Event) => void {
    const known = this.contained.get(listener)
    if (known !== undefined) {
      return known
    }
    const call = (typeof listener === 'function' ? listener : listener.handleEvent.bind(listener)) as (event: Event) => unknown
    const contained = (event: Event): void => {
      try {
        const result = call(event)
        if (result instanceof Promise) {
          result.catch((err: unknown) => { this.onError(event.type, err) })
        }
      } catch (err) {
        this.onError(event.type, err)
      }
    }
    this.contained.set(listener, contained)
    return contained
  }
}
