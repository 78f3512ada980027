/**
 * The layers that a document begins with when it is made to fit data: small enough to train in seconds on a processor
 */
import type { FederationInit, ModelInput } from '../src/federation/document.ts'

/** Pictures with shorter sides have too little in them to convolve and pool */
const MIN_CONVOLVED_SIDE = 16
/** Pooling halves a picture until its shorter side is about this */
const POOLED_SIDE = 7
const FILTERS: readonly number[] = [16, 32, 64, 64]

export interface Outputs {
  /** One for each class, or one for a number */
  outputs: number
  activation: 'softmax' | 'linear'
  /** Widths of the hidden layers, where the founder says them: no convolutions then. Texts have none */
  hidden: readonly number[] | undefined
}

/**
 * Convolutions for picture files and texts, else a multi-layer perceptron. IDX files keep the perceptron that they
 * always had: pictures are told by the document's `resize`
 */
export async function fittedTopology (input: ModelInput, { outputs, activation, hidden }: Outputs): Promise<FederationInit['model']['topology']> {
  const { inputShape, tokenCount } = await import('../src/federation/input-shape.ts')
  const { convolutionalTopology, denseTopology, textTopology } = await import('../src/model/topology.ts')
  if (input.kind === 'text') {
    return textTopology({ length: input.length, vocabulary: tokenCount(input), classes: outputs })
  }
  const shape = inputShape(input)
  if (hidden === undefined && input.kind === 'image' && input.resize !== undefined) {
    const [height, width, channels] = shape as [number, number, number]
    const side = Math.min(height, width)
    if (side >= MIN_CONVOLVED_SIDE) {
      const poolings = Math.min(FILTERS.length, Math.max(1, Math.round(Math.log2(side / POOLED_SIDE))))
      return convolutionalTopology({ inputShape: [height, width, channels], filters: FILTERS.slice(0, poolings), classes: outputs })
    }
  }
  const inputs = shape.reduce((product, size) => product * size, 1)
  return denseTopology({ inputShape: shape, hidden: hidden ?? hiddenWidths(inputs, outputs), classes: outputs, activation })
}

/** Wide enough for the inputs and the classes */
function hiddenWidths (inputs: number, classes: number): number[] {
  const first = 2 ** Math.round(Math.log2(Math.min(Math.max(inputs, 2 * classes, 16), 256)))
  return [first, Math.max(16, first / 2, Math.min(classes, first))]
}
