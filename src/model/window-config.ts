/**
 * Reads the layers that slide a window over images, or over sequences, which are images of height 1
 */
import { InvalidFederationError } from '../errors.ts'
import { imageSides } from './layer.ts'
import type { LayerConfig, Rank } from './layer-config.ts'
import type { Layer, Window } from './layer.ts'

export interface Place { name: string, input: readonly number[] }

const SHAPES: Readonly<Record<Rank, string>> = { 1: 'a sequence (length, channels)', 2: 'an image (height, width, channels)' }

/** Height, width and channels, or an error that names the layer */
export function requireSides (config: LayerConfig, input: readonly number[], rank: Rank): [height: number, width: number, channels: number] {
  if (input.length !== rank + 1) {
    throw new InvalidFederationError(`model.topology: ${config.where} needs ${SHAPES[rank]}, but its input is [${input.join(', ')}]`)
  }
  return imageSides(input)
}

function slide (config: LayerConfig, extent: number, window: Window, axis: 0 | 1): number {
  const covered = window.padding === 'same' ? extent : extent - window.size[axis] + 1
  if (covered < 1) {
    throw new InvalidFederationError(`model.topology: ${config.where}: a window of ${window.size[axis]} does not fit an input of ${extent}`)
  }
  return Math.ceil(covered / window.strides[axis])
}

/** Positions of the window along each axis that the input has */
function places (config: LayerConfig, [height, width]: readonly number[], window: Window, rank: Rank): number[] {
  const along = [slide(config, height!, window, 0), slide(config, width!, window, 1)]
  return rank === 1 ? along.slice(1) : along
}

/** Conv1D and Conv2D */
export function convolution (config: LayerConfig, { name, input }: Place, rank: Rank): Layer {
  const sides = requireSides(config, input, rank)
  if (config.sides('dilation_rate', rank, 1).some((rate) => rate !== 1)) {
    config.refuse('dilation_rate', config.get('dilation_rate'))
  }
  const window = config.window('kernel_size', rank)
  const filters = config.count('filters')
  return {
    kind: 'convolution',
    name,
    input,
    output: [...places(config, sides, window, rank), filters],
    filters,
    window,
    useBias: config.flag('use_bias', true),
    frozen: !config.flag('trainable', true),
    activation: config.activation('linear')
  }
}

/** MaxPooling1D and 2D, AveragePooling1D and 2D */
export function pooling (kind: 'max-pooling' | 'average-pooling', config: LayerConfig, at: Place, rank: Rank): Layer {
  const sides = requireSides(config, at.input, rank)
  const window = config.window('pool_size', rank)
  if (kind === 'average-pooling' && (overhangs(sides[0], window, 0) || overhangs(sides[1], window, 1))) {
    // the backends disagree on whether the padding counts in the mean's gradient
    config.refuse('padding "same" with windows that reach over the edge', at.input)
  }
  return { kind, ...at, output: [...places(config, sides, window, rank), sides[2]], window }
}

function overhangs (extent: number, { size, strides, padding }: Window, axis: 0 | 1): boolean {
  return padding === 'same' && (Math.ceil(extent / strides[axis]) - 1) * strides[axis] + size[axis] > extent
}

/** GlobalAveragePooling1D and 2D, GlobalMaxPooling1D */
export function globalPooling (kind: 'global-average-pooling' | 'global-max-pooling', config: LayerConfig, at: Place, rank: Rank): Layer {
  return { kind, ...at, output: [requireSides(config, at.input, rank)[2]] }
}
