/**
 * The version that a verb was asked for, with the document it belongs to
 */
import { FederationMismatchError } from '../src/errors.ts'
import { ControlError } from './errors.ts'
import { formatVersion } from './format.ts'
import { requireVersion, warnOfLoss } from './home-reader.ts'
import type { FoundVersion, HomeReader } from './home-reader.ts'
import type { Terminal } from './terminal.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { ModelVersion } from '../src/interface.ts'

export interface ChosenVersion extends FoundVersion {
  document: FederationDocument
}

/** A version with all that its numbers need to be a model */
export interface CompleteVersion extends ChosenVersion {
  /** The canonical file of the weights that the federation started from, where it has some */
  weights?: Uint8Array | undefined
}

/** The same, with the home's weights. Throws as `chooseVersion`, and WeightsError */
export async function chooseModel (reader: HomeReader, selector: string, place: { home: string, terminal: Pick<Terminal, 'warn'> }): Promise<CompleteVersion> {
  const chosen = await chooseVersion(reader, selector, place)
  if (chosen.document.model.weights === undefined) {
    return chosen
  }
  const { homeWeights } = await import('../src/node/home-weights.ts')
  const weights = await homeWeights(place.home, chosen.document.model)
  return { ...chosen, ...(weights === undefined ? {} : { weights }) }
}

/**
 * Warns of what the store lost. Throws NoSuchVersionError, and FederationMismatchError where the version learned from
 * inputs that were prepared in another way than the document says
 */
export async function chooseVersion (reader: HomeReader, selector: string, { home, terminal }: { home: string, terminal: Pick<Terminal, 'warn'> }): Promise<ChosenVersion> {
  await warnOfLoss(reader, terminal)
  const found = await requireVersion(reader, selector)
  const document = await reader.federation()
  if (document === undefined) {
    throw new ControlError(`${home} holds version ${found.version.id}, but no federation document`)
  }
  await requirePreparation(found.version, document)
  return { ...found, document }
}

async function requirePreparation (version: ModelVersion, document: FederationDocument): Promise<void> {
  if (version.preparation === undefined) {
    return
  }
  const { encodeFederation } = await import('../src/federation/document.ts')
  const { preparationOf } = await import('../src/federation/preparation.ts')
  const own = preparationOf(encodeFederation(document))
  if (own !== version.preparation) {
    throw new FederationMismatchError(`${formatVersion(version)} learned from inputs prepared in another way (${version.preparation.slice(0, 12)}) than the federation document says (${own?.slice(0, 12)}): take a version that was committed under this document (grapevine versions)`)
  }
}
