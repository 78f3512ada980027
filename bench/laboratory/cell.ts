/**
 * What one cell of a robustness table is: a rule, an attack, a seed, and the mesh that they meet in
 */

/** Starred attacks choose their strength against each target: see adaptive.ts */
export const GRID_ATTACKS = ['none', 'alie*', 'dissensus*', 'spectral*', 'foe*', 'label-flip', 'sign-flip'] as const

/** Beside the columns of grid A: data with a trigger, published as learned, or boosted to replace the target's model */
export const LABORATORY_ATTACKS = [...GRID_ATTACKS, 'backdoor', 'backdoor-boosted'] as const

export type GridAttack = typeof LABORATORY_ATTACKS[number]

export interface Cell {
  rule: string
  attack: GridAttack
  seed: number
  /** Honest peers */
  peers: number
  /** Honest neighbours of each honest peer */
  degree: number
  /** Byzantine neighbours of each honest peer; the f of the rule */
  byzantine: number
  rounds: number
  /** Dirichlet concentration of the honest peers' data; Infinity: all alike */
  alpha: number
  /** Honest neighbours of each peer that are drawn anew every round */
  resample: number
}

/** Grid A: 20 honest peers, 8-regular, 2 liars beside each, severely different data */
export const GRID_A: Omit<Cell, 'rule' | 'attack' | 'seed'> = { peers: 20, degree: 8, byzantine: 2, rounds: 50, alpha: 0.1, resample: 0 }

export interface CellResult {
  /** Of the honest peers' own models on all test examples, 0 to 1 */
  accuracy: number
  worst: number
  /** sqrt(mean of |x_i - mean|^2) over the honest peers at the end */
  consensus: number
  /** Share of test images of other classes that are taken for the first one when they bear the trigger; null without a backdoor */
  backdoorSuccess: number | null
  /** Honest messages that the rule left out, of all that it judged */
  honestExcluded: number
  /** The attackers' messages that it left out, of all */
  byzantineExcluded: number
  seconds: number
}
