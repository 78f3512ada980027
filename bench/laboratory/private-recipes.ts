/**
 * How to train under differential privacy on MNIST, and what the same split gave elsewhere
 *
 * 16 peers of 3,750 examples, random 4-regular, Dirichlet 0.5, delta 1e-5, every peer makes its own noise and trusts
 * nobody.
 */
import { parseFederation } from '../../src/federation/document.ts'
import { pldAccountant } from '../../src/privacy/accounting/pld.ts'
import { rdpAccountant } from '../../src/privacy/accounting/rdp.ts'
import { presetDocument } from '../../src/presets.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { Epsilons } from '../../src/privacy/budget.ts'
import type { Cell } from './cell.ts'

export const DELTA = 1e-5

/** Examples of each peer */
export const SHARE = 3_750

export type RecipeName = 'epsilon 1' | 'epsilon 8' | 'no privacy'

export interface Recipe {
  /** By the PLD accountant; Infinity: no clipping, no noise */
  epsilon: number
  /** The least that keeps epsilon, after so many rounds of one step */
  noiseMultiplier: number
  rounds: number
  clipNorm: number
  /** Of the first round; it falls linearly to zero */
  learningRate: number
}

const BATCH_SIZE = 256

export const RECIPES: Readonly<Record<RecipeName, Recipe>> = {
  'epsilon 1': { epsilon: 1, noiseMultiplier: 3.321, rounds: 150, clipNorm: 2.5, learningRate: 4 },
  'epsilon 8': { epsilon: 8, noiseMultiplier: 1.095, rounds: 400, clipNorm: 5, learningRate: 8 },
  'no privacy': { epsilon: Infinity, noiseMultiplier: 0, rounds: 400, clipNorm: Infinity, learningRate: 8 }
}

/**
 * Accuracy in percent of independent code (PyTorch) with logistic regression or a small MLP, and what is to be reached
 * here
 */
export interface Reference {
  alone?: number
  gossip: number
  goal?: number
}

export const REFERENCES: Readonly<Record<RecipeName, Reference>> = {
  'epsilon 1': { alone: 60.2, gossip: 89.4, goal: 90 },
  'epsilon 8': { alone: 66.4, gossip: 92.2, goal: 93 },
  'no privacy': { gossip: 92.6 }
}

/** The preset's model with the recipe's training */
export function privateDocument (name: RecipeName): FederationDocument {
  const { epsilon, noiseMultiplier, rounds, clipNorm, learningRate } = RECIPES[name]
  return parseFederation({
    ...presetDocument('mnist-private'),
    training: { steps: 1, batchSize: BATCH_SIZE, optimizer: { name: 'sgd', learningRate, momentum: 0, decayRounds: rounds } },
    privacy: Number.isFinite(epsilon)
      ? { mechanism: 'dp-sgd', clipNorm, noiseMultiplier, epsilonLimit: epsilon, delta: DELTA }
      : { mechanism: 'none' }
  })
}

/** What a peer of so many examples has spent at the end, by either accountant */
export function epsilonsOf (name: RecipeName, examples: number): Epsilons {
  const { epsilon, noiseMultiplier, rounds } = RECIPES[name]
  if (!Number.isFinite(epsilon)) {
    return { rdp: Infinity, pld: Infinity }
  }
  const event = { sampleRate: Math.min(1, BATCH_SIZE / examples), noiseMultiplier, steps: rounds }
  return { rdp: rdpAccountant().compose(event).epsilon(DELTA), pld: pldAccountant().compose(event).epsilon(DELTA) }
}

export interface PrivateCell extends Cell {
  recipe: RecipeName
}

const MESH: Omit<Cell, 'rule' | 'attack' | 'seed' | 'rounds' | 'learningRate'> = {
  peers: 16,
  graph: 'regular',
  degree: 4,
  byzantine: 0,
  extraLiars: 0,
  lies: 'each',
  lieEvery: 1,
  f: 0,
  quarantine: false,
  alpha: 0.5,
  examplesPerPeer: SHARE,
  resample: 0,
  mixing: 'equal',
  model: 'mlp',
  steps: 1
}

/** Honest peers of degree 8, one liar more beside each, the default rule */
const ATTACKED = { degree: 8, byzantine: 1, f: 1, rule: 'gated-geometric-median' }

/**
 * ALIE does nothing here: it shifts the weights of all classes by nearly the same, which a softmax does not see.
 * FOE finds the strength that just passes the gate
 */
const ATTACKS = ['none', 'alie*', 'sign-flip', 'foe*']

/** Alone and with gossip for each recipe, and epsilon 8 under attack */
export function privateCells (recipes: readonly RecipeName[], seeds: readonly number[], rounds?: number): PrivateCell[] {
  const cell = (recipe: RecipeName, seed: number, more: Pick<Cell, 'rule' | 'attack'> & Partial<Cell>): PrivateCell => {
    const { rounds: whole, learningRate } = RECIPES[recipe]
    return { ...MESH, recipe, seed, learningRate, rounds: rounds ?? whole, ...more }
  }
  return recipes.flatMap((recipe) => seeds.flatMap((seed) => [
    cell(recipe, seed, { rule: 'mean', attack: 'none' }),
    cell(recipe, seed, { rule: 'alone', attack: 'none' }),
    ...(recipe === 'epsilon 8' ? ATTACKS.map((attack) => cell(recipe, seed, { ...ATTACKED, attack })) : [])
  ]))
}
