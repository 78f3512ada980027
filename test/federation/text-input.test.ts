import { describe, expect, it } from 'vitest'
import { decodeFederation, encodeFederation, parseFederation } from '../../src/federation/document.ts'
import { inputShape, tokenCount } from '../../src/federation/input-shape.ts'
import { preparationOf } from '../../src/federation/preparation.ts'
import { federation } from '../model/models.ts'
import type { FederationDocument, ModelInput } from '../../src/federation/document.ts'

function documentOf (input: object, format: 1 | 2 = 2): FederationDocument {
  const document = federation({ shape: [8], classes: 2 })
  return parseFederation({ ...document, format, model: { ...document.model, input } })
}

const bytes = { kind: 'text', length: 8, tokens: 'bytes' }
const words = { kind: 'text', length: 8, tokens: 'words', vocabulary: ['film', 'fine'] }

describe('texts in a document', () => {
  it.each([['bytes', bytes, 257], ['words', words, 4], ['columns', { ...bytes, column: 'review', label: 'stars' }, 257]] as const)('of %s keep their meaning', (_, input, tokens) => {
    const document = documentOf(input)
    expect(decodeFederation(encodeFederation(document))).toEqual(document)
    expect(inputShape(document.model.input)).toEqual([8])
    expect(tokenCount(document.model.input as Extract<ModelInput, { kind: 'text' }>)).toBe(tokens)
  })

  it('are another preparation with another vocabulary', () => {
    const names = [bytes, words, { ...words, vocabulary: ['fine', 'film'] }].map((input) => preparationOf(encodeFederation(documentOf(input))))
    expect(new Set(names).size).toBe(3)
  })

  it.each<[string, object, string]>([
    ['words without a vocabulary', { ...bytes, tokens: 'words' }, 'model.input.vocabulary: must be given for words'],
    ['a vocabulary of bytes', { ...words, tokens: 'bytes' }, 'model.input.vocabulary: there is none of bytes'],
    ['a word that no text can meet', { ...words, vocabulary: ['film', 'Fine'] }, 'model.input.vocabulary.1: is not met in any text, as words are cut'],
    ['a word twice', { ...words, vocabulary: ['film', 'film'] }, 'model.input.vocabulary: "film" stands there twice'],
    ['no words', { ...words, vocabulary: [] }, 'model.input.vocabulary: must have at least 1 entry'],
    ['a long word', { ...words, vocabulary: ['a'.repeat(65)] }, 'model.input.vocabulary.0: must have at most 64 characters'],
    ['no length', { kind: 'text', tokens: 'bytes' }, 'model.input.length: must be a number, and is missing'],
    ['a length of zero', { ...bytes, length: 0 }, 'model.input.length: must be at least 1'],
    ['a length without end', { ...bytes, length: 65_537 }, 'model.input.length: must be at most 65536'],
    ['other tokens', { ...bytes, tokens: 'letters' }, 'model.input.tokens: must be one of "bytes", "words"'],
    ['one column for both', { ...bytes, column: 'a', label: 'a' }, 'model.input: the text and the class cannot be one column'],
    ['a field of another kind', { ...bytes, shape: [1, 1, 1] }, 'unknown field "model.input.shape"']
  ])('cannot have %s', (_, input, problem) => {
    expect(() => documentOf(input)).toThrow(problem)
  })

  it('are of format 2, and have classes', () => {
    expect(() => documentOf(bytes, 1)).toThrow('format: must be 2 with the field "model.input.kind"')
    const { model, ...rest } = documentOf(bytes)
    expect(() => parseFederation({ ...rest, model: { ...model, labels: [], loss: 'meanSquaredError', target: { mean: 0, stdDev: 1 } } })).toThrow('model.target: only a table has a column of numbers to predict')
  })
})
