/**
 * What one cell of a robustness table is: a rule, an attack, a seed, and the mesh that they meet in
 */

export interface Cell {
  /** Such as `nnm+median`, `clipped-gossip:0.1` (a clipping radius), or one of candidates.ts */
  rule: string
  /** See attack-name.ts */
  attack: string
  seed: number
  /** Honest peers */
  peers: number
  /** Random regular, as real peers draw it, or a ring */
  graph: 'regular' | 'ring'
  /** Honest neighbours of each honest peer; a ring has 2 */
  degree: number
  /** Byzantine neighbours of each honest peer */
  byzantine: number
  /** Byzantine neighbours of the first honest peer beyond these */
  extraLiars: number
  /** What liars tell their neighbours: one message to all, or to each another */
  lies: 'one' | 'each'
  /** They lie in every round that this divides. In the others they send the honest mean, which nobody finds odd */
  lieEvery: number
  /** Of the rule, and how many neighbours are held back at once at most */
  f: number
  /** Suspicious neighbours are held back, as in a real peer */
  quarantine: boolean
  rounds: number
  /** Dirichlet concentration of the honest peers' data; Infinity: all alike */
  alpha: number
  /** Training examples that a peer keeps of its share; Infinity: all */
  examplesPerPeer: number
  /** Honest neighbours of each peer that are drawn anew every round */
  resample: number
  /** Weights of the messages: see mixing.ts */
  mixing: 'equal' | 'lazy'
  model: 'mlp' | 'cnn'
  /** Local steps in a round */
  steps: number
  learningRate: number
}

/**
 * Grid A: 20 honest peers, 8-regular, 2 liars beside each, severely different data. In the simulation it takes four
 * liars, each beside ten honest peers
 */
export const GRID_A: Omit<Cell, 'rule' | 'attack' | 'seed'> = {
  peers: 20,
  graph: 'regular',
  degree: 8,
  byzantine: 2,
  extraLiars: 0,
  lies: 'each',
  lieEvery: 1,
  f: 2,
  quarantine: true,
  rounds: 50,
  alpha: 0.1,
  examplesPerPeer: Infinity,
  resample: 0,
  mixing: 'equal',
  model: 'mlp',
  steps: 5,
  learningRate: 0.05
}

export interface CellResult {
  /** Mean over the honest peers' own models on all test examples, 0 to 1 */
  accuracy: number
  /** Of the peer that has the least */
  worst: number
  /** Of the mean of the honest peers' models, on all test examples */
  averageModelAccuracy: number
  /** sqrt(mean of |x_i - mean|^2) over the honest peers at the end */
  consensus: number
  /**
   * Share of test images of other classes that are taken for the first one when they bear the trigger; null without a
   * backdoor
   */
  backdoorSuccess: number | null
  /** Honest messages that took no part (refused, held back or left out by the rule), of all */
  honestExcluded: number
  /** The attackers' messages that took no part, of all */
  byzantineExcluded: number
  /** The same by reason: share of the attackers' messages. Missing in a table of rules alone */
  liesRefused?: Readonly<Record<string, number>>
  /** Honest peers that ended early because their training failed again and again */
  failed: number
  seconds: number
}
