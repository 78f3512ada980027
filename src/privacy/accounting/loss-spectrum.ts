/**
 * The Fourier transform of one step's losses, in polar form, so that a power costs the same whatever the exponent
 */
import { fftRounding, realFft } from './real-fft.ts'
import type { DiscreteLosses } from './discrete-losses.ts'
import type { LossGrid } from './loss-plan.ts'
import type { RealFft } from './real-fft.ts'

export interface LossSpectrum {
  /** ln |X_k|, k = 0 … cells / 2, of masses of sum 1 */
  readonly logMagnitudes: Float64Array
  /** ln of the largest magnitude that X_k may really have: |X_k| + `fftRounding(cells)` */
  readonly logBounds: Float64Array
  /** arg X_k */
  readonly phases: Float64Array
  readonly logScale: number
  readonly logTailMoment: number
  readonly infinity: number
}

/** A loss of l spacings is sample l modulo the number of cells */
export function lossSpectrum ({ first, masses, logScale, logTailMoment, infinity }: DiscreteLosses, fft: RealFft): LossSpectrum {
  const samples = new Float64Array(fft.size)
  for (const [at, mass] of masses.entries()) {
    samples[modulo(first + at, fft.size)]! += mass
  }
  const { real, imaginary } = fft.forward(samples)
  const rounding = fftRounding(fft.size)
  const magnitudes = real.map((re, k) => Math.sqrt(re * re + imaginary[k]! * imaginary[k]!))
  return {
    logMagnitudes: magnitudes.map(Math.log),
    logBounds: magnitudes.map((magnitude) => Math.log(magnitude + rounding)),
    phases: real.map((re, k) => Math.atan2(imaginary[k]!, re)),
    logScale,
    logTailMoment,
    infinity
  }
}

export function modulo (index: number, size: number): number {
  const rest = index % size
  return rest < 0 ? rest + size : rest
}

/** Numbers in all spectra kept, 64 MB */
const MAX_NUMBERS = 2 ** 23

/**
 * Spectra and transforms that were computed lately
 *
 * One more step asks for the spectra of the step before, which are most of the work
 */
export class SpectrumCache {
  readonly #spectra = new Map<string, LossSpectrum>()
  readonly #transforms = new Map<number, RealFft>()
  #numbers = 0

  /** The tables for transforms of this length */
  transform (size: number): RealFft {
    let transform = this.#transforms.get(size)
    if (transform === undefined) {
      transform = realFft(size)
      this.#transforms.set(size, transform)
    }
    return transform
  }

  /** What is kept under this name and grid, or else is computed now */
  spectrum (name: string, grid: LossGrid, losses: () => DiscreteLosses): LossSpectrum {
    const key = [name, grid.spacing, grid.cells, grid.tilt, grid.tailTilt, grid.tail, grid.lowTail].join(' ')
    const spectrum = this.#spectra.get(key) ?? lossSpectrum(losses(), this.transform(grid.cells))
    if (!this.#spectra.delete(key)) {
      this.#numbers += 3 * spectrum.phases.length
    }
    this.#spectra.set(key, spectrum)
    this.#dropOldest()
    return spectrum
  }

  /** Down to what may be kept, but never the newest */
  #dropOldest (): void {
    for (const [key, { phases }] of this.#spectra) {
      if (this.#numbers <= MAX_NUMBERS || this.#spectra.size === 1) {
        return
      }
      this.#spectra.delete(key)
      this.#numbers -= 3 * phases.length
    }
  }
}
