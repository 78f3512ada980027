/**
 * Image models whose features are fixed: a bank of Gabor filters, pooled, under one dense layer that learns
 *
 * Only the dense layer costs privacy: few parameters, and gradients whose length is about that of the features.
 */
import { centringKernel, gaborCount, gaborKernel } from './gabor.ts'
import { denseEntry, entry, sequential } from './topology.ts'
import type { FederationInit } from '../federation/document.ts'
import type { GaborBank } from './gabor.ts'
import type { LayerEntry } from './topology.ts'

export interface GaborFeaturesInit {
  /** Height, width, and one channel */
  inputShape: readonly [number, number, 1]
  bank: GaborBank
  /** Average poolings of the filters' outputs, one after the other: window and stride */
  poolings: ReadonlyArray<{ size: number, stride: number }>
  /** What the features are multiplied by */
  scale: number
  classes: number
}

function frozenConvolution (name: string, config: { filters: number, kernel_size: [number, number], activation: string }): LayerEntry {
  return entry('Conv2D', name, { ...config, trainable: false, strides: [1, 1], padding: 'valid', data_format: 'channels_last', use_bias: false })
}

/** Topology and constants of: filters, relu, average poolings, mean over the filters off, one dense layer, softmax */
export function gaborFeatures ({ inputShape, bank, poolings, scale, classes }: GaborFeaturesInit): Required<Pick<FederationInit['model'], 'topology' | 'constants'>> {
  const channels = gaborCount(bank)
  return {
    topology: sequential(inputShape, [
      frozenConvolution('filters', { filters: channels, kernel_size: [bank.size, bank.size], activation: 'relu' }),
      ...poolings.map(({ size, stride }, i) => entry('AveragePooling2D', `pooling_${i + 1}`, {
        pool_size: [size, size], strides: [stride, stride], padding: 'valid', data_format: 'channels_last'
      })),
      frozenConvolution('centring', { filters: channels, kernel_size: [1, 1], activation: 'linear' }),
      entry('Flatten', 'flatten', {}),
      denseEntry('output', classes, 'softmax')
    ]),
    constants: { 'filters/kernel': gaborKernel(bank), 'centring/kernel': centringKernel(channels, scale) }
  }
}
