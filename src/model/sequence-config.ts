/**
 * Reads the layers of token ids and of sequences: Embedding, LSTM, GRU
 */
import { InvalidFederationError } from '../errors.ts'
import { requireSides } from './window-config.ts'
import type { LayerConfig } from './layer-config.ts'
import type { GruLayer, Layer, LstmLayer } from './layer.ts'
import type { Place } from './window-config.ts'

export function embedding (config: LayerConfig, { name, input }: Place): Layer {
  const [length] = input
  if (input.length !== 1 || length === undefined) {
    throw new InvalidFederationError(`model.topology: ${config.where} needs token ids (length), but its input is [${input.join(', ')}]`)
  }
  const stated = config.get('input_length')
  if (stated !== undefined && (Array.isArray(stated) ? stated : [stated]).some((value) => value !== length)) {
    config.refuse('input_length', stated)
  }
  const width = config.count('output_dim')
  return { kind: 'embedding', name, input, output: [length, width], vocabulary: config.count('input_dim'), width, frozen: !config.flag('trainable', true) }
}

type Common = Omit<LstmLayer, 'kind' | 'unitForgetBias'> & Omit<GruLayer, 'kind' | 'resetAfter'>

function recurrent (config: LayerConfig, { name, input }: Place): Common {
  const [, length] = requireSides(config, input, 1)
  requireOnly(config, 'activation', 'tanh', 'tanh')
  requireStated(config, 'recurrent_activation', 'which is "sigmoid" in Keras and "hardSigmoid" in TensorFlow.js')
  requireOnly(config, 'recurrent_activation', 'sigmoid')
  const units = config.count('units')
  const returnSequences = config.flag('return_sequences', false)
  return {
    name,
    input,
    output: returnSequences ? [length, units] : [units],
    units,
    returnSequences,
    useBias: config.flag('use_bias', true),
    frozen: !config.flag('trainable', true)
  }
}

/** Only one value is computed here */
function requireOnly (config: LayerConfig, field: string, only: string, fallback?: string): void {
  const value = config.get(field) ?? fallback
  if (value !== only) {
    config.refuse(field, value)
  }
}

/** What libraries read differently where a file does not say it */
function requireStated (config: LayerConfig, field: string, meaning: string): void {
  if (config.get(field) === undefined) {
    throw new InvalidFederationError(`model.topology: ${config.where} does not say ${field}, ${meaning}: write the one that is meant`)
  }
}

export function lstm (config: LayerConfig, at: Place): Layer {
  return { kind: 'lstm', ...recurrent(config, at), unitForgetBias: config.flag('unit_forget_bias', true) }
}

export function gru (config: LayerConfig, at: Place): Layer {
  requireStated(config, 'reset_after', 'which is true in Keras and false in TensorFlow.js')
  return { kind: 'gru', ...recurrent(config, at), resetAfter: config.flag('reset_after', true) }
}
