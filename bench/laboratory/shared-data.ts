/**
 * MNIST, or generated digits where its files are not there, once for all peers of a laboratory
 */
import { loadDataset } from '../../src/data/data-formats.ts'
import { split } from '../../src/data/partition.ts'
import { seededRandom, shuffle } from '../../src/seeded-random.ts'
import { findMnist } from '../../testnet/find-mnist.ts'
import type { Dataset, Examples } from '../../src/data/examples.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { DatasetSource } from '../../src/interface.ts'
import type { Cell } from './cell.ts'

const GENERATED: DatasetSource = { kind: 'digits', seed: 1, trainExamples: 16_000, testExamples: 2_000 }

export async function dataSource (): Promise<DatasetSource> {
  const directory = await findMnist([process.env['GRAPEVINE_MNIST'], '../shared/data/mnist'])
  return directory === undefined ? GENERATED : { kind: 'idx', directory }
}

export async function loadShared (source: DatasetSource, model: FederationDocument['model']): Promise<Dataset> {
  return loadDataset(source, model)
}

/** Some of the examples, in the order given */
export function subset (examples: Examples, rows: Uint32Array): Examples {
  return {
    count: rows.length,
    featureCount: examples.featureCount,
    labels: Uint16Array.from(rows, (row) => examples.labels[row]!),
    writeInputs: (index, out, offset) => { examples.writeInputs(rows[index]!, out, offset) }
  }
}

/** The honest peers' shares, or as many examples of each, drawn at random, as a peer keeps */
export function shares (train: Examples, { peers, alpha, examplesPerPeer, seed }: Pick<Cell, 'peers' | 'alpha' | 'examplesPerPeer' | 'seed'>): Examples[] {
  const options = Number.isFinite(alpha) ? { strategy: 'dirichlet' as const, alpha } : { strategy: 'iid' as const }
  return split(train.labels, { ...options, count: peers, seed }).map((rows, i) => {
    const kept = rows.length > examplesPerPeer ? shuffle(rows, seededRandom(`kept ${seed}/${i}`)).subarray(0, examplesPerPeer).sort() : rows
    return subset(train, kept)
  })
}
