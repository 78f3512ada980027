/**
 * Small records of the store: JSON, checked against a schema when they are read
 */
import { corruptError } from './store-error.ts'
import type { z } from 'zod'

export function encodeJson (value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

/** Where a value lies, for the error that it is damaged */
export interface Place {
  location: string
  table: string
  key: string
}

/** Throws StoreCorruptError when the bytes are not JSON that fits the schema */
export function decodeJson<T> (schema: z.ZodType<T>, bytes: Uint8Array, { location, table, key }: Place): T {
  const what = `the record ${JSON.stringify(key.slice(0, 96))} in table ${table} is not readable`
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(bytes))
  } catch (err) {
    throw corruptError(location, what, err)
  }
  const parsed = schema.safeParse(json)
  if (!parsed.success) {
    throw corruptError(location, what, parsed.error)
  }
  return parsed.data
}
