/**
 * LSTM and GRU: the loop over the steps of a sequence, and back through time (Werbos 1990)
 *
 * What comes in is multiplied for all steps at once; a step then needs a product with the state before. Gates are in
 * plain code (lstm-cell.ts, gru-cell.ts): a step of a small batch is less work than the calls of the dozen tensor
 * operations that it takes.
 *
 * Backwards, each kernel's gradient is a sum over the steps of x_t dz_t^T, so that these factors are all that leaves
 * this file: kernel-parts.ts says how many pairs of them there are.
 */
import { gruCell } from './gru-cell.ts'
import { resetBeforeGruCell } from './gru-reset-before-cell.ts'
import { gateColumns } from './layer.ts'
import { lstmCell } from './lstm-cell.ts'
import { putStep, takeStep } from './recurrent-cell.ts'
import { kernel, shaped, toHost } from './tensor-helpers.ts'
import { tf } from './tensors.ts'
import type { Tensor } from '@tensorflow/tfjs-core'
import type { Backend } from './backend.ts'
import type { Factors, Pass, Weights } from './layer-pass.ts'
import type { RecurrentLayer } from './layer.ts'
import type { Cell, CellSizes, HostFactors, StepProduct } from './recurrent-cell.ts'

/** `x` is [examples, steps, width] */
export function recurrentPass (layer: RecurrentLayer, x: Tensor, weights: Weights, backend: Backend): Pass {
  const [count, steps] = x.shape as [number, number, number]
  const { units, returnSequences } = layer
  const columns = gateColumns(layer)
  const rows = shaped(x, [count * steps, x.shape[2]!])
  const [bias, recurrentBias] = biases(layer, weights, backend)
  const recurrentKernel = weights.recurrentKernel!
  const inputs = toHost(product(rows, weights.kernel, { bias }), backend)
  const cell = createCell(layer, { count, steps, units, inputs }, new RecurrentProducts(recurrentKernel, recurrentBias, backend))
  const states = cell.forward()
  const factorsOf = (factors: HostFactors): Factors => ({
    x: backend.upload(factors.x, [factors.x.length / units, units]), dz: backend.upload(factors.dz, [factors.dz.length / columns, columns])
  })
  return {
    output: returnSequences ? backend.upload(states, [count, steps, units]) : backend.upload(lastStates(states, { count, steps, units }), [count, units]),
    backward: (dy, wantInput) => {
      const given = toHost(dy, backend)
      const { deltas, recurrent } = cell.backward(returnSequences ? given : asLastStates(given, { count, steps, units }))
      const dz = backend.upload(deltas, [count * steps, columns])
      return {
        input: wantInput ? shaped(product(dz, weights.kernel, { transposed: true }), x.shape) : undefined,
        factors: [{ x: rows, dz }, factorsOf(recurrent)]
      }
    }
  }
}

function product (rows: Tensor, matrix: Tensor, { bias, transposed = false }: { bias?: Tensor | undefined, transposed?: boolean }): Tensor {
  return kernel('_FusedMatMul', { a: rows, b: matrix, ...bias === undefined ? {} : { bias } }, { transposeA: false, transposeB: transposed, activation: 'linear' })
}

/** Of the input's product, and of the state's, which only a GRU with its reset gate behind that has */
function biases (layer: RecurrentLayer, { bias }: Weights, backend: Backend): Array<Tensor | undefined> {
  const columns = gateColumns(layer)
  return bias === undefined || bias.shape.length === 1 ? [bias, undefined] : [0, 1].map((row) => shaped(backend.part(bias, row, 1), [columns]))
}

/** Products of a step's rows with columns of the recurrent kernel, on the backend */
class RecurrentProducts {
  private readonly matrix: Tensor
  private readonly bias: Tensor | undefined
  private readonly backend: Backend

  constructor (matrix: Tensor, bias: Tensor | undefined, backend: Backend) {
    this.matrix = matrix
    this.bias = bias
    this.backend = backend
  }

  columns (from: number, to: number): { forward: StepProduct, backward: StepProduct } {
    const [rows, columns] = this.matrix.shape as [number, number]
    const matrix = from === 0 && to === columns ? this.matrix : tf.slice(this.matrix, [0, from], [rows, to - from])
    const { bias } = this
    return { forward: this.step(matrix, { bias }), backward: this.step(matrix, { transposed: true }) }
  }

  private step (matrix: Tensor, options: { bias?: Tensor | undefined, transposed?: boolean }): StepProduct {
    const [inputs, outputs] = options.transposed === true ? [matrix.shape[1]!, matrix.shape[0]] : [matrix.shape[0], matrix.shape[1]!]
    let out = new Float32Array(0)
    return (rows) => {
      const count = rows.length / inputs
      out = out.length === count * outputs ? out : new Float32Array(count * outputs)
      // a thousand steps of small tensors would wait for the end of the batch
      tf.tidy(() => { this.backend.download(product(this.backend.upload(rows, [count, inputs]), matrix, options), out) })
      return out
    }
  }
}

function createCell (layer: RecurrentLayer, init: CellSizes & { inputs: Float32Array }, products: RecurrentProducts): Cell {
  const { units } = layer
  if (layer.kind === 'lstm') {
    return lstmCell({ ...init, ...products.columns(0, 4 * units) })
  }
  return layer.resetAfter
    ? gruCell({ ...init, ...products.columns(0, 3 * units) })
    : resetBeforeGruCell({ ...init, gates: products.columns(0, 2 * units), candidate: products.columns(2 * units, 3 * units) })
}

function lastStates (states: Float32Array, sizes: CellSizes): Float32Array {
  return takeStep(states, sizes.steps - 1, sizes, new Float32Array(sizes.count * sizes.units))
}

/** Gradients of the last states as those of all: zeros before */
function asLastStates (last: Float32Array, sizes: CellSizes): Float32Array {
  const all = new Float32Array(last.length * sizes.steps)
  putStep(all, sizes.steps - 1, sizes, last)
  return all
}
