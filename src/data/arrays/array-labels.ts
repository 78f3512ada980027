/**
 * An array of labels
 */
import { DatasetError } from '../../errors.ts'
import type { NpyArray } from './npy-array.ts'

/** More classes than a document may have */
const MAX_CLASSES = 65_536

/** Throws DatasetError, which names `place`, unless there is one label for each of `count` examples */
export function requireLabels (place: string, labels: NpyArray, count: number): void {
  const { shape } = labels.header
  if (labels.width !== 1) {
    throw new DatasetError(`${place} has the shape (${shape.join(', ')}), but one label for each example is needed${shape.length === 2 ? ': give class numbers, not one column for each class (numpy.argmax(y, axis=1))' : ''}`)
  }
  if (labels.rows !== count) {
    throw new DatasetError(`${place} has ${labels.rows} labels for ${count} examples; save both again`)
  }
}

export interface NamedLabels {
  rows: string[]
  /** Sorted by value where all are numbers, else by code unit */
  classes: string[]
}

/** Throws DatasetError for labels that are no classes: fractions, too many */
export function namedLabels (place: string, labels: NpyArray): NamedLabels {
  const names = new Map<string, string>()
  const rows = Array.from({ length: labels.rows }, (_, row) => {
    const text = labels.text(row, 0)
    const known = names.get(text)
    if (known === undefined) {
      requireClass(place, labels, row, text)
      names.set(text, text)
      if (names.size > MAX_CLASSES) {
        throw new DatasetError(`${place} has more than ${MAX_CLASSES} different labels, too many for classes`)
      }
    }
    // one string for all rows of a class
    return known ?? text
  })
  const numeric = labels.header.kind !== 'S' && labels.header.kind !== 'U'
  return { rows, classes: [...names.keys()].sort(numeric ? (a, b) => Number(a) - Number(b) : undefined) }
}

function requireClass (place: string, { header: { kind } }: NpyArray, row: number, text: string): void {
  if (text === '' || text.length > 256 || (kind === 'f' && !Number.isSafeInteger(Number(text)))) {
    throw new DatasetError(`${place}: label ${row} is ${text === '' ? 'empty' : text.slice(0, 60)}, which is no class; give whole numbers or short text`)
  }
}
