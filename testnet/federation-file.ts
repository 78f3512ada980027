/**
 * The document of a testnet, and the weights that it starts from, as files
 */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { InvalidFederationError } from '../src/errors.ts'
import { parseFederation } from '../src/federation/document.ts'
import { documentValue } from '../src/federation/document-text.ts'
import { requireWeights } from '../src/model/initial-weights.ts'
import { inspectTopology } from '../src/model/topology.ts'
import { UsageError } from './errors.ts'
import type { FederationDocument } from '../src/federation/document.ts'

/** Throws UsageError, InvalidFederationError */
export async function readFederation (file: string): Promise<FederationDocument> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (err) {
    throw new UsageError(`--federation: cannot read ${file}: ${(err as Error).message}`, { cause: err })
  }
  try {
    const document = parseFederation(documentValue(text))
    inspectTopology(document.model)
    return document
  } catch (err) {
    throw new InvalidFederationError(`${file}${err instanceof InvalidFederationError ? '' : ' is not JSON'}: ${(err as Error).message.replaceAll(/\s+/g, ' ')}`, { cause: err })
  }
}

/** Its path, once the file is what the document asks for. Throws UsageError */
export async function weightsFile (weights: string | undefined, { model }: FederationDocument, workingDirectory: string): Promise<string | undefined> {
  if (model.weights === undefined && weights === undefined) {
    return undefined
  }
  const file = weights === undefined ? undefined : resolve(workingDirectory, weights)
  try {
    if (requireWeights(model, file === undefined ? undefined : await readFile(file)) === undefined) {
      throw new RangeError('the document starts from a seed: leave it out')
    }
    return file
  } catch (err) {
    throw new UsageError(`--weights${file === undefined ? '' : ` ${file}`}: ${(err as Error).message}`, { cause: err })
  }
}
