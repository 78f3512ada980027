/**
 * Synthetic private data for the victims: few small images, so that a start costs little and a round less
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { seededRandom } from '../../src/seeded-random.ts'

const SIDE = 28
const LABELS = 10
const SIZES = { train: 256, t10k: 32 } as const

function idx (sizes: readonly number[], elements: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * sizes.length))
  header.setUint16(2, 0x0800 | sizes.length)
  sizes.forEach((size, i) => { header.setUint32(4 + 4 * i, size) })
  return Buffer.concat([new Uint8Array(header.buffer), elements])
}

/** A folder of IDX files, other ones for each seed. Returns what `--data` takes */
export async function writeData (folder: string, seed: string): Promise<string> {
  const random = seededRandom(`kills/data/${seed}`)
  await mkdir(folder, { recursive: true })
  for (const [set, count] of Object.entries(SIZES)) {
    const images = Uint8Array.from({ length: count * SIDE * SIDE }, () => Math.floor(random() * 256))
    const labels = Uint8Array.from({ length: count }, () => Math.floor(random() * LABELS))
    await writeFile(join(folder, `${set}-images-idx3-ubyte`), idx([count, SIDE, SIDE], images))
    await writeFile(join(folder, `${set}-labels-idx1-ubyte`), idx([count], labels))
  }
  return `idx:${folder}`
}
