/**
 * `grapevine document`: what is said of a document is what the document says
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { founding } from '../../peer/founding.ts'
import { templateText } from '../../peer/document-template.ts'
import { readFederationFile, writeFoundingDocument } from '../../peer/home.ts'
import { Terminal } from '../../peer/terminal.ts'
import { document as verb } from '../../peer/verbs/document.ts'
import { encodeFederation, parseFederation } from '../../src/federation/document.ts'
import { federationId } from '../../src/federation/federation-id.ts'
import { rangeMoments } from '../../src/federation/input-shape.ts'
import { encodeTensors } from '../../src/model/safetensors-file.ts'
import { denseTopology } from '../../src/model/topology.ts'
import { PRESET_NAMES, presetDocument } from '../../src/presets.ts'
import { hostileText, steering } from '../hostile-text.ts'
import { run } from './program.ts'
import type { FederationDocument, FederationInit } from '../../src/federation/document.ts'

let folder: string

beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'gv-document-')) })
afterAll(async () => { await rm(folder, { recursive: true }) })

/** Patients: a declared range, a mean of nobody knows whom, values */
function patients ({ age = 'age', ward = 'ward', classes = ['ill', 'well'] as string[], unit = 'kg' } = {}): FederationDocument {
  return parseFederation({
    ...presetDocument('digits'),
    format: 2,
    name: 'patients',
    model: {
      topology: denseTopology({ inputShape: [4], hidden: [3], classes: classes.length }),
      seed: 1,
      loss: 'categoricalCrossentropy',
      input: {
        kind: 'table',
        label: 'outcome',
        columns: [
          { kind: 'numeric', name: age, min: 0, max: 120, ...rangeMoments({ min: 0, max: 120 }) },
          { kind: 'numeric', name: 'weight', mean: 71.25, stdDev: 9, unit },
          { kind: 'categorical', name: ward, values: ['a', 'b'] }
        ]
      },
      labels: classes
    }
  } satisfies FederationInit)
}

async function written (name: string, value: unknown): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, typeof value === 'string' ? value : JSON.stringify(value))
  return file
}

interface Answer {
  exit: number
  text: string
  warnings: string
}

async function answer (args: readonly string[], { json = false, home = join(folder, 'none') } = {}): Promise<Answer> {
  const texts = ['', '']
  const [stdout, stderr] = texts.map((_, i) => Object.assign(new PassThrough({ encoding: 'utf8' }).on('data', (chunk: string) => { texts[i] += chunk }), { isTTY: false }))
  const terminal = new Terminal({ json, quiet: false, verbose: false, colour: false, environment: {}, stdout: stdout as unknown as NodeJS.WriteStream, stderr: stderr as unknown as NodeJS.WriteStream })
  const exit = await verb({ terminal, home, settings: {}, origins: {}, args })
  await terminal.flush()
  return { exit, text: texts[0]!, warnings: texts[1]! }
}

async function event (args: readonly string[]): Promise<Record<string, unknown>> {
  return JSON.parse((await answer(args, { json: true })).text) as Record<string, unknown>
}

/** JSON in UTF-8 has no halves of characters */
function wellFormed (text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd')
}

/** Pictures with a mean that is nobody's known one */
function pixels (mean: number): Omit<FederationDocument, 'model'> & { model: object } {
  const { model, ...rest } = presetDocument('digits')
  return { ...rest, model: { ...model, input: { ...model.input, mean } } }
}

interface Field { path: string, value: unknown, state: string, meaning: string, provenance?: string }

