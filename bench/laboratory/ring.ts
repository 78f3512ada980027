/**
 * The published ring: five honest peers in a ring, two liars beside each, and what the authors' logs say of it
 *
 * He, Karimireddy, Jaggi 2022 (ClippedGossip), the experiment on honest majorities: its code and logs are public. MNIST
 * split at random, SGD 0.01 with momentum 0.9, batches of 32, one step and one exchange in each of 900 rounds. In "n16"
 * the first peer has a third liar, so that three of its five neighbours lie. Accuracy of the mean of the honest models.
 */
import type { Cell, CellResult } from './cell.ts'

/** A network is 15 or 16 peers, liars included */
export const RING_NETWORKS = ['n15', 'n16'] as const

export type RingNetwork = typeof RING_NETWORKS[number]

export const RING_ATTACKS: readonly string[] = ['alie:10', 'foe:0.1', 'dissensus:1.5']

/**
 * The loader starts again every 30 rounds with the same order: 960 examples of each peer are ever seen. Here they come
 * in a new order every time
 */
const EXAMPLES_PER_PEER = 960

const RING: Omit<Cell, 'rule' | 'attack' | 'seed' | 'f' | 'extraLiars' | 'steps'> = {
  peers: 5,
  graph: 'ring',
  degree: 2,
  byzantine: 2,
  lies: 'each',
  lieEvery: 1,
  quarantine: false,
  rounds: 900,
  alpha: Infinity,
  examplesPerPeer: EXAMPLES_PER_PEER,
  resample: 0,
  mixing: 'lazy',
  model: 'mlp',
  learningRate: 0.01
}

export interface RingRow {
  /** In the table and for --rules */
  name: string
  rule: string
  f: number
  /** Local steps in a round */
  steps: number
  /** Final accuracy in percent, by network and then in the order of RING_ATTACKS */
  published?: Readonly<Record<RingNetwork, readonly number[]>>
}

const UBAR = { n15: [95.23, 95.23, 95.23], n16: [95.65, 95.65, 93.63] }
const GEOMETRIC_MEDIAN = { n15: [9.81, 11.35, 89.30], n16: [9.81, 11.35, 9.81] }

/**
 * UBAR keeps 0.4 of the neighbours, rounded down: 1 of 4 and 2 of 5, which is f = 3. In the published code its round
 * ends with the momentum step once more, with one more gradient; two steps in a round come nearest to that (and gain
 * nothing)
 */
export const RING_ROWS: readonly RingRow[] = [
  { name: 'clipped-gossip:0.1', rule: 'clipped-gossip:0.1', f: 2, steps: 1, published: { n15: [94.08, 91.15, 89.43], n16: [94.18, 91.54, 90.11] } },
  { name: 'clipped-gossip:1', rule: 'clipped-gossip:1', f: 2, steps: 1, published: { n15: [10.10, 11.35, 88.56], n16: [11.35, 11.35, 9.81] } },
  { name: 'ubar', rule: 'ubar', f: 3, steps: 1, published: UBAR },
  { name: 'ubar-2-steps', rule: 'ubar', f: 3, steps: 2, published: UBAR },
  { name: 'rfa8', rule: 'rfa8', f: 2, steps: 1, published: GEOMETRIC_MEDIAN },
  { name: 'geometric-median', rule: 'geometric-median', f: 2, steps: 1, published: GEOMETRIC_MEDIAN },
  { name: 'trimmed-mean', rule: 'trimmed-mean', f: 2, steps: 1, published: { n15: [11.35, 84.81, 90.25], n16: [9.81, 11.35, 9.81] } },
  { name: 'mean', rule: 'mean', f: 2, steps: 1 },
  { name: 'gated-geometric-median', rule: 'gated-geometric-median', f: 2, steps: 1 }
]

/** The row of that name, or of a rule that was not published, with f = 2 */
export function ringRow (name: string): RingRow {
  return RING_ROWS.find((row) => row.name === name) ?? { name, rule: name, f: 2, steps: 1 }
}

export interface RingPlan {
  rows: readonly RingRow[]
  attacks: readonly string[]
  seeds: readonly number[]
  /** @default 900 */
  rounds?: number
  /** @default 'mlp' */
  model?: Cell['model']
}

export interface RingCell extends Cell {
  row: string
  network: RingNetwork
}

export function ringCells ({ rows, attacks, seeds, rounds = RING.rounds, model = RING.model }: RingPlan): RingCell[] {
  return rows.flatMap(({ name, rule, f, steps }) => RING_NETWORKS.flatMap((network) => attacks.flatMap((attack) => seeds.map((seed) => ({
    ...RING, row: name, network, rule, f, steps, attack, seed, rounds, model, extraLiars: network === 'n16' ? 1 : 0
  })))))
}

/** Percent after 900 rounds; undefined where nothing was published */
export function publishedAccuracy ({ published }: RingRow, network: RingNetwork, attack: string): number | undefined {
  const column = RING_ATTACKS.indexOf(attack)
  return column === -1 ? undefined : published?.[network][column]
}

/** What the published accuracy is of */
export function ringAccuracy ({ averageModelAccuracy }: CellResult): number {
  return averageModelAccuracy
}
