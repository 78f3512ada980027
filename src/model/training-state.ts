/**
 * What local training goes on from besides the parameters, as bytes: the optimiser's moments and the place in the data
 *
 * A format number and the number of powers (2 x uint32), the place (float64), powers (float64), moments (float32), all
 * in the byte order of the machine: on another one the format number is none, and training starts afresh. Local
 * knowledge: it lies beside the model versions, and is never sent.
 */
import type { OptimizerState } from './optimizer.ts'

const FORMAT = 1
const HEAD_BYTES = 16
const MAX_POWERS = 8

export interface TrainingState {
  /** Examples that were asked for since training began; 0 where rounds make whole passes */
  place: number
  optimizer: OptimizerState
}

export function encodeTrainingState ({ place, optimizer: { powers, moments } }: TrainingState): Uint8Array<ArrayBuffer> {
  const momentsAt = HEAD_BYTES + powers.byteLength
  const { buffer } = new Uint8Array(momentsAt + moments.byteLength)
  new Uint32Array(buffer, 0, 2).set([FORMAT, powers.length])
  new Float64Array(buffer, 8, 1 + powers.length).set([place, ...powers])
  new Float32Array(buffer, momentsAt).set(moments)
  return new Uint8Array(buffer)
}

/** Undefined for anything that `encodeTrainingState` does not make */
export function decodeTrainingState (bytes: Uint8Array): TrainingState | undefined {
  if (bytes.byteLength < HEAD_BYTES || bytes.byteLength % Float32Array.BYTES_PER_ELEMENT !== 0) {
    return undefined
  }
  const { buffer } = new Uint8Array(bytes)
  const [format, powers] = new Uint32Array(buffer, 0, 2)
  const [place] = new Float64Array(buffer, 8, 1)
  const momentsAt = HEAD_BYTES + Float64Array.BYTES_PER_ELEMENT * powers!
  if (format !== FORMAT || powers! > MAX_POWERS || momentsAt > buffer.byteLength || !Number.isSafeInteger(place) || place! < 0) {
    return undefined
  }
  return { place: place!, optimizer: { powers: new Float64Array(buffer, HEAD_BYTES, powers), moments: new Float32Array(buffer, momentsAt) } }
}
