/**
 * A value for each of the newest few keys
 */
export class RecentMap<T> {
  private readonly limit: number
  /** The newest last */
  private readonly values = new Map<string, T>()

  /** @param limit - How many keys are remembered; the oldest is forgotten first */
  constructor (limit: number) {
    this.limit = limit
  }

  get (key: string): T | undefined {
    return this.values.get(key)
  }

  set (key: string, value: T): void {
    this.values.delete(key)
    this.values.set(key, value)
    if (this.values.size > this.limit) {
      this.values.delete(this.values.keys().next().value!)
    }
  }
}
