/**
 * `--freeze`: which layers keep the weights that they were given
 */
import { UsageError } from './errors.ts'
import { closest } from '../src/closest.ts'
import { quoted } from '../src/quoted.ts'
import type { Layer } from '../src/model/layer.ts'

const ALL_BUT = 'all-but:'

type Topology = Record<string, unknown>

/**
 * The topology with `trainable: false` where `freeze` says so; what it said before stays
 *
 * Throws UsageError for a layer that is none of these, or has no weights
 *
 * @param topology - As exportTopology writes it
 * @param layers - Its layers that have weights
 * @param freeze - `LAYER,…` or `all-but:LAYER,…`
 */
export function withFrozen (topology: Topology, layers: readonly Layer[], freeze: string): Topology {
  const isExcept = freeze.startsWith(ALL_BUT)
  const names = (isExcept ? freeze.slice(ALL_BUT.length) : freeze).split(',')
  const known = layers.map(({ name }) => name)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    const near = closest(unknown, known)
    throw new UsageError(`--freeze: there is no layer ${quoted(unknown)} with weights${near === undefined ? '' : ` (did you mean ${quoted(near)}?)`}; those are ${known.map(quoted).join(', ')}`)
  }
  const frozen = new Set(isExcept ? known.filter((name) => !names.includes(name)) : names)
  const config = topology['config'] as { layers: Array<{ config: { name: string } }> }
  const marked = config.layers.map((layer) => frozen.has(layer.config.name) ? { ...layer, config: { ...layer.config, trainable: false } } : layer)
  return { ...topology, config: { ...config, layers: marked } }
}
