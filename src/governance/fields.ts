/**
 * Fields of a record: how each is written, and what is accepted of it
 *
 * On the wire, keys and hashes are bytes and not text, so that a peer takes 34 bytes and has one spelling. Reading
 * throws RangeError; whoever reads what a stranger sent catches it.
 */
import { isPeerName, KEY_BYTES, peerKey, peerName, toHex } from './peer-key.ts'
import type { PeerName } from '../interface.ts'

export interface Field<T> {
  /** To what dag-cbor holds */
  write: (value: T) => unknown
  read: (value: unknown) => T
}

/** Longest name of a person or site, as of a federation */
const MAX_NAME = 64
const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u
const MAX_REASON = 200
/**
 * Controls, ends of lines, and what reorders text. A fixed list: the classes of Unicode grow, and two peers must judge
 * one record alike
 */
// eslint-disable-next-line no-control-regex -- it looks for them
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]/

function refuse (what: string): never {
  throw new RangeError(`not ${what}`)
}

function checked<T> (what: string, isIt: (value: unknown) => boolean): Field<T> {
  return { write: (value) => value, read: (value) => isIt(value) ? value as T : refuse(what) }
}

export function integer (minimum: number, maximum: number): Field<number> {
  return checked('an integer in range', (value) => Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum && !Object.is(value, -0))
}

/** Milliseconds since 1970 that a Date holds */
export const instant = integer(0, 8_640_000_000_000_000)
export const counter = integer(0, 0x7fffffff)
export const truth: Field<boolean> = checked('true or false', (value) => typeof value === 'boolean')

export function literal<T extends string> (text: T): Field<T> {
  return checked(`"${text}"`, (value) => value === text)
}

/** The id of a federation: any printable text without blanks, as tests use short ones */
export const federationField: Field<string> = checked('the id of a federation', (value) => typeof value === 'string' && /^[\x21-\x7e]{1,128}$/.test(value))

/** What people call a peer */
export function isPersonName (value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_NAME && NAME.test(value)
}

export const personName: Field<string> = checked('a name', isPersonName)

export const reasonField: Field<string> = checked('a reason', (value) => typeof value === 'string' && value.length > 0 && value.length <= MAX_REASON && !UNPRINTABLE.test(value))

export function bytesField (minimum: number, maximum = minimum): Field<Uint8Array> {
  return {
    write: (value) => value,
    read: (value) => value instanceof Uint8Array && value.byteLength >= minimum && value.byteLength <= maximum ? new Uint8Array(value) : refuse('bytes of such a length')
  }
}

/** 32 bytes as hex */
export const hash32: Field<string> = {
  write: (value) => /^[0-9a-f]{64}$/.test(value) ? new Uint8Array(Buffer.from(value, 'hex')) : refuse('32 bytes in hex'),
  read: (value) => toHex(bytesField(KEY_BYTES).read(value))
}

export const peerField: Field<PeerName> = {
  write: (value) => isPeerName(value) ? peerKey(value) : refuse('a peer id'),
  read: (value) => peerName(bytesField(KEY_BYTES).read(value))
}

export function listOf<T> (field: Field<T>, minimum: number, maximum: number): Field<T[]> {
  return {
    write: (value) => value.map(field.write),
    read: (value) => Array.isArray(value) && value.length >= minimum && value.length <= maximum ? value.map(field.read) : refuse('a list of such a length')
  }
}

/** A list whose order is given by a name: no two alike, ascending */
export function ascending<T> (field: Field<T[]>, nameOf: (item: T) => string): Field<T[]> {
  return {
    write: field.write,
    read: (value) => {
      const items = field.read(value)
      return items.every((item, index) => index === 0 || nameOf(items[index - 1]!) < nameOf(item)) ? items : refuse('in order')
    }
  }
}

type Fields<T> = { [K in keyof T]-?: Field<Exclude<T[K], undefined>> }

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

/** An object of exactly these fields; the optional ones may be left out */
export function shape<T extends object> (fields: Fields<T>, optional: ReadonlyArray<keyof T & string> = []): Field<T> {
  const entries = Object.entries(fields as Record<string, Field<unknown>>)
  const convert = (source: Record<string, unknown>, direction: 'read' | 'write'): Record<string, unknown> => Object.fromEntries(entries
    .filter(([key]) => source[key] !== undefined || !optional.includes(key as keyof T & string))
    .map(([key, field]) => [key, field[direction](source[key])]))
  return {
    write: (value) => convert(value as Record<string, unknown>, 'write'),
    read: (value) => isObject(value) && Object.keys(value).every((key) => Object.hasOwn(fields, key)) ? convert(value, 'read') as T : refuse('an object of these fields')
  }
}

/** An object whose field `tag` says which of the shapes it has */
export function oneOf<T extends object, Tag extends keyof T & string> (tag: Tag, shapes: ReadonlyMap<unknown, Field<T>>): Field<T> {
  const shapeOf = (value: unknown): Field<T> => (isObject(value) ? shapes.get(value[tag]) : undefined) ?? refuse('one of the kinds')
  return {
    write: (value) => shapeOf(value).write(value),
    read: (value) => shapeOf(value).read(value)
  }
}
