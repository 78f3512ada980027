/**
 * Two sites whose federation starts from weights of Keras: brought along, kept, refused where they are others
 */
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeTensors } from '../../src/model/safetensors-file.ts'
import { idxBytes } from '../data/write-idx.ts'
import { run } from '../peer/program.ts'
import { PeerSet } from './peer-driver.ts'

const KERAS = join(import.meta.dirname, '../fixtures/keras-weights')
const { pictures, labels, outputs } = JSON.parse(await readFile(join(KERAS, 'answers.json'), 'utf8')) as { pictures: number[][], labels: number[], outputs: number[][] }
const COPIES = 10
const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm']

function npy (shape: readonly number[], bytes: Uint8Array): Buffer {
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.map((side) => `${side},`).join(' ')}), }`.padEnd(117) + '\n'
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), Buffer.from([header.length, 0]), Buffer.from(header), bytes])
}

/** A peer's file of pictures and what Keras is asked about, in a folder */
async function writeData (folder: string): Promise<{ data: string, asked: string }> {
  const count = COPIES * labels.length
  const [data, asked] = [join(folder, 'pictures'), join(folder, 'asked-images-idx4-ubyte')]
  await mkdir(data)
  await writeFile(join(data, 'x.npy'), npy([count, 8, 8, 1], Uint8Array.from(Array.from({ length: COPIES }, () => pictures.flat()).flat())))
  await writeFile(join(data, 'y.npy'), npy([count], Uint8Array.from(Array.from({ length: COPIES }, () => labels).flat())))
  await writeFile(asked, idxBytes([labels.length, 8, 8, 1], Uint8Array.from(pictures.flat())))
  return { data: `npy:${data}`, asked }
}

describe('a federation that starts from weights of Keras', () => {
  it('predicts as Keras before it learns, keeps what is frozen to the bit, and admits nobody with other weights', async () => {
    await using peers = await PeerSet.create()
    const { data, asked } = await writeData(peers.folder)
    const home = peers.home('founder')
    const brought = join(home, 'weights.safetensors')
    const made = await run(['init', '--home', home, '--data', data, '--membership', 'open', '--model', join(KERAS, 'model.json'), '--weights', join(KERAS, 'keras.safetensors'), '--freeze', 'all-but:output', '--peers', '2', '--learning-rate', '0.00001'])
    expect(made).toMatchObject({ exit: 0 })
    expect(made.stdout).toMatch(/Weights +1\s?404 bytes, SHA-256 [0-9a-f]{16}…; frozen: "features", "hidden"; learning from there: "output"/)
    expect(made.stdout).toContain(`every other member needs ${brought}: no peer sends it`)
    expect((await stat(brought)).mode & 0o777).toBe(0o600)
    const original = await readFile(brought)

    const founder = peers.spawn('founder', ['start', '--rounds', '40', ...LOOPBACK])
    const address = await founder.address()
    const joining = ['join', address, '--data', data, ...LOOPBACK]
    const second = peers.home('second')
    const without = await run([...joining, '--home', second])
    expect(without).toMatchObject({ exit: 3, stderr: expect.stringMatching(/^error GRAPEVINE_E_WEIGHTS_MISSING: this federation starts from weights that no peer sends, of SHA-256 [0-9a-f]{64} \(\d+ bytes\): ask the founder for the file weights\.safetensors of the founder's home/m) as string })
    const other = join(peers.folder, 'other.safetensors')
    const changed = Buffer.from(original)
    changed.writeFloatLE(0.25, changed.length - 4)
    await writeFile(other, changed)
    const wrong = await run([...joining, '--home', second, '--weights', other])
    expect(wrong).toMatchObject({ exit: 13, stderr: expect.stringMatching(new RegExp(`^error GRAPEVINE_E_WEIGHTS_OTHER: ${other}: these are other weights than the federation starts from: their SHA-256 is [0-9a-f]{64}, and the document says [0-9a-f]{64}`, 'm')) as string })
    expect(existsSync(second)).toBe(false)

    // any container of the same numbers will do
    const joined = peers.spawn('second', [...joining, '--weights', join(KERAS, 'tfjs/model.json'), '--rounds', '2'])
    expect(await joined.exited).toMatchObject({ code: 0 })
    expect(await founder.stop()).toMatchObject({ code: 0 })
    expect(await readFile(join(second, 'weights.safetensors'))).toEqual(original)

    const exported = join(peers.folder, 'after.safetensors')
    expect(await run(['export', 'latest', exported, '--home', second])).toMatchObject({ exit: 0 })
    const [before, after] = [original, await readFile(exported)].map((file) => new Map(decodeTensors(file).map(({ name, values }) => [name, values])))
    expect([...after!.keys()]).toEqual([...before!.keys()])
    for (const [name, values] of before!) {
      name.startsWith('output/') ? expect(after!.get(name)).not.toEqual(values) : expect(after!.get(name)).toEqual(values)
    }
    // a learning rate of 1e-5 moved nothing that shows: Keras' own answers, by name of the class
    const predicted = await run(['predict', asked, '--home', second, '--json'])
    const rows = predicted.stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as { type: string, probabilities: Record<string, number> }).filter(({ probabilities }) => probabilities !== undefined)
    expect(rows).toHaveLength(labels.length)
    rows.forEach(({ probabilities }, row) => { outputs[row]!.forEach((value, label) => { expect(Math.abs(probabilities[String(label)]! - value)).toBeLessThan(0.01) }) })

    // the copy in the home
    expect(await run(['evaluate', '--home', second, '--data', data])).toMatchObject({ exit: 0 })
    expect((await run(['card', '--home', second])).stdout).toMatch(/- Started from: weights that were learnt elsewhere \(SHA-256 `[0-9a-f]{64}`\)/)
    const kept = join(second, 'weights.safetensors')
    await writeFile(kept, original.subarray(0, 700))
    for (const args of [['evaluate', '--data', data], ['export', 'latest', join(peers.folder, 'none.onnx')], ['predict', asked], ['audit', '--data', data], ['start', '--rounds', '3', ...LOOPBACK]]) {
      expect(await run([...args, '--home', second])).toMatchObject({ exit: 9, stderr: expect.stringContaining(`GRAPEVINE_E_WEIGHTS_DAMAGED: ${kept} is damaged`) as string })
    }
    await rm(kept)
    expect(await run(['start', '--rounds', '3', ...LOOPBACK, '--home', second])).toMatchObject({ exit: 3, stderr: expect.stringContaining(`GRAPEVINE_E_WEIGHTS_MISSING: ${kept} is not there`) as string })
    expect(await run(['start', '--rounds', '3', ...LOOPBACK, '--home', second, '--weights', other])).toMatchObject({ exit: 13 })
    expect(existsSync(kept)).toBe(false)
    const mended = peers.spawn('second', ['start', ...LOOPBACK, '--weights', exported.replace('after', 'mend')])
    expect(await mended.exited).toMatchObject({ code: 3 })
    const back = peers.spawn('second', ['start', ...LOOPBACK, '--weights', brought])
    await back.line('joined')
    expect(await readFile(kept)).toEqual(original)
    expect(await back.stop()).toMatchObject({ code: 0 })
  }, 240_000)
})
