/**
 * One model version as it lies in the store: its id, its hash, its record
 *
 * The id is the sha-256 of the canonical (dag-cbor) encoding of what the version is made of; the record is JSON, and
 * its id is computed anew when it is read, so that a damaged record cannot pass for a version.
 */
import { createHash, webcrypto } from 'node:crypto'
import { endianness } from 'node:os'
import * as dagCbor from '@ipld/dag-cbor'
import * as z from 'zod'
import type { ModelVersion, VersionMetrics } from '../interface.ts'

const recordSchema = z.strictObject({
  federation: z.string(),
  round: z.int().min(0),
  parents: z.array(z.string()),
  parametersHash: z.string().regex(/^[0-9a-f]{64}$/),
  parameterCount: z.int().min(0),
  createdAt: z.number(),
  metrics: z.record(z.string(), z.number()),
  /** Absent in records of versions before it */
  preparation: z.string().regex(/^[0-9a-f]{64}$/).exactOptional()
})

/** What the id commits to */
export interface VersionOrigin {
  federation: string
  round: number
  parents: readonly string[]
  parametersHash: string
}

/** sha-256 over dag-cbor of exactly these four fields, hex */
export function versionId ({ federation, round, parents, parametersHash }: VersionOrigin): string {
  return createHash('sha256').update(dagCbor.encode({ federation, round, parents, parametersHash })).digest('hex')
}

/** sha-256, hex, off the main thread: 20 MB take 10 to 50 ms */
export async function hashBytes (bytes: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex')
}

function swapBytes (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return endianness() === 'LE' ? bytes : Buffer.from(bytes.buffer).swap32()
}

/** Little-endian float32, always a copy: the caller may go on using its array */
export function parametersToBytes (parameters: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parameters.byteLength)
  bytes.set(new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength))
  return swapBytes(bytes)
}

/** Always a copy: a database in memory hands out its own bytes. `bytes` must be a multiple of 4 long */
export function bytesToParameters (bytes: Uint8Array): Float32Array {
  const copy = new Uint8Array(bytes)
  swapBytes(copy)
  return new Float32Array(copy.buffer)
}

/**
 * Whether neighbours took part, told by what records of version 0.1.0 hold as well: a round counts the updates that it
 * `accepted`; a version that was taken over from neighbours has no such number, and their updates as parents
 */
export function isMixed ({ metrics, parents }: Pick<ModelVersion, 'metrics' | 'parents'>): boolean {
  return metrics.accepted === undefined ? parents.length > 0 : metrics.accepted > 0
}

export function encodeRecord (federation: string, { id, mixed, ...fields }: ModelVersion): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ federation, ...fields }))
}

/** Undefined when the bytes are not the record of version `id` */
export function decodeRecord (id: string, bytes: Uint8Array): ModelVersion | undefined {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    // the caller reports the damage: only it knows where the bytes came from
    return undefined
  }
  const parsed = recordSchema.safeParse(json)
  if (!parsed.success || versionId(parsed.data) !== id) {
    return undefined
  }
  const { federation, ...fields } = parsed.data
  return { id, ...fields, mixed: isMixed(fields) }
}

/** A diverged loss is not a number that JSON can hold: it is left out */
export function finiteMetrics (metrics: VersionMetrics): VersionMetrics {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)))
}
