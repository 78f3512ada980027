/**
 * Which arrays are inputs and which are labels, by the names that NumPy users give them
 */
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { listed } from '../csv.ts'
import { arraysAt } from './array-files.ts'

/** What opens the inputs, and their labels */
export interface ArrayPair {
  inputs: string
  labels: string
}

/** Keras' data sets, MedMNIST, scikit-learn's words */
const TRAIN: ReadonlyArray<readonly [string, string]> = [
  ['x_train', 'y_train'], ['train_images', 'train_labels'], ['train_x', 'train_y'],
  ['x', 'y'], ['images', 'labels'], ['data', 'labels'], ['data', 'target'], ['features', 'labels']
]
const TEST: ReadonlyArray<readonly [string, string]> = [['x_test', 'y_test'], ['test_images', 'test_labels'], ['test_x', 'test_y']]

/** Throws DatasetError with the names that are there, when there is no pair for training */
export async function arrayPairs (path: string): Promise<{ train: ArrayPair, test: ArrayPair | undefined }> {
  const arrays = await arraysAt(path)
  const train = pairIn(arrays, TRAIN)
  if (train === undefined) {
    throw new DatasetError(`${printable(path)} has ${arrays.size === 0 ? 'no arrays' : `the arrays ${listed([...arrays.keys()])}`}, but inputs and labels are needed: x and y, or x_train, y_train, x_test and y_test`)
  }
  return { train, test: pairIn(arrays, TEST) }
}

/** The names of labels that belong to inputs at this place: for a table, which is named by its inputs alone */
export async function labelsBeside (path: string, inputs: string): Promise<string> {
  const { train, test } = await arrayPairs(path)
  const pair = [train, test].find((one) => one?.inputs === inputs)
  if (pair === undefined) {
    throw new DatasetError(`${printable(inputs)} has no labels beside it`)
  }
  return pair.labels
}

function pairIn (arrays: ReadonlyMap<string, string>, names: typeof TRAIN): ArrayPair | undefined {
  const lower = new Map([...arrays].map(([name, place]) => [name.toLowerCase(), place]))
  for (const [x, y] of names) {
    const [inputs, labels] = [lower.get(x), lower.get(y)]
    if (inputs !== undefined && labels !== undefined) {
      return { inputs, labels }
    }
  }
  return undefined
}
