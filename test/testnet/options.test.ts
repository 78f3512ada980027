import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readOrder } from '../../testnet/options.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { importWeights } from '../../src/model/initial-weights.ts'
import { encodeTensors } from '../../src/model/safetensors-file.ts'
import { inspectTopology } from '../../src/model/topology.ts'
import { epsilonsAfter } from '../../src/privacy/forecast.ts'
import { roundCharge } from '../../src/privacy/mechanism.ts'
import { presetDocument } from '../../src/presets.ts'
import type { PrivateSettings } from '../../src/federation/privacy-settings.ts'
import type { Order } from '../../testnet/options.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'grapevine-options-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function order (...argv: string[]): Promise<Order> {
  const read = await readOrder(argv, { environment: {}, workingDirectory: join(folder, 'project') }, () => {})
  return read!
}

/** The document of a preset that starts from weights of 0.125 throughout, and their file */
function weighted (): { federation: string, weights: string } {
  const { model, ...rest } = presetDocument('digits')
  const bytes = encodeTensors(inspectTopology(model).layout.map(({ name, shape, size }) => ({ name, shape: [...shape], values: new Float32Array(size).fill(0.125) })))
  const [federation, weights] = [join(folder, 'weighted.json'), join(folder, 'weighted.safetensors')]
  writeFileSync(federation, JSON.stringify({ ...rest, format: 2, model: { ...model, weights: importWeights(model, bytes).description } }))
  writeFileSync(weights, bytes)
  return { federation, weights }
}

