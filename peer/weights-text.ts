/**
 * What is said of the weights that a federation starts from
 */
import { formatCount } from './format.ts'
import { quotedList } from '../src/quoted.ts'
import type { FederationDocument } from '../src/federation/document.ts'

/** In the home, as src/node/home-weights.ts has it */
export const WEIGHTS_FILE = 'weights.safetensors'

/** Names that a line lists */
const MAX_LISTED = 6

export interface InitialWeights {
  sha256: string
  bytes: number
  /** Names of the layers that keep them */
  frozen: string[]
  /** Names of the layers that start from them */
  learning: string[]
}

/** Undefined for a federation that starts from a seed */
export async function initialWeights ({ model }: Pick<FederationDocument, 'model'>): Promise<InitialWeights | undefined> {
  if (model.weights === undefined) {
    return undefined
  }
  const { modelLayers } = await import('../src/model/topology.ts')
  const { isFrozen, weightShapes } = await import('../src/model/layer.ts')
  const layers = modelLayers(model).filter((layer) => weightShapes(layer).length > 0)
  const names = (frozen: boolean): string[] => layers.filter((layer) => isFrozen(layer) === frozen).map(({ name }) => name)
  return { ...model.weights, frozen: names(true), learning: names(false) }
}

export function weightsText ({ sha256, bytes, frozen, learning }: InitialWeights): string {
  return `${formatCount(bytes)} bytes, SHA-256 ${sha256.slice(0, 16)}…; ${frozen.length === 0 ? 'no layer is frozen' : `frozen: ${quotedList(frozen, MAX_LISTED)}`}; learning from there: ${quotedList(learning, MAX_LISTED)}`
}
