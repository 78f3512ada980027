/**
 * What the logits of the test examples say of a model: its loss and its figures, batch after batch
 */
import { ClassTally } from '../figures/class-tally.ts'
import { batchLoss, predictedClass, writeLogProbabilities } from './loss.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { EvaluationResult } from '../interface.ts'
import type { LogitsBatch } from './loss.ts'

export interface EvaluationInit {
  model: Pick<FederationDocument['model'], 'loss' | 'labels'>
  /** Test examples, at most */
  examples: number
  /** As in EvaluateOptions */
  detailed?: boolean | undefined
}

export class Evaluation {
  private readonly model: EvaluationInit['model']
  private readonly tally: ClassTally
  private readonly logProbabilities: Float64Array
  private loss = 0
  private examples = 0

  constructor ({ model, examples, detailed = false }: EvaluationInit) {
    this.model = model
    this.tally = new ClassTally({ labels: model.labels, examples, detailed })
    this.logProbabilities = new Float64Array(model.labels.length)
  }

  add (batch: LogitsBatch): void {
    const { logits, labels, count, outputs } = batch
    this.loss += batchLoss(this.model.loss, batch)
    this.examples += count
    for (let row = 0; row < count; row++) {
      const start = row * outputs
      if (this.tally.needsProbabilities) {
        writeLogProbabilities(this.model.loss, logits.subarray(start, start + outputs), this.logProbabilities)
        this.tally.add(labels[row]!, predictedClass(logits, start, outputs), this.logProbabilities)
      } else {
        this.tally.add(labels[row]!, predictedClass(logits, start, outputs))
      }
    }
  }

  /** Undefined when the loss is not finite */
  result (): EvaluationResult | undefined {
    const { loss, examples, tally } = this
    return Number.isFinite(loss)
      ? { loss: loss / examples, accuracy: tally.accuracy(), examples, figures: tally.figures() }
      : undefined
  }
}
