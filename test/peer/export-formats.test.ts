/**
 * What `grapevine export` and `grapevine card` write. Run `npm run build` first, as `npm test` does
 */
import { chmod, cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-web'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { encodeFederation, parseFederation } from '../../src/federation/document.ts'
import { modelCard } from '../../peer/model-card.ts'
import { presetDocument } from '../../src/presets.ts'
import { run } from './program.ts'
import type { CardFacts } from '../../peer/model-card.ts'

// several programs one after the other, on a machine that may have other work
vi.setConfig({ testTimeout: 120_000 })

const HOMES = join(import.meta.dirname, '../fixtures/homes-0.1')

let folder: string
let home: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapevine-export-'))
  home = join(folder, 'home')
})
afterEach(async () => rm(folder, { recursive: true, force: true }))

async function copyOf (name: string): Promise<void> {
  await cp(join(HOMES, name), folder, { recursive: true })
  await chmod(join(home, 'identity.key'), 0o600)
}

describe('an export by its extension', () => {
  beforeEach(async () => copyOf('plain'))

  it('is an ONNX file that answers rows of the data as predict does', async () => {
    const file = join(folder, 'model.onnx')
    expect(await run(['export', 'latest', file, '--home', home, '--json'])).toMatchObject({ exit: 0, stdout: expect.stringContaining('"format":"onnx"') as string })
    const { stdout } = await run(['predict', join(folder, 'patients.csv'), '--home', home, '--backend', 'cpu'])
    const [names, ...rows] = (await readFile(join(folder, 'patients.csv'), 'utf8')).trimEnd().split(/\r?\n/).map((line) => line.split(','))
    ort.env.wasm.numThreads = 1
    const session = await ort.InferenceSession.create(await readFile(file))
    const cells = (name: string): string[] => rows.map((row) => row[names!.indexOf(name)]!)
    const numbers = (name: string): ort.Tensor => new ort.Tensor('float64', Float64Array.from(cells(name), Number), [rows.length, 1])
    const answer = await session.run({ width: numbers('width'), height: numbers('height'), weight: numbers('weight'), ward: new ort.Tensor('string', cells('ward'), [rows.length, 1]) })
    expect(stdout.trimEnd().split('\n').slice(1).map((line) => line.split(',')[1])).toEqual([...answer['label']!.data as unknown as string[]])
  })

  it('is a safetensors file with the weights by name, whose header says what they are; nothing is replaced', async () => {
    const file = join(folder, 'model.safetensors')
    expect(await run(['export', 'latest', file, '--home', home])).toMatchObject({ exit: 0 })
    const bytes = await readFile(file)
    const length = Number(bytes.readBigUInt64LE())
    expect(length % 8).toBe(0)
    const { __metadata__: metadata, ...tensors } = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<string, Record<string, unknown>>
    expect(metadata).toMatchObject({ federation: 'patients', round: '10', mixed: 'true', labels: '["high","low","mid"]' })
    expect(tensors['dense_1/kernel']).toEqual({ dtype: 'F32', shape: [7, 16], data_offsets: [0, 4 * 7 * 16] })
    const ends = Object.values(tensors).map(({ data_offsets: offsets }) => (offsets as number[])[1]!)
    expect(bytes.byteLength).toBe(8 + length + Math.max(...ends))
    expect(await run(['export', 'newest', file, '--home', home])).toMatchObject({ exit: 2, stderr: expect.stringContaining('is there already; name a new file') as string })
    expect(await readFile(file)).toEqual(bytes)
    expect(await run(['export', 'newest', join(folder, 'none', 'model.onnx'), '--home', home])).toMatchObject({ exit: 9 })
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([])
  })
})

describe('a model card', () => {
  it('says what was spent on whose data, and that its figures are theirs', async () => {
    await copyOf('private')
    const { exit, stdout, stderr } = await run(['card', '--home', home, '--ledgers', join(folder, 'ledgers')])
    expect({ exit, stderr }).toMatchObject({ exit: 0, stderr: expect.stringContaining('without noise') as string })
    expect(stdout).toMatch(/- Mechanism: dp-sgd, /)
    expect(stdout).toMatch(/- Spent: epsilon 3\.56 of 8 \(delta 1e-5, pld, per example\)/)
    expect(stdout).toMatch(/an upper bound of each single example of this machine's data/)
    // a copy without its ledger is no reason for no card, and none for a number
    const output = join(folder, 'card.md')
    expect(await run(['card', 'latest', '--home', home, '--ledgers', join(folder, 'elsewhere'), '--output', output])).toMatchObject({ exit: 0 })
    expect(await readFile(output, 'utf8')).toMatch(/- Spent: not known here: /)
  })

  it('holds strangers\' names as text, whatever markup is in them', () => {
    const preset = presetDocument('digits')
    const labels = ['<script>', '[a](b)\u001b[31m', 'a|b']
    const document = parseFederation({
      ...preset,
      aggregation: { rule: 'mean', f: 0 },
      model: { ...preset.model, topology: { class_name: 'Sequential', config: { layers: [{ class_name: 'Dense', config: { name: 'd', units: 3, activation: 'softmax' } }] } }, labels, input: { kind: 'table', label: '`x`', columns: [{ kind: 'numeric', name: 'a | b', mean: 0, stdDev: 1 }] } }
    })
    expect(encodeFederation(document).length).toBeGreaterThan(0)
    const version = { id: 'f'.repeat(64), round: 3, parents: [], parametersHash: '', parameterCount: 6, createdAt: 0, metrics: { accepted: 0 }, mixed: false }
    const facts: CardFacts = { document, federationId: 'bafy', version, others: undefined, privacy: undefined, neighboursNeeded: 1 }
    const card = modelCard(facts)
    expect(card).toContain('- Classes: \\<script\\>, \\[a\\](b)\ufffd\\[31m, a\\|b')
    expect(card).toContain('| a \\| b | number |')
    expect(card).toContain('the column \\`x\\`')
    expect(card).toContain('a single member that lies can make this model what it wants')
    expect(card).toContain('trained alone: no neighbour took part')
    expect(card).toContain('was not evaluated')
  })
})
