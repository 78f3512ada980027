/**
 * Events in the order of their times, and of their coming where times are equal: a binary heap
 */
interface Queued<T> {
  at: number
  order: number
  value: T
}

function isBefore<T> (a: Queued<T>, b: Queued<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

export class EventQueue<T> {
  /** Each one is before its two children, at 2 i + 1 and 2 i + 2 */
  readonly #heap: Array<Queued<T>> = []
  #order = 0

  get size (): number {
    return this.#heap.length
  }

  put (at: number, value: T): void {
    const heap = this.#heap
    const event = { at, order: this.#order++, value }
    let index = heap.length
    for (let parent = (index - 1) >> 1; index > 0 && isBefore(event, heap[parent]!); parent = (index - 1) >> 1) {
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = event
  }

  /** Removes the earliest one; undefined when there is none */
  take (): { at: number, value: T } | undefined {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (last !== undefined && this.#heap.length > 0) {
      this.#sink(last)
    }
    return first
  }

  #sink (event: Queued<T>): void {
    const heap = this.#heap
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      const child = left + 1 < heap.length && isBefore(heap[left + 1]!, heap[left]!) ? left + 1 : left
      if (child >= heap.length || !isBefore(heap[child]!, event)) {
        break
      }
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = event
  }
}
