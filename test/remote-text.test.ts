import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as dagCbor from '@ipld/dag-cbor'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkDataset, loadDataset } from '../src/data/data-formats.ts'
import { decodeFederation, parseFederation } from '../src/federation/document.ts'
import { denseTopology, inspectTopology } from '../src/model/topology.ts'
import { presetDocument } from '../src/presets.ts'
import { jsonLine, printable, quoted } from '../src/quoted.ts'
import { changedAt, hostileText, placesOf, steering } from './hostile-text.ts'
import type { FederationDocument } from '../src/federation/document.ts'

const table = parseFederation({
  ...presetDocument('digits'),
  model: {
    topology: denseTopology({ inputShape: [4], hidden: [4], classes: 2 }),
    seed: 1,
    loss: 'categoricalCrossentropy',
    input: { kind: 'table', label: 'ill', columns: [{ kind: 'numeric', name: 'age', mean: 50, stdDev: 10 }, { kind: 'categorical', name: 'ward', values: ['a', 'b', 'c'] }] },
    labels: ['no', 'yes']
  }
})

/** `digits-private` has constants: keys that its author chose */
const DOCUMENTS: FederationDocument[] = [presetDocument('digits-private'), presetDocument('mnist-cnn'), table]

function messageOf (act: () => unknown): string {
  try {
    act()
    return ''
  } catch (err) {
    return (err as Error).message
  }
}

/** Beside an unknown key and a wrong value: a hostile key, text, or list at the place */
const CHANGES: ReadonlyArray<(text: string, old: unknown) => unknown> = [
  (text) => text,
  (text) => [text],
  (text, old) => typeof old === 'object' && !Array.isArray(old) ? { ...old, [text]: 1 } : { [text]: 1 },
  (text, old) => typeof old === 'object' && !Array.isArray(old) ? { ...old, [text]: { deep: [text] } } : { [text]: [text] },
  (text, old) => typeof old === 'object' && !Array.isArray(old) ? { ...old, [text]: ['NaN'] } : [{ [text]: text }, text]
]

describe('quoting', () => {
  it('makes any text one short line that steers nothing', () => {
    fc.assert(fc.property(hostileText, (text) => {
      const shown = quoted(text)
      expect(steering(shown)).toBeUndefined()
      expect(shown).not.toContain('\n')
      expect(shown.length).toBeLessThan(500)
      expect(steering(printable(text).replaceAll('\ufffd', ''))).toBeUndefined()
      expect(printable(text)).not.toContain('\n')
    }))
  })

  it('lets colours of our own through, and no other sequence', () => {
    expect(printable('\u001b[33mwarning:\u001b[39m \u001b]0;owned\u0007\u001b[2J', { styles: true })).toBe('\u001b[33mwarning:\u001b[39m \ufffd]0;owned\ufffd\ufffd[2J')
  })

  it('writes JSON of the same value without a character that steers a terminal', () => {
    fc.assert(fc.property(hostileText, (text) => {
      const line = jsonLine({ [text]: [text, null] })
      expect(steering(line)).toBeUndefined()
      expect(line).not.toContain('\n')
      expect(JSON.parse(line)).toEqual({ [text]: [text, null] })
    }))
  })
})

describe('a federation document with hostile text in it', () => {
  it.each(DOCUMENTS.map((document) => [document.name, document] as const))('is refused or taken without a word that steers a terminal: %s', (_name, document) => {
    const places = placesOf(document)
    fc.assert(fc.property(fc.constantFrom(...places), fc.constantFrom(...CHANGES), hostileText, (path, change, text) => {
      const changed = changedAt(document, path, (old) => change(text, old))
      const messages = [messageOf(() => inspectTopology(parseFederation(changed).model)), messageOf(() => decodeFederation(dagCbor.encode(changed)))]
      for (const message of messages) {
        expect(steering(message)).toBeUndefined()
        expect(message).not.toContain('\n')
        expect(message.length).toBeLessThan(2_000)
      }
    }), { numRuns: 500 })
  })

  it('is told of by the quoted key of a constant, cut', () => {
    const key = `\u001b]0;owned\u0007${'x'.repeat(10_000)}`
    const message = messageOf(() => parseFederation(changedAt(table, ['model'], (model) => ({ ...model as object, constants: { [key]: ['no number'] } }))))
    expect(message).toMatch(/^"model\.constants\.\\u001b\]0;owned\\u0007x+…": must be a number$/)
  })
})

describe('data that do not fit a document with hostile names', () => {
  let folder: string
  beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'gv-text-')) })
  afterAll(async () => { await rm(folder, { recursive: true }) })

  it('are told of without a word that steers a terminal', async () => {
    const file = join(folder, 'data.csv')
    await writeFile(file, 'age,ward,ill\n50,a,no\n60,b,yes\n')
    const source = { kind: 'csv', file, testFraction: 0.5 } as const
    const rename: ReadonlyArray<(text: string) => FederationDocument['model']> = [
      (text) => ({ ...table.model, labels: [text, `${text}2`] }),
      (text) => ({ ...table.model, input: { ...table.model.input, label: text } as never }),
      (text) => changedAt(table.model, ['input', 'columns', 0, 'name'], () => text) as never,
      (text) => changedAt(table.model, ['input', 'columns', 1, 'values', 0], () => text) as never
    ]
    await fc.assert(fc.asyncProperty(fc.constantFrom(...rename), hostileText, async (change, text) => {
      for (const act of [checkDataset, loadDataset]) {
        const message = await act(source, change(text)).then(() => 'it fits', (err: unknown) => (err as Error).message)
        expect(message).not.toBe('it fits')
        expect(steering(message)).toBeUndefined()
      }
    }), { numRuns: 200 })
  })
})
