/**
 * Encode and decode, beside a copy of the same parameters in the same run
 *
 *     npm run bench:codec
 *
 * Medians over samples that take turns, so that a busy machine slows all of them alike.
 */
import { CODEC_NAMES, createCodec } from '../src/codec/codec.ts'
import { seededNormal, seededRandom } from '../src/seeded-random.ts'
import { medianMs } from './timing.ts'

const COUNTS = [10_000, 235_146, 1_000_000, 5_000_000]
const SAMPLES = 15

const rows: Array<Record<string, string | number>> = []
for (const count of COUNTS) {
  const normal = seededNormal(seededRandom(count))
  const parameters = Float32Array.from({ length: count }, () => 0.05 * normal())
  const target = new Float32Array(count)
  const tasks: Record<string, () => unknown> = { copy: () => target.set(parameters) }
  for (const name of CODEC_NAMES) {
    const codec = createCodec(name)
    const bytes = codec.encode(parameters)
    tasks[`${name} encode`] = () => codec.encode(parameters)
    tasks[`${name} decode`] = () => codec.decode(bytes, count)
  }
  const times = medianMs(tasks, SAMPLES)
  for (const name of CODEC_NAMES) {
    rows.push({
      parameters: count,
      codec: name,
      'bits/parameter': (createCodec(name).encode(parameters).byteLength * 8 / count).toFixed(3),
      'encode ms': times[`${name} encode`]!.toFixed(2),
      'decode ms': times[`${name} decode`]!.toFixed(2),
      'copy ms': times.copy!.toFixed(2),
      'encode / copy': (times[`${name} encode`]! / times.copy!).toFixed(1),
      'decode / copy': (times[`${name} decode`]! / times.copy!).toFixed(1)
    })
  }
}
console.table(rows)
