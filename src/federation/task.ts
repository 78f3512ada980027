/**
 * What a federation learns to tell: a class, or a number
 */
import type { Model } from './model-schema.ts'

/** Losses of a predicted number: of the difference on the standardised target */
export const REGRESSION_LOSSES = ['meanSquaredError', 'meanAbsoluteError', 'huber'] as const

export const LOSSES = ['categoricalCrossentropy', 'binaryCrossentropy', ...REGRESSION_LOSSES] as const

export type RegressionLoss = typeof REGRESSION_LOSSES[number]

export type Target = NonNullable<Model['target']>

/** Whether a number is predicted */
export function isRegression ({ target }: Pick<Model, 'target'>): boolean {
  return target !== undefined
}

export function isRegressionLoss (loss: Model['loss']): loss is RegressionLoss {
  return (REGRESSION_LOSSES as readonly string[]).includes(loss)
}

/** Path of a field that came with format 2, where there is one */
export function newTask ({ target, classWeights }: Pick<Model, 'target' | 'classWeights'>): string | undefined {
  return target !== undefined ? 'model.target' : classWeights === undefined ? undefined : 'model.classWeights'
}

/** What does not go together, with its path; undefined when all does */
export function taskProblem (model: Model): string | undefined {
  return model.target === undefined ? classesProblem(model) : numberProblem(model, model.target)
}

function classesProblem ({ loss, labels, classWeights }: Model): string | undefined {
  if (isRegressionLoss(loss)) {
    return `model.loss: "${loss}" is for a number, and model.target is missing`
  }
  return classWeights === undefined || classWeights.length === labels.length
    ? undefined
    : `model.classWeights: must have one weight for each of the ${labels.length} labels, not ${classWeights.length}`
}

function numberProblem ({ loss, labels, classWeights, input }: Model, { min, max }: Target): string | undefined {
  if (!isRegressionLoss(loss)) {
    return `model.loss: "${loss}" is for classes, and model.target says that a number is predicted; losses of a number are ${REGRESSION_LOSSES.join(', ')}`
  }
  if (labels.length > 0) {
    return 'model.labels: must be empty beside model.target'
  }
  if (classWeights !== undefined) {
    return 'model.classWeights: there are no classes beside model.target'
  }
  if (input.kind !== 'table') {
    return 'model.target: only a table has a column of numbers to predict'
  }
  return min !== undefined && max !== undefined && min >= max ? 'model.target: min must be below max' : undefined
}
