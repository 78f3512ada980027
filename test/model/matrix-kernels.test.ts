import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MatrixKernels } from '../../src/model/matrix-kernels.ts'
import { createMemory } from '../../src/model/wasm-assembler.ts'
import { seededRandom } from '../../src/seeded-random.ts'

const memory = createMemory(1 << 26)
let top = 16
const allocate = (bytes: number): number => {
  const address = top
  top += Math.ceil(bytes / 16) * 16
  return address
}
const kernels = new MatrixKernels({ memory, allocate })
const scratch = top

function filled (count: number, random: () => number): { address: number, values: Float32Array } {
  const address = allocate(count * 4)
  const values = new Float32Array(memory.buffer, address, count)
  values.forEach((_, i) => { values[i] = random() - 0.5 })
  return { address, values }
}

describe('matrix kernels', () => {
  it('multiply as plain arithmetic does, whatever the shapes and transpositions, and write nothing else', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(255, 256, 257, 300))
    fc.assert(fc.property(fc.tuple(size, size, size), fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()), ([m, k, n], [transposeA, transposeB, accumulate]) => {
      top = scratch
      const random = seededRandom(m * 1e6 + k * 1e3 + n)
      const [a, b, c, guard] = [filled(m * k, random), filled(k * n, random), filled(m * n, random), filled(8, random)]
      const [before, guarded] = [c.values.slice(), guard.values.slice()]

      kernels.multiply(
        { address: a.address, rows: m, columns: k, transposed: transposeA },
        { address: b.address, rows: k, columns: n, transposed: transposeB },
        c.address, accumulate
      )

      for (let i = 0; i < m; i += 1 + (m >> 4)) {
        for (let j = 0; j < n; j += 1 + (n >> 4)) {
          let sum = accumulate ? before[i * n + j]! : 0
          for (let l = 0; l < k; l++) {
            sum += a.values[transposeA ? l * m + i : i * k + l]! * b.values[transposeB ? j * k + l : l * n + j]!
          }
          expect(Math.abs(c.values[i * n + j]! - sum)).toBeLessThan(2e-5)
        }
      }
      expect(guard.values).toEqual(guarded)
    }), { numRuns: 300 })
  })

  it('take the gradient of a relu where its output is positive', () => {
    for (const count of [1, 3, 4, 7, 64]) {
      top = scratch
      const random = seededRandom(count)
      const [dy, y, out, guard] = [filled(count, random), filled(count, random), filled(count, random), filled(4, random)]
      const guarded = guard.values.slice()
      y.values[0] = 0
      kernels.reluGradient(dy.address, y.address, out.address, count)
      expect([...out.values]).toEqual([...dy.values].map((value, i) => y.values[i]! > 0 ? value : 0))
      kernels.relu(y.address, count)
      expect([...y.values].every((value) => value >= 0)).toBe(true)
      expect(guard.values).toEqual(guarded)
    }
  })
})
