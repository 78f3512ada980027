/**
 * Rounds go on without any neighbour, one after the other: the operator should know, once
 */
export class Isolation {
  private isAlone = false

  /** True when there are no neighbours for the first time since there were some */
  begins (neighbours: number): boolean {
    const began = neighbours === 0 && !this.isAlone
    this.isAlone = neighbours === 0
    return began
  }
}
