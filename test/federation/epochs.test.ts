/**
 * A federation keeps its id, whatever its members change: ids of documents and of federations are two things
 */
import { describe, expect, it } from 'vitest'
import { decodeFederation, encodeFederation, parseFederation } from '../../src/federation/document.ts'
import { documentId, documentNames, federationId } from '../../src/federation/federation-id.ts'
import { follows, successor } from '../../src/federation/successor.ts'
import { presetDocument } from '../../src/presets.ts'

const first = presetDocument('digits')
const id = documentId(encodeFederation(first))
const slower = successor(first, { round: { deadlineMs: 5_000, staleness: 2 } })
const renamed = successor(slower, { name: 'other name' })

describe('documents of later epochs', () => {
  it('belong to the federation of the first one, and have ids of their own', () => {
    expect(documentNames(encodeFederation(first))).toEqual({ federation: id, document: id, epoch: 0 })
    const names = [slower, renamed].map((document) => documentNames(encodeFederation(document)))
    expect(names.map(({ federation, epoch }) => [federation, epoch])).toEqual([[id, 1], [id, 2]])
    expect(new Set([id, ...names.map(({ document }) => document)]).size).toBe(3)
    expect(federationId(encodeFederation(renamed))).toBe(id)
  })

  it('are one chain: each names the one before', () => {
    expect(follows(slower, first)).toBe(true)
    expect(follows(renamed, slower)).toBe(true)
    expect(follows(renamed, first)).toBe(false)
    expect(follows(first, slower)).toBe(false)
    expect(follows(successor(first, { name: 'fork' }), slower)).toBe(false)
    expect(follows(successor(presetDocument('digits-private'), {}), first)).toBe(false)
  })

  it('are read and written as they are', () => {
    const bytes = encodeFederation(renamed)
    expect(decodeFederation(bytes)).toEqual(renamed)
    expect(Buffer.from(encodeFederation(decodeFederation(bytes))).equals(bytes)).toBe(true)
  })

  it.each<[string, object, string]>([
    ['format 1', { format: 1 }, 'format: must be 2 with the field "epoch"'],
    ['a number of 0', { epoch: { ...slower.epoch, number: 0 } }, 'epoch.number: must be at least 1'],
    ['an id that is none', { epoch: { ...slower.epoch, previous: 'bafy' } }, 'epoch.previous: must be the id of a document'],
    ['a first change of something else', { epoch: { ...slower.epoch, previous: documentId(encodeFederation(slower)) } }, 'epoch.previous: the first change follows'],
    ['a field beside', { epoch: { ...slower.epoch, votes: 3 } }, 'unknown field "epoch.votes"']
  ])('are refused with %s', (_, changes, message) => {
    expect(() => parseFederation({ ...slower, ...changes })).toThrow(message)
  })

  it('are not mistaken for a first one: format 2 says that there is more', () => {
    expect(() => parseFederation({ ...first, format: 2 })).toThrow('format: must be 1 where no field came with format 2')
  })
})

describe('names', () => {
  it('of what is no document are those of its bytes', () => {
    for (const bytes of [Uint8Array.of(1), Uint8Array.of(0xff, 0xff), new TextEncoder().encode('document')]) {
      expect(documentNames(bytes)).toEqual({ federation: documentId(bytes), document: documentId(bytes), epoch: 0 })
    }
  })
})
