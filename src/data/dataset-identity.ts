/**
 * By what a training set is recognised: its fingerprint and sketch, and those that earlier versions gave it
 */
import { exampleDigests, fingerprintOf, rowsOfExamples, sortedDigests } from './fingerprint.ts'
import { sketchOf } from './sketch.ts'
import type { DatasetIdentity } from '../interface.ts'
import type { Examples } from './examples.ts'

function named (digests: Uint8Array, secret: Uint8Array): DatasetIdentity {
  return { fingerprint: fingerprintOf(digests), sketch: sketchOf(digests, secret) }
}

/** `secret`: of `ledgerSecret`. Rows of a table that know what their file said have a former name */
export function identityOf (train: Examples, secret: Uint8Array): DatasetIdentity {
  const asTrained = (): DatasetIdentity => named(exampleDigests(rowsOfExamples(train)), secret)
  if (train.recordDigests === undefined) {
    return asTrained()
  }
  const today = named(sortedDigests(train.recordDigests), secret)
  return train.toldByInputs === false ? today : { ...today, former: asTrained() }
}
