/**
 * The newest few strings that were added, for telling news from what is known
 */
export class RecentSet {
  private readonly limit: number
  /** The newest last */
  private readonly values = new Set<string>()

  /** @param limit - How many are remembered; the oldest is forgotten first */
  constructor (limit: number) {
    this.limit = limit
  }

  has (value: string): boolean {
    return this.values.has(value)
  }

  /** True when it is news */
  add (value: string): boolean {
    if (this.values.has(value)) {
      return false
    }
    this.values.add(value)
    if (this.values.size > this.limit) {
      this.values.delete(this.values.keys().next().value!)
    }
    return true
  }
}
