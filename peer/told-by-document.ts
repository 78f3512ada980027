/**
 * What a document tells that may come from somebody's data. It does not say whose word its numbers are: what a declared
 * range or the range of pixels gives is nobody's data, the rest may be
 */
import { quoted, quotedList } from '../src/quoted.ts'
import { MNIST_MOMENTS, PICTURE_MOMENTS, rangeMoments } from '../src/federation/input-shape.ts'
import type { FederationDocument } from '../src/federation/document.ts'

/** Of the evenly spread values of the range 0 to 1, which every picture's pixels have */
export const PIXELS = { mean: 0.5, stdDev: 1 / Math.sqrt(12) }

/** Of nobody's pictures: pixels as they are, their range, what `init` proposes for all, and what presets take */
const NOBODYS = [{ mean: 0, stdDev: 1 }, PIXELS, PICTURE_MOMENTS, MNIST_MOMENTS]

/** Names that a message lists */
const MAX_LISTED = 8

/** Numbers that were rounded on their way are the same */
const TOLERANCE = 1e-9

export interface Moments { mean: number, stdDev: number, min?: number | undefined, max?: number | undefined }

/** Whether the moments say nothing that the range does not */
export function isOfRange ({ mean, stdDev, min, max }: Moments): boolean {
  if (min === undefined || max === undefined) {
    return false
  }
  const { mean: middle, stdDev: deviation } = rangeMoments({ min, max })
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= TOLERANCE * (max - min)
  return near(mean, middle) && near(stdDev, deviation)
}

/** Whether pixels are standardised by a statistic of pictures that somebody has */
export function isOfPictures ({ mean, stdDev }: { mean: number, stdDev: number }): boolean {
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= TOLERANCE
  return !NOBODYS.some((moments) => near(mean, moments.mean) && near(stdDev, moments.stdDev))
}

/** Means and deviations, in words */
export function numbersOfData ({ model: { input, target } }: FederationDocument): string[] {
  const columns = input.kind === 'table' ? input.columns.flatMap((column) => column.kind === 'numeric' && !isOfRange(column) ? [column.name] : []) : []
  const label = input.kind === 'table' && target !== undefined && !isOfRange(target) ? [input.label] : []
  return [
    ...(columns.length + label.length === 0 ? [] : [`means and deviations of ${quotedList([...columns, ...label], MAX_LISTED)}`]),
    ...(input.kind === 'image' && isOfPictures(input) ? ['the mean and deviation of pixels'] : [])
  ]
}

/** Values and classes of a table, words and classes of texts, weights of classes, in words */
export function namesOfData ({ model: { input, labels, classWeights } }: FederationDocument): string[] {
  return [...namesIn(input, labels), ...(classWeights === undefined ? [] : ['the weights of the classes, which shares of somebody\'s rows may be'])]
}

function namesIn (input: FederationDocument['model']['input'], labels: readonly string[]): string[] {
  if (input.kind === 'text') {
    const { vocabulary } = input
    return [...(vocabulary === undefined ? [] : [`the ${vocabulary.length} words of the vocabulary`]), 'the classes of the texts']
  }
  if (input.kind !== 'table') {
    return []
  }
  const columns = input.columns.flatMap(({ kind, name }) => kind === 'categorical' ? [name] : [])
  return [
    ...(columns.length === 0 ? [] : [`the values of ${quotedList(columns, MAX_LISTED)}`]),
    ...(labels.length === 0 ? [] : [`the classes of ${quoted(input.label)}`])
  ]
}
