/**
 * Layers that no person would write, many of which cannot be built at all
 */
import fc from 'fast-check'
import { entry } from './models.ts'

/**
 * For inputs of 16 numbers or 4 x 4 pixels; the last layer gives the shares of so many classes. `resetAfter` are the
 * GRUs there may be
 */
export function anyLayers (classes: number, resetAfter: readonly boolean[] = [true, false]): fc.Arbitrary<Array<ReturnType<typeof entry>>> {
  const config = fc.record({
    units: fc.integer({ min: 1, max: 5 }),
    filters: fc.integer({ min: 1, max: 3 }),
    kernel_size: fc.constantFrom<unknown>(1, 3, [2, 3]),
    pool_size: fc.constantFrom<unknown>(1, 2, [2, 1]),
    strides: fc.constantFrom<unknown>(1, 2, [1, 2]),
    padding: fc.constantFrom('same', 'valid'),
    activation: fc.constantFrom('relu', 'tanh', 'linear', 'elu', 'sigmoid'),
    use_bias: fc.boolean(),
    alpha: fc.constantFrom(0, 0.1, 1),
    negative_slope: fc.constantFrom(0, 0.1, 0.5),
    max_value: fc.constantFrom<unknown>(null, 6),
    threshold: fc.constantFrom<unknown>(null, 0, 1),
    rate: fc.constantFrom(0, 0.5),
    axis: fc.constantFrom(-1, 1),
    target_shape: fc.constantFrom<unknown>([4, 4, 1], [16], [2, 8], [8, 2], [8, 2, 1]),
    return_sequences: fc.boolean(),
    unit_forget_bias: fc.boolean(),
    reset_after: fc.constantFrom(...resetAfter),
    recurrent_activation: fc.constant('sigmoid'),
    recurrent_initializer: fc.constant({ class_name: 'GlorotUniform', config: {} })
  }, { requiredKeys: ['activation', 'units', 'filters', 'kernel_size', 'pool_size', 'target_shape', 'reset_after', 'recurrent_activation', 'recurrent_initializer'] })
  const className = fc.constantFrom('Conv1D', 'MaxPooling1D', 'AveragePooling1D', 'GlobalAveragePooling1D', 'GlobalMaxPooling1D', 'LSTM', 'GRU', 'Dense', 'Conv2D', 'MaxPooling2D', 'AveragePooling2D', 'GlobalAveragePooling2D', 'Flatten', 'Reshape', 'Activation', 'ReLU', 'LeakyReLU', 'Dropout')
  const layers = fc.array(fc.tuple(className, config), { maxLength: 4 }).map((list) => list.map(([name, fields], i) => entry(name, `layer${i}`, fields)))
  const output = entry('Dense', 'output', { units: classes, activation: 'softmax' })
  const ending = fc.constantFrom([output], [entry('Flatten', 'last'), output], [entry('Dense', 'output', { units: classes }), entry('Softmax', 'end', { axis: -1 })])
  return fc.tuple(layers, ending).map(([inner, end]) => [...inner, ...end])
}