describe('the command line', () => {
  it('takes the weights that a document starts from, and no others', async () => {
    const { federation, weights } = weighted()
    expect((await order('--federation', federation, '--weights', weights)).init).toMatchObject({ weights, federation: { format: 2 } })
    await expect(order('--federation', federation)).rejects.toThrow(/^--weights: this federation starts from weights that no peer sends/)
    await expect(order('--preset', 'digits', '--weights', weights)).rejects.toThrow('the document starts from a seed: leave it out')
    await expect(order('--federation', federation, '--weights', federation)).rejects.toThrow(/weighted\.json: no safetensors file/)
  })

  it('without flags is the private digits preset', async () => {
    const { init, report, json } = await order()
    expect(init).toMatchObject({ peers: 8, rounds: 30, preset: 'digits-private', partition: { strategy: 'dirichlet', alpha: 0.3 }, data: { kind: 'digits' }, evaluateEvery: 1, alone: true })
    expect({ report, json }).toEqual({ report: undefined, json: false })
  })

  it('overrides the preset by flags, document included', async () => {
    const { init, report } = await order('--peers', '5', '--rounds', '3', '--shards', '2', '--degree', '2', '--rule', 'trimmed-mean', '--f', '1', '--codec', 'float16',
      '--seed', '7', '--backend', 'cpu', '--threads', '2', '--data', 'digits:9', '--no-alone', '--timeout', '1.5', '--report', 'out', '--keep-homes', 'homes')
    expect(init).toMatchObject({
      peers: 5,
      rounds: 3,
      partition: { strategy: 'shards', shardsPerPeer: 2 },
      seed: 7,
      backend: 'cpu',
      threads: 2,
      data: { kind: 'digits', seed: 9 },
      alone: false,
      timeoutMs: 1500,
      homes: join(folder, 'project', 'homes'),
      federation: { aggregation: { rule: 'trimmed-mean', f: 1 }, codec: { name: 'float16' }, topology: { degree: 2 } }
    })
    expect(report).toBe(join(folder, 'project', 'out'))
  })

  it('picks the noise for an epsilon and the planned rounds, for a peer with an equal share, and says so', async () => {
    const { init, notes } = await order('--epsilon', '4', '--rounds', '3', '--peers', '4')
    expect(init.federation.privacy).toMatchObject({ mechanism: 'dp-sgd', epsilonLimit: 4, delta: 1e-5, accountant: 'pld' })
    expect(notes).toEqual([expect.stringContaining('4000 examples a peer (16000 / 4)')])
    const { noiseMultiplier } = init.federation.privacy as { noiseMultiplier: number }
    const document = parseFederation(init.federation)
    const spent = (noise: number): number => epsilonsAfter({ settings: document.privacy as PrivateSettings, charge: { ...roundCharge(document, 4000)!, noiseMultiplier: noise }, totals: [] }, 3).pld
    expect(spent(noiseMultiplier)).toBeLessThanOrEqual(4)
    expect(spent(noiseMultiplier * 0.998)).toBeGreaterThan(4)
  })

  it('hides whole datasets when asked to, with noise that the number of examples does not change', async () => {
    expect((await order('--privacy', 'update-level')).init.federation.privacy).toEqual({ mechanism: 'update-level', clipNorm: 1, noiseMultiplier: 1, epsilonLimit: 8, delta: 1e-5, accountant: 'pld' })
    const { init, notes } = await order('--privacy', 'update-level', '--epsilon', '4', '--rounds', '3')
    const { privacy } = init.federation
    expect(privacy).toMatchObject({ mechanism: 'update-level', epsilonLimit: 4 })
    expect(notes).toEqual([])
    const charge = roundCharge(parseFederation(init.federation), 100)!
    expect(charge).toMatchObject({ mechanism: 'update-level', sampleRate: 1, steps: 1 })
    const spent = epsilonsAfter({ settings: privacy as PrivateSettings, charge, totals: [] }, 3).pld
    expect(spent).toBeLessThanOrEqual(4)
    expect(spent).toBeGreaterThan(3.9)
  })

  it('switches privacy on and off', async () => {
    expect((await order('--preset', 'digits', '--privacy', 'dp-sgd')).init.federation.privacy).toMatchObject({ mechanism: 'dp-sgd', epsilonLimit: 8, noiseMultiplier: 1 })
    expect((await order()).init.federation.privacy).toMatchObject({ mechanism: 'dp-sgd', epsilonLimit: 8, delta: 1e-5 })
    expect((await order('--privacy', 'none')).init.federation.privacy).toEqual({ mechanism: 'none' })
    await expect(order('--privacy', 'none', '--epsilon', '1')).rejects.toMatchObject({ name: 'UsageError', message: expect.stringContaining('without privacy') as string })
  })

  it('reads faults, repeated or in one list', async () => {
    const { init } = await order('--kill', '1@2,2@3', '--kill', '1@9', '--restart', '1@4', '--byzantine', '1:sign-flip', '--byzantine', '2:gaussian:200')
    expect(init.kill).toEqual([{ count: 1, round: 2 }, { count: 2, round: 3 }, { count: 1, round: 9 }])
    expect(init.restart).toEqual([{ count: 1, round: 4 }])
    expect(init.byzantine).toEqual([{ count: 1, attack: 'sign-flip' }, { count: 2, attack: 'gaussian:200' }])
  })

  it('reads a document from a file, with digits and no preset', async () => {
    const file = join(folder, 'document.json')
    writeFileSync(file, JSON.stringify({ ...presetDocument('digits'), name: 'from a file' }))
    const { init } = await order('--federation', file, '--rounds', '100')
    expect(init).toMatchObject({ federation: { name: 'from a file' }, data: { kind: 'digits' }, evaluateEvery: 5 })
    expect(init.preset).toBeUndefined()
  })

  it('prints help and goes no further', async () => {
    let printed = ''
    expect(await readOrder(['--help'], { environment: {}, workingDirectory: folder }, (text) => { printed += text })).toBeUndefined()
    expect(printed).toMatch(/--byzantine.*Presets: digits-private, digits, mnist-mlp.*Exit codes: 0 done/s)
  })

  it.each([
    [['--peer', '3'], 'unknown option \'--peer\' (did you mean --peers?)'],
    [['--peers', 'three'], '--peers must be a whole number from 1 to 256, not "three"'],
    [['--peers', '0'], '--peers must be a whole number from 1 to 256, not "0"'],
    [['--dirichlet', '-1'], '--dirichlet must be a number above 0, at most 1000000, not "-1"'],
    [['--dirichlet', '1', '--iid'], '\'--dirichlet <alpha>\' cannot be used with option \'--iid\''],
    [['--preset', 'digit'], 'unknown preset "digit" (did you mean "digits"?)'],
    [['--preset', 'digits', '--federation', 'x.json'], '\'--preset <name>\' cannot be used with option \'--federation <file>\''],
    [['--backend', 'opencl'], 'unknown backend "opencl": known are auto, tensorflow, wasm, cpu'],
    [['--kill', '1'], '--kill must be NUMBER@ROUND, such as 1@2, not "1"'],
    [['--restart', '0@2'], '--restart must be NUMBER@ROUND, such as 1@2, not "0@2"'],
    [['--byzantine', 'sign-flip'], '--byzantine must be NUMBER:ATTACK or NUMBER:ATTACK:STRENGTH, such as 1:sign-flip, not "sign-flip"'],
    [['--byzantine', '1:sing-flip'], '--byzantine: unknown attack "sing-flip" (did you mean "sign-flip"?)'],
    [['--data', 'mnist'], '--data must be digits, digits:SEED, idx:DIR, csv:FILE, parquet:FILE, jsonl:FILE, npy:PATH, images:FOLDER or text:PATH, not "mnist"'],
    [['--data', 'digits:4294967296'], '--data must be digits, digits:SEED'],
    [['--rule', 'krumm'], 'aggregation.rule'],
    [['--privacy', 'dp-sdg'], 'unknown privacy mechanism "dp-sdg" (did you mean "dp-sgd"?)'],
    [['--epsilon', '0'], '--epsilon must be a number above 0, at most 1000, not "0"'],
    [['--timeout', ''], '--timeout must be a number above 0, at most 2147483, not ""'],
    [['--timeout', '2147484'], '--timeout must be a number above 0, at most 2147483, not "2147484"'],
    [['--preset', 'digits', '--data', 'csv:table.csv'], '--data csv: needs a document for that table, which no preset is'],
    [['--label', 'x'], '--label and --task are for a document that is made to fit a table'],
    [['--data', 'csv:table.csv', '--task', 'clases'], 'unknown task "clases" (did you mean "classes"?)'],
    [['8'], 'too many arguments. Expected 0 arguments but got 1'],
    [['--federation', '/nowhere.json'], '--federation: cannot read /nowhere.json']
  ])('refuses %j in one line', async (argv, message) => {
    const error = await order(...argv).then(() => undefined, (err: Error) => err)
    expect(error?.name).toBe('UsageError')
    expect(error?.message).toContain(message)
    expect(error?.message).not.toContain('\n')
  })

  it('makes the document fit a table where none was named, for as many peers as there are', async () => {
    const file = join(folder, 'doses.csv')
    writeFileSync(file, ['age,dose,ward', ...Array.from({ length: 60 }, (_, i) => `${i},${2 * i + 0.5},${i % 3 === 0 ? 'a' : 'b'}`), ''].join('\n'))
    const classes = await order('--data', `csv:${file}`)
    expect(classes.init).toMatchObject({ peers: 4, rounds: 10, partition: { strategy: 'iid' }, data: { kind: 'csv', file }, federation: { name: 'doses', model: { labels: ['a', 'b'] }, topology: { degree: 3 } } })
    expect(classes.init).not.toHaveProperty('preset')
    expect(classes.notes).toEqual(['the document is made to fit the data, as grapevine init would: 2 classes'])
    const number = await order('--data', `csv:${file}`, '--label', 'dose', '--task', 'regression', '--peers', '2', '--epsilon', '4', '--privacy', 'update-level')
    expect(number.init.federation).toMatchObject({ model: { input: { label: 'dose' } }, aggregation: { rule: 'mean' }, privacy: { mechanism: 'update-level' } })
    expect(number.notes[0]).toBe('the document is made to fit the data, as grapevine init would: the number "dose"')
    expect(number.notes[1]).toMatch(/withstands nobody who lies/)
    await expect(order('--data', `csv:${file}`, '--label', 'dos')).rejects.toMatchObject({ name: 'DatasetError', message: expect.stringContaining('did you mean') as string })
  })

  it('takes a document with comments', async () => {
    const file = join(folder, 'commented.json')
    writeFileSync(file, `// a comment\n${JSON.stringify(presetDocument('digits'), null, 2).replace('"model"', '\n// another\n"model"')}`)
    expect((await order('--federation', file)).init.federation).toEqual(presetDocument('digits'))
  })

  it('names the field of a document that is wrong', async () => {
    const file = join(folder, 'wrong.json')
    writeFileSync(file, JSON.stringify({ ...presetDocument('digits'), training: { epochs: 0, batchSize: 32, optimizer: { name: 'sgd', learningRate: 1 } } }))
    await expect(order('--federation', file)).rejects.toMatchObject({ name: 'InvalidFederationError', message: expect.stringContaining('training.epochs') as string })
    const document = presetDocument('digits')
    writeFileSync(file, JSON.stringify({ ...document, model: { ...document.model, topology: {} } }))
    await expect(order('--federation', file)).rejects.toMatchObject({ name: 'InvalidFederationError', message: expect.stringContaining(`${file}: model.topology: `) as string })
    writeFileSync(file, '{\n"name" "x"')
    await expect(order('--federation', file)).rejects.toMatchObject({ name: 'InvalidFederationError', message: expect.stringMatching(/wrong\.json is not JSON: [^\n]*$/) as string })
  })

  it('says in one line where it wants the MNIST files', async () => {
    await expect(order('--preset', 'mnist-mlp')).rejects.toMatchObject({
      name: 'DatasetError',
      message: 'preset mnist-mlp needs the MNIST files: give their folder with --data idx:DIR, or name it in GRAPEVINE_MNIST'
    })
  })

  it('takes the MNIST files from where they are named', async () => {
    const { init } = await order('--preset', 'mnist-mlp', '--data', 'idx:/data/mnist')
    expect(init).toMatchObject({ peers: 4, rounds: 3, data: { kind: 'idx', directory: '/data/mnist' }, federation: { topology: { degree: 3 } } })
  })
})
