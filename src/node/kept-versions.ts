/**
 * The model versions of a node for who asks: from its store while it runs; once it has ended the store is opened for
 * each call, so that nothing holds the home in between
 */
import type { ModelVersion, Store } from '../interface.ts'

export interface KeptVersionsInit {
  /** Of the running node */
  store: Store
  /** A store on the same home that only reads */
  createReader: () => Store
  /** Resolves when the node has ended; undefined when it was not told to, or never ran */
  ended: () => Promise<void> | undefined
}

export class KeptVersions {
  private readonly init: KeptVersionsInit
  private queue: Promise<unknown> = Promise.resolve()

  constructor (init: KeptVersionsInit) {
    this.init = init
  }

  /** Newest first. Throws HomeLockedError when another node runs in the home by now, and what the store throws */
  async list (options: { limit?: number }): Promise<ModelVersion[]> {
    return this.read(async (store) => store.list(options))
  }

  /** Throws as `list` does */
  async find (selector: string): Promise<{ version: ModelVersion, parameters: Float32Array } | undefined> {
    return this.read(async (store) => {
      const version = await store.get(selector)
      const parameters = version === undefined ? undefined : await store.parameters(version.id)
      return version === undefined || parameters === undefined ? undefined : { version, parameters }
    })
  }

  private async read<T> (work: (store: Store) => Promise<T>): Promise<T> {
    const ended = this.init.ended()
    if (ended === undefined) {
      return work(this.init.store)
    }
    const result = this.queue.then(async () => {
      await ended
      return this.opened(work)
    })
    // the caller gets the failure; the next in the queue must not
    this.queue = result.catch(() => undefined)
    return result
  }

  private async opened<T> (work: (store: Store) => Promise<T>): Promise<T> {
    const store = this.init.createReader()
    await store.open()
    try {
      return await work(store)
    } finally {
      await store.close()
    }
  }
}
