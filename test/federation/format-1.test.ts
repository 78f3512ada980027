/**
 * Documents that version 0.1.0 encoded (commit c09490c): every home and ledger of that time names one of them by its id
 *
 * A field that is added must be optional and absent must mean the old meaning. With a default of its own, which the
 * encoding writes out, all these documents would have another id, and none of them would be canonical.
 */
import documents from '../fixtures/documents-0.1.json' with { type: 'json' }
import { describe, expect, it } from 'vitest'
import { decodeFederation, encodeFederation, parseFederation } from '../../src/federation/document.ts'
import { federationId } from '../../src/federation/federation-id.ts'

describe('documents of version 0.1.0', () => {
  for (const [name, { id, bytes }] of Object.entries(documents)) {
    it(`are read, keep their id and are written as they were: ${name}`, () => {
      const encoded = new Uint8Array(Buffer.from(bytes, 'base64'))
      const document = decodeFederation(encoded)
      expect(federationId(encoded)).toBe(id)
      expect(Buffer.from(encodeFederation(document)).toString('base64')).toBe(bytes)
      expect(Buffer.from(encodeFederation(parseFederation(document))).toString('base64')).toBe(bytes)
    })
  }

  it('are of many kinds', () => {
    expect(Object.keys(documents)).toHaveLength(10)
  })
})

describe('a document of a later format', () => {
  it('is told from a broken one', () => {
    const { digits: { bytes } } = documents
    const document = decodeFederation(new Uint8Array(Buffer.from(bytes, 'base64')))
    expect(() => parseFederation({ ...document, format: 3, extra: {} }))
      .toThrow('the document is of format 3, and this version of Grapevine reads formats 1 and 2: update it')
    expect(() => parseFederation({ ...document, format: 'x' })).toThrow('format: must be one of 1, 2')
    expect(() => parseFederation({ ...document, format: 0 })).toThrow('format: must be one of 1, 2')
  })
})