describe('grapevine document explain', () => {
  it.each(PRESET_NAMES)('tells each value of %s, and its id', async (name) => {
    const file = await written(`${name}.json`, presetDocument(name))
    const { text } = await answer(['explain', file])
    expect(text).toContain(federationId(encodeFederation(presetDocument(name))))
    expect(text).toContain(`topology.degree = ${presetDocument(name).topology.degree} peers, given`)
    expect(steering(text)).toBeUndefined()
    expect(text).not.toMatch(/undefined|\[object|NaN/)
  })

  it('says what follows from a declared range, and what nobody can know', async () => {
    const fields = (await event(['explain', await written('patients.json', patients())]))['fields'] as Field[]
    const of = (path: string): Field => fields.find((field) => field.path === path)!
    expect(of('model.input.columns.0.mean').provenance).toMatch(/^follows from the declared range/)
    expect(of('model.input.columns.1.mean').provenance).toMatch(/^computed from the founder's rows, or known from elsewhere/)
    expect(of('model.input.columns.2.values').provenance).toMatch(/founder's word, or found/)
    expect(of('training.batchSize')).toMatchObject({ value: 32, state: 'given', unit: 'examples' })
    expect(of('training.batchSize').provenance).toBeUndefined()
  })

  it('says of pixels whether they are standardised by somebody\'s pictures', async () => {
    const provenance = async (input: object): Promise<string | undefined> => {
      const document = presetDocument('digits')
      const file = await written('pixels.json', { ...document, model: { ...document.model, input: { ...document.model.input, ...input } } })
      return ((await event(['explain', file]))['fields'] as Field[]).find(({ path }) => path === 'model.input.mean')!.provenance
    }
    expect(await provenance({ mean: 0.31 })).toMatch(/founder's pictures/)
    expect(await provenance({})).toMatch(/same for all pictures/)
    expect(await provenance({ mean: 0.5, stdDev: 1 / Math.sqrt(12) })).toMatch(/same for all pictures/)
    expect(await provenance({ mean: 0, stdDev: 1 })).toMatch(/same for all pictures/)
    expect(await provenance({ mean: 0.5, stdDev: 0.25 })).toMatch(/same for all pictures/)
  })

  it('tells a default from what was given, and of a home what its document has', async () => {
    const { model, ...rest } = presetDocument('digits')
    const file = await written('short.json', { ...rest, model: { ...model, input: { kind: 'image', shape: [28, 28, 1] } } })
    expect((await answer(['explain', file])).text).toMatch(/model\.input\.mean = 0 share of full brightness, the default/)
    const home = await mkdtemp(join(folder, 'home-'))
    await writeFile(join(home, 'grapevine.toml'), '')
    await writeFoundingDocument(home, presetDocument('digits-private'))
    const { text } = await answer(['explain'], { home })
    expect(text).toContain('privacy.noiseMultiplier = 0.9 clipNorm, given')
    expect(text).toMatch(/hides each single example of a peer/)
  })

  it('lets no text of a stranger steer the terminal, nor end a line', async () => {
    await fc.assert(fc.asyncProperty(hostileText, async (hostile) => {
      const name = wellFormed(hostile.slice(0, 200))
      const file = await written('hostile.json', patients({ age: `${name}1`, ward: `${name}2`, classes: [`${name}3`, `${name}4`], unit: `u${wellFormed(hostile.slice(0, 31))}` }))
      const plain = await answer(['explain', await written('plain.json', patients())])
      const { text } = await answer(['explain', file])
      expect(steering(text)).toBeUndefined()
      expect(text.split('\n')).toHaveLength(plain.text.split('\n').length)
    }), { numRuns: 30 })
  })

  it('shows the first of thousands of columns, and has all in JSON', async () => {
    const document = patients()
    const columns = Array.from({ length: 1000 }, (_, i) => ({ kind: 'numeric', name: `c${i}`, mean: 0, stdDev: 1 }))
    const file = await written('wide.json', { ...document, format: 1, model: { ...document.model, topology: denseTopology({ inputShape: [1000], hidden: [], classes: 2 }), input: { kind: 'table', label: 'outcome', columns } } })
    const { text } = await answer(['explain', file])
    expect(text).toContain('and 744 columns more')
    expect(((await event(['explain', file]))['fields'] as Field[]).filter(({ path }) => /^model\.input\.columns\.\d+\.name$/.test(path))).toHaveLength(1000)
  })
})

describe('grapevine document check', () => {
  it('names each problem on a line of its own', async () => {
    const file = await written('bad.json', { ...presetDocument('digits'), nam: 'x', topology: { degree: 0 }, round: { deadlineMs: 1, staleness: 1 } })
    await expect(answer(['check', file])).rejects.toThrow(/bad\.json is no valid document: 3 problems$/)
    const { exit, stdout, stderr } = await run(['document', 'check', file])
    expect({ exit, lines: stdout.trimEnd().split('\n') }).toEqual({
      exit: 3,
      lines: ['topology.degree: must be at least 1', 'round.deadlineMs: must be at least 100', 'unknown field "nam" (did you mean "name"?)']
    })
    expect(stderr).toMatch(/^error GRAPEVINE_E_FEDERATION_INVALID: .*3 problems\. Correct the federation document\n$/)
  })

  it('looks at the layers, too', async () => {
    const document = presetDocument('digits')
    const file = await written('layers.json', { ...document, model: { ...document.model, labels: ['a', 'b'] } })
    await expect(answer(['check', file])).rejects.toThrow('1 problem')
  })

  it('gives the id of a valid one', async () => {
    const file = await written('good.json', presetDocument('digits'))
    const { exit, text, warnings } = await answer(['check', file])
    expect({ exit, warnings }).toEqual({ exit: 0, warnings: '' })
    expect(text).toContain(federationId(encodeFederation(presetDocument('digits'))))
  })

  const dpSgd = presetDocument('digits-private').privacy

  it.each([
    ['trusts everybody', { ...presetDocument('digits'), aggregation: { rule: 'mean', f: 1 } }, /aggregation: mean, f = 1: trusts everybody/],
    ['withstands nobody', { ...presetDocument('digits'), aggregation: { rule: 'median', f: 0 } }, /aggregation: median, f = 0: trusts everybody/],
    ['tells a mean of pixels beside a promise', { ...pixels(0.31), privacy: dpSgd }, /under dp-sgd the document tells the mean and deviation of pixels/],
    ['tells means of a table beside a promise', { ...patients(), privacy: dpSgd }, /tells means and deviations of "weight":/],
    ['tells names of a table beside a promise', { ...patients(), privacy: dpSgd }, /tells the values of "ward"[^]*tells the classes of "outcome"/],
    ['drowns an update in noise', { ...presetDocument('digits'), privacy: { mechanism: 'update-level', clipNorm: 1, noiseMultiplier: 2, epsilonLimit: 8, delta: 1e-5 } }, /noise of 5 peers' mean update is 200 times/],
    ['changes more neighbours than there are', { ...presetDocument('digits'), topology: { degree: 4, resample: 9 } }, /topology: resample is 9/],
    ['was changed by its members', { ...presetDocument('digits'), format: 2, epoch: { number: 1, federation: `bafyrei${'a'.repeat(52)}`, previous: `bafyrei${'a'.repeat(52)}` } }, /epoch: .*cannot check who decided on it/]
  ])('warns of a document that %s', async (_, document, expected) => {
    const { exit, warnings } = await answer(['check', await written('odd.json', document)])
    expect(exit).toBe(0)
    expect(warnings).toMatch(expected)
  })
})

/** Four words, and a frozen table of them from a file */
function words (sha256: string): FederationDocument {
  const topology = {
    class_name: 'Sequential',
    config: {
      layers: [
        { class_name: 'Embedding', config: { name: 'words', input_dim: 6, output_dim: 2, trainable: false } },
        { class_name: 'GlobalAveragePooling1D', config: { name: 'mean' } },
        { class_name: 'Dense', config: { name: 'out', units: 2, activation: 'softmax' } }
      ]
    }
  }
  const { model: _, ...digits } = presetDocument('digits')
  const input = { kind: 'text' as const, length: 3, tokens: 'words' as const, vocabulary: ['cough', 'fever', 'jones', 'smith'] }
  const bytes = encodeTensors([
    { name: 'words/embeddings', shape: [6, 2], values: new Float32Array(12) },
    { name: 'out/kernel', shape: [2, 2], values: new Float32Array(4) },
    { name: 'out/bias', shape: [2], values: new Float32Array(2) }
  ]).byteLength
  return parseFederation({ ...digits, format: 2, model: { topology, weights: { sha256, bytes }, seed: 1, loss: 'categoricalCrossentropy', input, labels: ['a', 'b'] } })
}

describe('a document that starts from weights', () => {
  it('is explained with the file that is needed', async () => {
    const { text } = await answer(['explain', await written('words.json', words('ab'.repeat(32)))])
    expect(text).toMatch(/starts from a file of \d+ bytes that no peer sends, of SHA-256 (ab){32}: ask the founder for it/)
    expect(text).toMatch(/words: embedding.* 12 weights that are in that file and do not learn/)
    expect(text).toMatch(/model\.weights\.sha256 = .*abab/)
    expect(text).not.toMatch(/stand in the document and do not learn/)
  })

  it('is another model with other frozen weights', async () => {
    const [a, b] = [await written('a.json', words('ab'.repeat(32))), await written('b.json', words('cd'.repeat(32)))]
    expect((await answer(['diff', a, b])).text).toMatch(/models have other parameters/)
  })
})

describe('grapevine document diff', () => {
  it('calls a default that is written out no difference', async () => {
    const document = presetDocument('mnist-private')
    const { accuracy: _, ...privacy } = { accuracy: 0, ...document.privacy as object } as Record<string, unknown>
    delete privacy['accountant']
    const [a, b] = [await written('a.json', document), await written('b.json', { ...document, privacy })]
    expect(await answer(['diff', a, b])).toEqual({ exit: 0, text: `the same document: ${federationId(encodeFederation(document))}\n`, warnings: '' })
  })

  it('shows both values, and says that their peers never meet', async () => {
    const document = presetDocument('digits')
    const [a, b] = [await written('a.json', document), await written('b.json', { ...document, topology: { degree: 5, resample: 1 } })]
    const { exit, text } = await answer(['diff', a, b])
    expect(exit).toBe(15)
    expect(text.split('\n').slice(0, 2)).toEqual(['topology.degree: 4 | 5  (neighbours of each peer)', expect.stringMatching(/^topology\.resample: not there: neighbours stay \| 1 /) as string])
    expect(text).toMatch(/two federations: the ids differ/)
    expect(text).toMatch(/inputs and outputs mean the same/)
    expect(text).toMatch(/the same parameters/)
  })

  it('takes columns by their names: one that was put in between is one difference', async () => {
    const document = patients()
    const { input } = document.model
    const columns = input.kind === 'table' ? input.columns : []
    const more = { ...document, model: { ...document.model, topology: denseTopology({ inputShape: [5], hidden: [3], classes: 2 }), input: { ...input, columns: [columns[0], { kind: 'numeric', name: 'height', mean: 1, stdDev: 2 }, ...columns.slice(1)] } } }
    const differences = (await event(['diff', await written('a.json', document), await written('b.json', more)]))['differences'] as Array<{ path: string }>
    expect(differences.map(({ path }) => path).filter((path) => path !== 'model.topology' && !path.startsWith('model.input.columns["height"].'))).toEqual([])
    const { text } = await answer(['diff', join(folder, 'a.json'), join(folder, 'b.json')])
    expect(text).toMatch(/inputs or outputs mean something else/)
    expect(text).toMatch(/other parameters/)
  })

  it('sees another order of columns', async () => {
    const document = patients()
    const { input } = document.model
    const turned = { ...document, model: { ...document.model, input: { ...input, columns: input.kind === 'table' ? [...input.columns].reverse() : [] } } }
    const { exit, text } = await answer(['diff', await written('a.json', document), await written('b.json', turned)])
    expect(exit).toBe(15)
    expect(text).toMatch(/^model\.input\.columns: \["age", "weight", "ward"\] \| \["ward", "weight", "age"\]/)
  })

  it('lists something whenever the ids differ, and nothing when they do not', async () => {
    const presets = PRESET_NAMES.map((name) => presetDocument(name))
    for (const [i, one] of presets.entries()) {
      const other = presets[(i + 1) % presets.length]!
      expect(((await event(['diff', await written('a.json', one), await written('b.json', other)]))['differences'] as unknown[]).length).toBeGreaterThan(0)
    }
    const zero = patients()
    const input = zero.model.input as { columns: Array<{ mean?: number }> }
    const signed = structuredClone(zero)
    const signedInput = signed.model.input as typeof input
    input.columns[1]!.mean = 0
    signedInput.columns[1]!.mean = -0
    const files = [await written('a.json', zero), await written('b.json', JSON.stringify(signed).replace('"mean":0,"stdDev":9', '"mean":-0,"stdDev":9'))] as const
    const { same, differences } = await event(['diff', ...files])
    expect((differences as unknown[]).length === 0).toBe(same)
  })
})

describe('grapevine document template', () => {
  it.each(PRESET_NAMES)('is %s again when it is read', async (name) => {
    const file = await written('template.json', await templateText(presetDocument(name)))
    expect(await readFederationFile(file)).toEqual(presetDocument(name))
  })

  it('says at each field what it is, and what may be added', async () => {
    const { text } = await answer(['template'])
    expect(text).toMatch(/\/\/ neighbours of each peer \(whole number from 1 to 64, in peers\)\n\s+"degree": 4/)
    expect(text).toMatch(/\/\/ May be added: "resample": whole number from 0 to 64/)
    expect(await readFederationFile(await written('shown.json', text))).toEqual(presetDocument('digits'))
  })

  it('keeps every text of a stranger, and shows none that steers', async () => {
    await fc.assert(fc.asyncProperty(hostileText, async (hostile) => {
      const name = wellFormed(hostile.slice(0, 200))
      const document = patients({ age: `// ${name}1`, ward: `\u2028// ${name}2`, classes: [`\n//${name}3`, `${name}4`] })
      const text = await templateText(document)
      expect(steering(text)).toBeUndefined()
      expect(await readFederationFile(await written('hostile.json', text))).toEqual(document)
    }), { numRuns: 50 })
  })

  it('tells the line of a mistake, comments counted', async () => {
    const file = await written('broken.json', '// one\n{\n  // two\n  "format": 1,,\n}')
    await expect(readFederationFile(file)).rejects.toThrow(/broken\.json is not JSON/)
    expect(await readFile(file, 'utf8')).toContain('// two')
  })
})

describe('grapevine document', () => {
  it.each([
    [['document'], 2, /needs an action: known are explain \[FILE or HOME\], check FILE/],
    [['document', 'explian'], 2, /did you mean explain\?/],
    [['document', 'diff', 'a'], 2, /it is grapevine document diff FILE-OR-HOME FILE-OR-HOME, not 1 name/],
    [['document', 'check', '/nonexistent.json'], 3, /there is no such file/],
    [['document', 'explain', '/nonexistent.json'], 3, /there is no such file/]
  ] as const)('%j ends with %i', async (args, exit, message) => {
    const outcome = await run(args)
    expect(outcome.exit).toBe(exit)
    expect(outcome.stderr).toMatch(message)
  })
})

describe('a private document that flags make of a file', () => {
  const refusal = async (settings: Parameters<typeof founding>[0]): Promise<string> => founding(settings).then(() => 'founded', (err: Error) => `${err.name}: ${err.message}`)

  it('is refused where the file tells means that nobody knows to be nobody\'s', async () => {
    const federation = await written('open.json', patients())
    expect(await refusal({ federation })).toBe('founded')
    expect(await refusal({ federation, epsilon: 8 })).toMatch(/^UsageError: under dp-sgd the document may tell nothing that was computed from anybody's data, and .*open\.json tells means and deviations of "weight": put declared ranges in their place .*\(--publish-statistics\)/)
    expect(await refusal({ federation: await written('pixels.json', pixels(0.31)), privacy: 'dp-sgd' })).toMatch(/tells the mean and deviation of pixels/)
    expect(await refusal({ federation: await written('preset.json', presetDocument('digits')), privacy: 'dp-sgd' })).toBe('founded')
    expect(await refusal({ federation, privacy: 'none' })).toBe('founded')
  })

  it('is founded where they may be told, and warns of the names that it tells', async () => {
    const federation = await written('open.json', patients())
    const { document, remarks } = await founding({ federation, epsilon: 8, publishStatistics: true })
    expect(document.privacy).toMatchObject({ mechanism: 'dp-sgd', epsilonLimit: 8 })
    expect(remarks).toEqual([
      expect.stringMatching(/^under dp-sgd this document still tells the values of "ward": where they were found/),
      expect.stringMatching(/the classes of "outcome"/)
    ])
  })

  it('warns of the words of a vocabulary, which may be somebody\'s', async () => {
    const { weights: _, ...model } = words('ab'.repeat(32)).model
    const topology = { class_name: 'Sequential', config: { layers: [{ class_name: 'Embedding', config: { name: 'words', input_dim: 6, output_dim: 2 } }, { class_name: 'Flatten', config: { name: 'flat' } }, { class_name: 'Dense', config: { name: 'out', units: 2, activation: 'softmax' } }] } }
    const federation = await written('vocabulary.json', { ...presetDocument('digits'), format: 2, model: { ...model, topology } })
    const { remarks } = await founding({ federation, epsilon: 8 })
    expect(remarks!.join('\n')).toMatch(/under dp-sgd this document still tells the 4 words of the vocabulary: where they were found/)
  })

  it('is founded where only declared ranges stand in it', async () => {
    const document = patients()
    const { input } = document.model
    const columns = input.kind === 'table' ? input.columns.map((column) => column.kind === 'numeric' ? { ...column, min: 0, max: 200, ...rangeMoments({ min: 0, max: 200 }) } : column) : []
    const federation = await written('declared.json', { ...document, model: { ...document.model, input: { ...input, columns } } })
    expect(await refusal({ federation, epsilon: 8 })).toBe('founded')
  })

  it('that promises privacy itself is taken as its founders made it', async () => {
    expect(await refusal({ federation: await written('private.json', { ...patients(), privacy: presetDocument('digits-private').privacy }) })).toBe('founded')
    expect(await refusal({ federation: await written('private.json', presetDocument('digits-private')), epsilon: 2 })).toBe('founded')
    expect(await refusal({ federation: await written('plain.json', presetDocument('digits')), publishStatistics: true })).toMatch(/^UsageError: --publish-statistics lets a document tell/)
  })
})
