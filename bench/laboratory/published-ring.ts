/**
 * The round of the published ring (ring.ts): lazy weights, and everything is let through, as in the authors' code
 *
 * It is no round of the product, whose weights, limits and quarantine would make it another experiment: grids run those
 * (grid-cell.ts). Liars know every honest model. Everything repeats itself from the seed.
 */
import { consensusDistance } from '../../src/aggregators/consensus.ts'
import { meanOf, plus } from '../../src/attacks/statistics.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { drawCoordinates, harmOf, UNSEARCHED, withLies, worstFactor } from './adaptive.ts'
import { parseAttack } from './attack-name.ts'
import { poisonOf } from './backdoor.ts'
import { aggregatorFor } from './candidates.ts'
import { fiedlerVector, honestGraph } from './graph.ts'
import { adaptiveDirection, fixedDirection, mostTelling, plainLies } from './lies.ts'
import { liarsBeside, mixingWeights } from './mixing.ts'
import { shares } from './shared-data.ts'
import { trained } from './trained.ts'
import type { Dataset } from '../../src/data/examples.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { AggregationInput, Aggregator } from '../../src/interface.ts'
import type { Backend } from '../../src/model/backend.ts'
import type { Search } from './adaptive.ts'
import type { LaboratoryAttack } from './attack-name.ts'
import type { Cell, CellResult } from './cell.ts'
import type { Direction, Target } from './lies.ts'

export interface PublishedRingInit {
  document: FederationDocument
  dataset: Dataset
  backend: Backend
}

const name = (index: number): string => String(index).padStart(3, '0')

export class PublishedRing {
  private readonly cell: Cell
  private readonly attack: LaboratoryAttack
  private readonly trainers: LocalTraining[]
  private readonly rule: Aggregator
  private readonly search: Search
  private models: Float32Array[]
  private mimicked = 0
  private counts = { honest: 0, honestExcluded: 0, byzantine: 0, byzantineExcluded: 0 }

  /** Throws RangeError for an unknown rule or attack, and for one on the data: these liars train nothing */
  constructor (cell: Cell, { document, dataset: { train, test }, backend }: PublishedRingInit) {
    this.cell = cell
    this.attack = parseAttack(cell.attack)
    if (poisonOf(this.attack) !== undefined) {
      throw new RangeError(`attack ${cell.attack} belongs to a grid: in the ring nobody poisons data`)
    }
    this.trainers = shares(train, cell).map((examples, index) =>
      new LocalTraining({ document, dataset: { train: examples, test }, backend, seed: `${cell.seed}/${index}` }))
    const start = initialParameters(document.model)
    this.models = this.trainers.map(() => start.slice())
    const draw = (): Aggregator => aggregatorFor(cell.rule, cell.f, seededRandom(`bucketing ${cell.seed}`))
    this.rule = draw()
    this.search = {
      rule: draw(),
      ideal: aggregatorFor(cell.rule, 0, seededRandom(`ideal ${cell.seed}`)),
      coordinates: drawCoordinates(start.length, seededRandom(`coordinates ${cell.seed}`))
    }
  }

  run (): CellResult {
    const began = performance.now()
    for (let round = 1; round <= this.cell.rounds; round++) {
      this.models = this.trainers.map((trainer, index) => trained(trainer, this.models[index]!, round))
      this.mix(round)
    }
    const accuracies = this.trainers.map((trainer, index) => accuracyOf(trainer, this.models[index]!))
    const { honest, honestExcluded, byzantine, byzantineExcluded } = this.counts
    return {
      accuracy: accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length,
      worst: Math.min(...accuracies),
      averageModelAccuracy: accuracyOf(this.trainers[0]!, meanOf(this.models)),
      consensus: consensusDistance(this.models),
      backdoorSuccess: null,
      honestExcluded: honestExcluded / Math.max(1, honest),
      byzantineExcluded: byzantineExcluded / Math.max(1, byzantine),
      failed: 0,
      seconds: (performance.now() - began) / 1000
    }
  }

  private mix (round: number): void {
    const graph = honestGraph(this.cell, round)
    const weights = mixingWeights(this.cell, graph)
    const fiedler = this.attack.name === 'spectral' ? fiedlerVector(graph) : new Float64Array(0)
    if (this.attack.name === 'mimic' && round === 1) {
      this.mimicked = mostTelling(this.models)
    }
    const shared = { models: this.models, fiedler, poisoned: [], mimicked: this.mimicked, round }
    this.models = graph.map((neighbours, index) => this.heard({
      ...shared,
      index,
      neighbours,
      weights: weights[index]!,
      byzantine: liarsBeside(this.cell, index),
      random: seededRandom(`lie ${this.cell.seed}/${round}/${index}`)
    }))
  }

  /** The target's model after it has heard its neighbours and its liars */
  private heard (target: Target): Float32Array {
    const { index, models, neighbours, weights, byzantine, round } = target
    const honest: AggregationInput = {
      own: models[index]!,
      round,
      neighbours: neighbours.map((j, at) => ({ peer: name(j), parameters: models[j]!, weight: weights.honest[at]! }))
    }
    const input = withLies(honest, this.lies(honest, target), weights.liar)
    const { parameters, excluded } = this.rule.aggregate(this.rule.needsLosses ? { ...input, losses: this.losses(input, index, round) } : input)
    this.count({ honest: neighbours.length, byzantine }, excluded.map(({ peer }) => peer))
    return parameters
  }

  private lies (honest: AggregationInput, target: Target): Float32Array[] {
    const { attack } = this
    if (attack.kind === 'plain') {
      return plainLies(attack.name, target)
    }
    const { base, direction } = attack.kind === 'fixed' ? fixedDirection(attack.name, target) : adaptiveDirection(attack.name, target)
    const factor = attack.kind === 'fixed' ? attack.strength : this.factor(honest, { base, direction }, target)
    const lie = plus(base, factor, direction)
    return Array.from({ length: target.byzantine }, () => lie)
  }

  /** A rule that judges by losses is attacked with the papers' usual strength: the search has no losses on a subset */
  private factor (honest: AggregationInput, towards: Direction, { byzantine, weights }: Target): number {
    return this.rule.needsLosses ? UNSEARCHED : worstFactor([harmOf(honest, towards, { count: byzantine, weight: weights.liar }, this.search)])
  }

  private losses ({ own, neighbours }: AggregationInput, index: number, round: number): NonNullable<AggregationInput['losses']> {
    const trainer = this.trainers[index]!
    return { own: trainer.sampleLoss(own, round), neighbours: new Map(neighbours.map(({ peer, parameters }) => [peer, trainer.sampleLoss(parameters, round)])) }
  }

  private count ({ honest, byzantine }: { honest: number, byzantine: number }, excluded: readonly string[]): void {
    const liars = excluded.filter((peer) => peer.startsWith('liar-')).length
    this.counts.honest += honest
    this.counts.byzantine += byzantine
    this.counts.honestExcluded += excluded.length - liars
    this.counts.byzantineExcluded += liars
  }
}

/** A model that was driven to infinity guesses */
function accuracyOf (trainer: LocalTraining, parameters: Float32Array): number {
  try {
    return trainer.evaluate(parameters).accuracy!
  } catch {
    return 0.1
  }
}
