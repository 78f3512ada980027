import { describe, expect, it } from 'vitest'
import { dataPartition, dataSource, nodeInit } from '../../peer/node-init.ts'

describe('settings as the library takes them', () => {
  it('counts parts from 0', () => {
    expect(dataPartition({ partition: '2/8', dirichlet: 0.3, partitionSeed: 9 })).toEqual({ index: 1, count: 8, strategy: 'dirichlet', alpha: 0.3, seed: 9 })
    expect(dataPartition({ partition: '1/1' })).toEqual({ index: 0, count: 1, strategy: 'iid', seed: 1 })
    expect(dataPartition({ partition: '1/2', shards: 2 })).toMatchObject({ strategy: 'shards', shardsPerPeer: 2 })
    expect(dataPartition({})).toBeUndefined()
  })

  it('reads every kind of data', async () => {
    expect(await dataSource({})).toMatchObject({ kind: 'digits', seed: 1 })
    expect(await dataSource({ data: 'digits:7' })).toMatchObject({ kind: 'digits', seed: 7 })
    expect(await dataSource({ data: 'idx:/a:b' })).toEqual({ kind: 'idx', directory: '/a:b' })
    expect(await dataSource({ data: 'csv:/a.csv' })).toEqual({ kind: 'csv', file: '/a.csv', testFraction: 0.2 })
    expect(await dataSource({ data: 'images:/a', testFraction: 0.5 })).toEqual({ kind: 'images', path: '/a', testFraction: 0.5 })
    expect(await dataSource({ data: 'npy:/a.npz' })).toEqual({ kind: 'npy', path: '/a.npz', testFraction: 0.2 })
    expect(await dataSource({ data: 'parquet:/a', testData: '/b' })).toEqual({ kind: 'parquet', file: '/a', testFile: '/b' })
    expect(await dataSource({ data: 'jsonl:/a' })).toEqual({ kind: 'jsonl', file: '/a', testFraction: 0.2 })
    expect(await dataSource({ data: 'text:/a', separator: '|' })).toEqual({ kind: 'text', path: '/a', testFraction: 0.2, separator: '|' })
    expect(await dataSource({ data: 'csv:/a.csv', testData: '/b.csv' })).toEqual({ kind: 'csv', file: '/a.csv', testFile: '/b.csv' })
  })

  it('refuses settings that would have no effect', async () => {
    await expect(dataSource({ data: 'digits', testFraction: 0.5 })).rejects.toThrow('only csv:, parquet:, jsonl:, text:, images:, npy: data can have --test-fraction')
    await expect(dataSource({ data: 'text:/a', decimal: 'comma' })).rejects.toThrow('only csv: data can have --decimal')
    expect(() => dataPartition({ dirichlet: 1 })).toThrow('--partition I/N is missing')
  })

  it('leaves out what was not given, so that the defaults of the library hold', async () => {
    expect(Object.keys(await nodeInit('/h', {})).sort()).toEqual(['data', 'home'])
    expect(await nodeInit('/h', { rounds: 3, minMembers: 1, federationId: 'bafy' })).toMatchObject({ rounds: 3, minMembers: 1, expectedFederation: 'bafy' })
  })
})
