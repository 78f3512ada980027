/**
 * The liars of a grid: they know every honest model of the round, the rule and the limit of norms, and search for the
 * strength that does most harm. They do not reckon with quarantine, unless they pause (`lieEvery`)
 */
import { meanOf, plus } from '../../src/attacks/statistics.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { poisoned } from '../../src/data/poison.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { euclideanNorm } from '../../src/round/inbox.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { seededNoise } from '../../src/simulation/seeded-noise.ts'
import { peerName } from '../../src/simulation/simulated-peers.ts'
import { drawCoordinates, harmOf, UNSEARCHED, worstFactor } from './adaptive.ts'
import { parseAttack } from './attack-name.ts'
import { poisonOf } from './backdoor.ts'
import { aggregatorFor } from './candidates.ts'
import { fiedlerVector, honestGraph } from './graph.ts'
import { adaptiveDirection, fixedDirection, known, meanDirection, meanLies, mostTelling, plainLies } from './lies.ts'
import { mixingWeights } from './mixing.ts'
import { liarsOf } from './placement.ts'
import { trained } from './trained.ts'
import type { Examples } from '../../src/data/examples.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { AggregationInput, Codec } from '../../src/interface.ts'
import type { Backend } from '../../src/model/backend.ts'
import type { Adversary, HeardRound, Lie } from '../../src/simulation/colluders.ts'
import type { Search } from './adaptive.ts'
import type { LaboratoryAttack } from './attack-name.ts'
import type { Cell } from './cell.ts'
import type { Target } from './lies.ts'

/** A peer refuses a model ten times as long as its own was before the round; that is about as long after it */
const LONGEST = 9.5

export interface SearchingLiarsInit {
  document: FederationDocument
  test: Examples
  backend: Backend
  /** Examples of each honest peer: liars that poison have those of the first ones */
  own: readonly Examples[]
  parameterCount: number
  /** See placement.ts */
  groups: ReadonlyArray<readonly number[]>
}

export class SearchingLiars implements Adversary {
  readonly peers: number
  private readonly cell: Cell
  private readonly groups: SearchingLiarsInit['groups']
  private readonly attack: LaboratoryAttack
  private readonly codec: Codec
  private readonly search: Search
  private readonly trainers: readonly LocalTraining[]
  private mimicked: number | undefined

  /** Throws RangeError for an unknown rule or attack */
  constructor (cell: Cell, init: SearchingLiarsInit) {
    this.cell = cell
    this.groups = init.groups
    this.peers = init.groups.length * cell.byzantine
    this.attack = parseAttack(cell.attack)
    this.codec = createCodec(init.document.codec.name)
    this.search = {
      rule: aggregatorFor(cell.rule, cell.f, seededRandom(`bucketing ${cell.seed}`)),
      ideal: aggregatorFor(cell.rule, 0, seededRandom(`ideal ${cell.seed}`)),
      coordinates: drawCoordinates(init.parameterCount, seededRandom(`coordinates ${cell.seed}`))
    }
    this.trainers = this.poisonedTrainers(init)
  }

  private poisonedTrainers ({ document, test, backend, own }: SearchingLiarsInit): LocalTraining[] {
    const poison = poisonOf(this.attack)
    if (poison === undefined) {
      return []
    }
    const { peers, byzantine, seed } = this.cell
    const [shape, classes] = [document.model.input.kind === 'image' ? document.model.input.shape : [], document.model.labels.length]
    return Array.from({ length: byzantine }, (_, b) => new LocalTraining({
      document, dataset: { train: poisoned(own[b % own.length]!, poison, { shape, classes }), test }, backend, seed: `${seed}/${peers + b}`, noise: seededNoise(`noise ${seed}/${peers + b}`)
    }))
  }

  lies ({ round, models: heard }: HeardRound): Lie[] {
    const models = Array.from({ length: this.cell.peers }, (_, index) => heard.get(peerName(index))!)
    this.mimicked ??= this.attack.name === 'mimic' ? mostTelling(models) : 0
    const graph = honestGraph(this.cell, round)
    const shared = {
      models,
      mimicked: this.mimicked,
      round,
      fiedler: this.attack.name === 'spectral' ? fiedlerVector(graph) : new Float64Array(0),
      poisoned: this.trainers.map((trainer, b) => trained(trainer, models[b % models.length]!, round))
    }
    const weights = mixingWeights(this.cell, graph)
    return this.groups.flatMap((members, group) => {
      const targets = members.map((index): Target => ({
        ...shared,
        index,
        neighbours: graph[index]!,
        weights: weights[index]!,
        byzantine: this.cell.byzantine,
        // those of one message draw alike
        random: seededRandom(`lie ${this.cell.seed}/${round}/${this.cell.lies === 'one' ? members[0]! : index}`)
      }))
      const audiences = this.cell.lies === 'one' ? [targets] : targets.map((target) => [target])
      return audiences.flatMap((audience) => this.told(audience, liarsOf(group, this.cell)))
    })
  }

  /** One message from each of these liars, to all of the audience */
  private told (audience: readonly Target[], liars: readonly number[]): Lie[] {
    const payloads = new Map<Float32Array, Uint8Array>()
    const lies = this.messages(audience)
    return liars.flatMap((from, b) => {
      const lie = lies[b]!
      const payload = payloads.get(lie) ?? this.codec.encode(lie)
      payloads.set(lie, payload)
      return audience.map(({ index }) => ({ from, to: peerName(index), payload }))
    })
  }

  private messages (audience: readonly Target[]): Float32Array[] {
    const { attack } = this
    const { byzantine, lieEvery } = this.cell
    const all = (lie: Float32Array): Float32Array[] => Array.from({ length: byzantine }, () => lie)
    if (audience[0]!.round % lieEvery !== 0) {
      return all(meanOf(audience.map((target) => meanOf(known(target)))))
    }
    if (attack.kind === 'plain') {
      return meanLies(attack.name, audience.map((target) => plainLies(attack.name, target)))
    }
    const { base, direction } = meanDirection(audience.map((target) => attack.kind === 'fixed' ? fixedDirection(attack.name, target) : adaptiveDirection(attack.name, target)))
    const factor = attack.kind === 'fixed' ? attack.strength : this.factor(audience, { base, direction })
    return all(plus(base, factor, direction))
  }

  private factor (audience: readonly Target[], towards: { base: Float32Array, direction: Float32Array }): number {
    if (this.search.rule.needsLosses) {
      return UNSEARCHED
    }
    return worstFactor(audience.map((target) => {
      const { index, models, byzantine, weights } = target
      const longest = LONGEST * Math.max(1, euclideanNorm(models[index]!))
      return harmOf(inputOf(target), towards, { count: byzantine, weight: weights.liar, longest }, this.search)
    }))
  }
}

/** What the target hears of the honest */
function inputOf ({ index, models, neighbours, weights, round }: Target): AggregationInput {
  return {
    own: models[index]!,
    round,
    neighbours: neighbours.map((j, at) => ({ peer: peerName(j), parameters: models[j]!, weight: weights.honest[at]! }))
  }
}
