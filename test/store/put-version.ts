/**
 * Puts a version into a database as version 0.1.0 did, which took whatever it was given
 */
import { encodeRecord, hashBytes, isMixed, parametersToBytes, versionId } from '../../src/store/version-record.ts'
import type { LevelDatabase } from '../../src/store/level-folder.ts'
import type { VersionMetrics } from '../../src/interface.ts'

const ENCODINGS = { keyEncoding: 'utf8', valueEncoding: 'view' } as const

export interface OldVersion {
  federation: string
  round: number
  parents: readonly string[]
  parameters: Float32Array
  metrics: VersionMetrics
}

/**
 * Behind all versions that are there; resolves to its id. The store must not be open, or be told nothing until it opens
 * again
 */
export async function putVersion (root: LevelDatabase, { federation, round, parents, parameters, metrics }: OldVersion): Promise<string> {
  const versions = root.sublevel<string, Uint8Array>('versions', ENCODINGS)
  const [last = '0'] = await versions.keys({ reverse: true, limit: 1 }).all()
  const counter = String(Number(last.split('/')[0]) + 1).padStart(16, '0')
  const bytes = parametersToBytes(parameters)
  const parametersHash = await hashBytes(bytes)
  const id = versionId({ federation, round, parents, parametersHash })
  const record = { id, round, parents, parametersHash, parameterCount: parameters.length, createdAt: 0, metrics, mixed: isMixed({ metrics, parents }) }
  await versions.put(`${counter}/${round}/${id}`, encodeRecord(federation, record))
  await root.sublevel<string, Uint8Array>('parameters', ENCODINGS).put(counter, bytes)
  return id
}
