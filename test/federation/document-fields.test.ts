/**
 * What is said of the fields of a document is said of all of them, and is true
 */
import { describe, expect, it } from 'vitest'
import { federationProblems, neededFormat, parseFederation } from '../../src/federation/document.ts'
import { documentEntries, documentFields, fieldText } from '../../src/federation/document-fields.ts'
import { FIELD_TEXTS } from '../../src/federation/field-texts.ts'
import { PRESET_NAMES, presetDocument } from '../../src/presets.ts'
import type { FederationDocument } from '../../src/federation/document.ts'

type Json = Record<string, unknown>

function digits (change: (document: Record<string, Json>) => void = () => {}): unknown {
  const document = structuredClone(presetDocument('digits')) as unknown as Record<string, Json>
  change(document)
  return document
}

const NUMERIC = { kind: 'numeric', name: 'age', mean: 50, stdDev: 20 }
const CATEGORICAL = { kind: 'categorical', name: 'ward', values: ['a', 'b'] }

function table (input: Json, columns: Json[] = [NUMERIC, CATEGORICAL]): unknown {
  return digits(({ model }) => { model!['input'] = { kind: 'table', label: 'outcome', columns, ...input } })
}

const FIRST = `bafyrei${'a'.repeat(52)}`

/** Each with a field more than a document of format 1 has, or with none */
const EXAMPLES: Record<string, unknown> = {
  ...Object.fromEntries(PRESET_NAMES.map((name) => [name, presetDocument(name)])),
  table: table({}),
  other: table({}, [{ ...CATEGORICAL, other: true }]),
  epoch: digits((document) => { Object.assign(document, { format: 2, epoch: { number: 1, federation: FIRST, previous: FIRST } }) }),
  resize: digits(({ model }) => { Object.assign(model!['input'] as Json, { resize: 'bilinear' }) }),
  bits: digits(({ model }) => { Object.assign(model!['input'] as Json, { bits: 16 }) }),
  unit: table({}, [{ ...NUMERIC, unit: 'years' }]),
  range: table({}, [{ ...NUMERIC, min: 0, max: 100 }]),
  constant: table({}, [{ ...NUMERIC, missing: { constant: 40 } }]),
  indicator: table({}, [{ ...NUMERIC, missing: { indicator: true } }]),
  category: table({}, [{ ...CATEGORICAL, missing: true }]),
  marks: table({ marks: ['-9'] }),
  group: table({ group: 'patient' }),
  weights: digits(({ model }) => { model!['classWeights'] = Array.from({ length: 10 }, () => 2) }),
  clipping: digits((document) => { document['privacy'] = { ...presetDocument('digits-private').privacy, adaptiveClipping: { quantile: 0.5, learningRate: 0.2, countDeviation: 20 } } }),
  resample: digits(({ topology, aggregation }) => { topology!['resample'] = 1; aggregation!['quarantine'] = false })
}

/** In the format that it needs */
function example (name: string): FederationDocument {
  const value = EXAMPLES[name] as Json
  const problems = federationProblems(value)
  return parseFederation(problems.some((problem) => problem.startsWith('format')) ? { ...value, format: 2 } : value)
}

describe('the texts of fields', () => {
  it('are of every field of the schema (a new one needs a line in src/federation/field-texts.ts)', () => {
    expect(documentFields().filter(({ path, of }) => fieldText(path, of) === undefined).map(({ path }) => path)).toEqual([])
  })

  it('are of no field that there is not', () => {
    const used = new Set(documentFields().map(({ path, of }) => fieldText(path, of)))
    expect(Object.entries(FIELD_TEXTS).filter(([, text]) => !used.has(text)).map(([path]) => path)).toEqual([])
  })

  it('say what it means that a field is not there, just where it may be left out', () => {
    const wrong = documentFields().filter(({ path, of, isOptional }) => (fieldText(path, of)?.absent !== undefined) !== isOptional)
    expect(wrong.map(({ path }) => path)).toEqual([])
  })

  it.each(Object.keys(EXAMPLES))('name the format of the fields of %s as a reader needs it', (name) => {
    const document = example(name)
    const formats = documentEntries(document, document).filter(({ value }) => value !== undefined).map(({ field, of }) => fieldText(field, of)?.format ?? 1)
    expect(Math.max(...formats)).toBe(neededFormat(document))
  })
})

