/**
 * A cell of a grid: the product's own rounds in a simulation, between liars who know everything
 */
import { meanOf } from '../../src/attacks/statistics.ts'
import { TrainingError } from '../../src/errors.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { seededNoise } from '../../src/simulation/seeded-noise.ts'
import { simulate } from '../../src/simulation/simulate.ts'
import { parseAttack } from './attack-name.ts'
import { poisonOf, triggered } from './backdoor.ts'
import { aggregatorFor, documentRule } from './candidates.ts'
import { laboratoryDocument } from './document.ts'
import { honestGraph } from './graph.ts'
import { liarGroups, placedGraph } from './placement.ts'
import { SearchingLiars } from './searching-liars.ts'
import { shares } from './shared-data.ts'
import type { Dataset, Examples } from '../../src/data/examples.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { Backend } from '../../src/model/backend.ts'
import type { RoundReport } from '../../src/round/round-events.ts'
import type { Cell, CellResult } from './cell.ts'

/** All alike, so that all are in the same round: liars speak when the last one has */
const DEVICES = [{ share: 1, stepMs: 20 }]

function gridDocument (cell: Cell, training: FederationDocument): FederationDocument {
  const { rule, f, quarantine, degree, byzantine, resample } = cell
  return parseFederation({
    ...training,
    aggregation: { ...documentRule(rule), f: rule === 'alone' ? 0 : f, quarantine },
    topology: { degree: degree + byzantine, resample }
  })
}

/** Counts what took no part in the rounds of honest peers, by who said it and why */
class Messages {
  private honest = 0
  private readonly lies = new Map<string, number>()

  take ({ rejectedPeers }: RoundReport): void {
    for (const [peer, reasons] of Object.entries(rejectedPeers)) {
      for (const [reason, count] of Object.entries(reasons)) {
        if (peer.startsWith('liar-')) {
          this.lies.set(reason, (this.lies.get(reason) ?? 0) + count)
        } else {
          this.honest += count
        }
      }
    }
  }

  shares ({ peers, degree, byzantine, rounds }: Cell): Required<Pick<CellResult, 'honestExcluded' | 'byzantineExcluded' | 'liesRefused'>> {
    const all = Math.max(1, peers * byzantine * rounds)
    return {
      honestExcluded: this.honest / Math.max(1, peers * degree * rounds),
      byzantineExcluded: [...this.lies.values()].reduce((sum, count) => sum + count, 0) / all,
      liesRefused: Object.fromEntries([...this.lies].sort(([a], [b]) => a < b ? -1 : 1).map(([reason, count]) => [reason, count / all]))
    }
  }
}

export interface GridCellInit {
  dataset: Dataset
  backend: Backend
  /** Model, training and privacy; all else is the cell's. @default what grid A trains */
  training?: FederationDocument
  /** Examples of each honest peer. @default the shares of the cell */
  own?: readonly Examples[]
}

/** Throws RangeError for an unknown rule or attack. Equal for equal cells, but for the seconds */
export async function runGridCell (cell: Cell, { dataset, backend, training = laboratoryDocument(cell), own = shares(dataset.train, cell) }: GridCellInit): Promise<CellResult> {
  const began = performance.now()
  const document = gridDocument(cell, training)
  const groups = cell.rule === 'alone' ? [] : liarGroups(cell, honestGraph(cell, 1))
  const judge = new LocalTraining({ document, dataset, backend, seed: 'judge', noise: seededNoise('judge') })
  const messages = new Messages()
  const result = await simulate({
    ...{ document, dataset, backend, peers: cell.peers, rounds: cell.rounds, seed: String(cell.seed), shares: own, devices: DEVICES, graph: placedGraph(cell, groups) },
    ...(cell.rule === 'alone' ? { alone: 'train' as const } : {}),
    ...(groups.length === 0 ? {} : { adversary: new SearchingLiars(cell, { document, test: dataset.test, backend, own, parameterCount: judge.plan.parameterCount, groups }) }),
    aggregator: (index) => aggregatorFor(cell.rule, cell.f, seededRandom(`rule ${cell.seed}/${index}`)),
    onRound: (_peer, _round, report) => { messages.take(report) }
  })
  const models = [...result.models.values()]
  return {
    accuracy: result.accuracy,
    worst: result.worst,
    averageModelAccuracy: accuracyOf(judge, meanOf(models)),
    consensus: result.consensus,
    backdoorSuccess: backdoorSuccess(cell, models, { document, dataset, backend }),
    ...messages.shares(cell),
    failed: result.failed,
    seconds: (performance.now() - began) / 1_000
  }
}

/** A model that was driven to infinity guesses */
function accuracyOf (judge: LocalTraining, parameters: Float32Array): number {
  try {
    return judge.evaluate(parameters).accuracy!
  } catch (err) {
    if (err instanceof TrainingError) {
      return 0.1
    }
    throw err
  }
}

function backdoorSuccess (cell: Cell, models: readonly Float32Array[], { document, dataset, backend }: GridCellInit & { document: FederationDocument }): number | null {
  if (poisonOf(parseAttack(cell.attack))?.kind !== 'backdoor' || document.model.input.kind !== 'image') {
    return null
  }
  const judge = new LocalTraining({ document, dataset: { train: dataset.train, test: triggered(dataset.test, document.model.input.shape) }, backend, seed: 'judge', noise: seededNoise('judge') })
  return models.reduce((sum, model) => sum + accuracyOf(judge, model), 0) / models.length
}
