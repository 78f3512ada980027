/**
 * What the logits of the test examples say of a model: its loss and its figures, batch after batch
 */
import { ClassTally } from '../figures/class-tally.ts'
import { RegressionTally } from '../figures/regression-tally.ts'
import { batchLoss, predictedClass, writeLogProbabilities } from './loss.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { Target } from '../federation/task.ts'
import type { EvaluationResult } from '../interface.ts'
import type { LogitsBatch } from './loss.ts'

export interface EvaluationInit {
  model: Pick<FederationDocument['model'], 'loss' | 'labels' | 'target'>
  /** Standardised targets of the own training examples, ascending; of a predicted number */
  trainTargets?: Float32Array | undefined
  /** Test examples, at most */
  examples: number
  /** As in EvaluateOptions */
  detailed?: boolean | undefined
}

/** One kind of tally: of a task */
interface TaskTally {
  add: (batch: LogitsBatch) => void
  result: () => Pick<EvaluationResult, 'accuracy' | 'figures'>
}

export class Evaluation {
  private readonly lossName: FederationDocument['model']['loss']
  private readonly tally: TaskTally
  private loss = 0
  private examples = 0

  constructor (init: EvaluationInit) {
    this.lossName = init.model.loss
    this.tally = init.model.target === undefined ? classes(init) : numbers(init.model.target, init.trainTargets ?? new Float32Array())
  }

  add (batch: LogitsBatch): void {
    // each example counts the same, whatever it counts in training
    this.loss += batchLoss(this.lossName, { ...batch, classWeights: undefined })
    this.examples += batch.count
    this.tally.add(batch)
  }

  /** Undefined when the loss is not finite */
  result (): EvaluationResult | undefined {
    const { loss, examples, tally } = this
    return Number.isFinite(loss) ? { loss: loss / examples, examples, ...tally.result() } : undefined
  }
}

function classes ({ model: { loss, labels: names }, examples, detailed = false }: EvaluationInit): TaskTally {
  const tally = new ClassTally({ labels: names, examples, detailed })
  const logProbabilities = tally.needsProbabilities ? new Float64Array(names.length) : undefined
  return {
    add ({ logits, labels, count, outputs }) {
      for (let row = 0; row < count; row++) {
        const start = row * outputs
        if (logProbabilities !== undefined) {
          writeLogProbabilities(loss, logits.subarray(start, start + outputs), logProbabilities)
        }
        tally.add(labels[row]!, predictedClass(logits, start, outputs), logProbabilities)
      }
    },
    result: () => ({ accuracy: tally.accuracy(), figures: tally.figures() })
  }
}

function numbers ({ mean, stdDev, unit }: Target, trainTargets: Float32Array): TaskTally {
  const value = (standardised: number): number => mean + stdDev * standardised
  const average = trainTargets.reduce((sum, target) => sum + target, 0) / trainTargets.length
  const middle = (trainTargets.length - 1) / 2
  const median = (trainTargets[Math.floor(middle)]! + trainTargets[Math.ceil(middle)]!) / 2
  const tally = new RegressionTally({ unit, mean: value(average), median: value(median) })
  return {
    add ({ logits, targets, count }) {
      for (let row = 0; row < count; row++) {
        tally.add(value(targets![row]!), value(logits[row]!))
      }
    },
    result: () => ({ accuracy: null, figures: tally.figures() })
  }
}