describe('the fields of a schema', () => {
  it.each([
    ['training.batchSize', undefined, { type: 'whole number from 1 to 65536', isOptional: false, default: undefined }],
    ['model.input.stdDev', 'image', { type: 'number above 0', isOptional: false, default: 1 }],
    ['training.optimizer.momentum', 'sgd', { type: 'number at least 0, below 1', isOptional: false, default: 0 }],
    ['privacy.accountant', 'dp-sgd or update-level', { type: 'one of "pld", "rdp"', isOptional: false, default: 'pld' }],
    ['model.input.columns.*.values', 'categorical', { type: 'list of 1 to 1024 of text of at most 256 characters', isOptional: false, default: undefined }],
    ['model.input.columns.*.missing.constant', 'numeric', { type: 'number', isOptional: true, default: undefined }],
    ['format', undefined, { type: 'one of 1, 2', isOptional: false, default: undefined }]
  ])('are told with their bounds: %s', (path, of, traits) => {
    expect(documentFields().filter((field) => field.path === path)).toEqual([{ path, of, ...traits }])
  })

  it('are one where all kinds of an object have them alike', () => {
    expect(documentFields().filter(({ path }) => path === 'training.optimizer.learningRate')).toHaveLength(1)
    expect(documentFields().filter(({ path }) => path === 'model.input.columns.*.missing')).toHaveLength(2)
  })

  it.each(Object.keys(EXAMPLES))('are all entries of %s, and its entries are fields', (name) => {
    const document = example(name)
    const entries = documentEntries(document, document)
    const known = new Set(documentFields().map(({ path }) => path))
    expect(entries.filter(({ field }) => !known.has(field)).map(({ path }) => path)).toEqual([])
    const rebuilt = {}
    for (const { path, value } of entries.filter((entry) => entry.value !== undefined)) {
      put(rebuilt, path.split('.'), value)
    }
    expect(rebuilt).toEqual(JSON.parse(JSON.stringify(document)))
  })

  it('say of a document what was given, what was filled in and what is not there', () => {
    const raw = digits(({ model, training }) => {
      delete (model!['input'] as Json)['mean']
      delete (training!['optimizer'] as Json)['momentum']
    })
    const entries = new Map(documentEntries(parseFederation(raw), raw).map((entry) => [entry.path, entry]))
    expect(entries.get('model.input.stdDev')).toMatchObject({ value: 0.3081, isGiven: true })
    expect(entries.get('model.input.mean')).toMatchObject({ value: 0, isGiven: false })
    expect(entries.get('training.optimizer.momentum')).toMatchObject({ value: 0, isGiven: false })
    expect(entries.get('topology.resample')).toMatchObject({ value: undefined, isGiven: false })
  })
})

function put (into: Json, [key, ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    into[key!] = value
  } else {
    into[key!] ??= /^\d+$/.test(rest[0]!) ? [] : {}
    put(into[key!] as Json, rest, value)
  }
}

describe('all that is wrong with a document', () => {
  it('is nothing where it is one', () => {
    expect(Object.keys(EXAMPLES).map((name) => federationProblems(example(name)))).toEqual(Object.keys(EXAMPLES).map(() => []))
  })

  it('is told at once, a line each, more of them than one message lists', () => {
    const many = digits(({ training, round, topology }) => {
      Object.assign(training!, { batchSize: 0, batchsize: 1, epochs: 'two', momentum: 1 })
      Object.assign(round!, { deadlineMs: 1, staleness: -1, wait: 1 })
      topology!['degree'] = 65
    })
    const problems = federationProblems(many)
    expect(problems).toHaveLength(8)
    expect(problems).toContain('training.batchSize: must be at least 1')
    expect(problems).toContainEqual(expect.stringMatching(/^unknown field "training\.batchsize" \(did you mean ".*batchSize"\?\)$/))
    expect(problems).toContain('round.staleness: must be at least 0')
  })

  it('is also what fields are to each other', () => {
    const problems = federationProblems(digits(({ training, topology, model, aggregation }) => {
      training!['steps'] = 3
      topology!['degree'] = 1
      aggregation!['f'] = 2
      model!['labels'] = Array.from({ length: 10 }, () => 'a')
      model!['classWeights'] = [1, 2]
    }))
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(['format', 'training', 'aggregation', 'model.labels', 'model.classWeights'])
  })

  it.each([[null], [7], [[]], [{ format: 3 }], [{ a: 1n }]])('is one line for what is no document at all: %o', (value) => {
    expect(federationProblems(value).length).toBeGreaterThan(0)
    expect(() => parseFederation(value)).toThrow()
  })
})
