/**
 * The fields of a document, as its schema has them: for whoever explains a document, or all that one may say
 */
import * as z from 'zod'
import { documentSchema } from './document.ts'
import { FIELD_TEXTS } from './field-texts.ts'
import { typeWords } from './type-words.ts'
import type { FederationDocument } from './document.ts'
import type { FieldText } from './field-texts.ts'

type Type = z.core.$ZodType

/** A field that a document may have */
export interface DocumentField {
  /** Dotted, such as `training.batchSize`; `*` stands for each entry of a list */
  path: string
  /** The kinds of its object that have it, such as `numeric`; undefined where every kind does */
  of: string | undefined
  /** In words, with its bounds */
  type: string
  isOptional: boolean
  /** Filled in where it is left out; undefined where nothing is */
  default: unknown
}

/** A field of one document */
export interface DocumentEntry {
  /** Dotted, such as `model.input.columns.3.name` */
  path: string
  /** The path of its DocumentField */
  field: string
  /** The kind of its object, such as `numeric`, where there are several */
  of: string | undefined
  /** Undefined: the document does not have it */
  value: unknown
  /** Whether it stood in what the document was read from; else it is the default, or absent */
  isGiven: boolean
}

interface Unwrapped {
  type: Type
  isOptional: boolean
  default: unknown
}

function unwrap (outer: Type): Unwrapped {
  let type = outer
  let isOptional = false
  let filledIn: unknown
  while (type instanceof z.ZodOptional || type instanceof z.ZodDefault) {
    if (type instanceof z.ZodDefault) {
      filledIn = type._zod.def.defaultValue
    } else {
      isOptional = true
    }
    type = type.unwrap()
  }
  return { type, isOptional, default: filledIn }
}

function joined (path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

/** The name that tells the kinds of a union's objects apart, and each kind with its other fields */
function kindsOf (union: z.ZodDiscriminatedUnion): { key: string, kinds: Array<[kind: string, fields: Array<[string, Type]>]> } {
  const key = union._zod.def.discriminator
  const kinds = (union.options as z.ZodObject[]).map(({ shape }): [string, Array<[string, Type]>] => {
    const [kind] = (shape[key] as z.ZodLiteral<string>).values
    return [kind!, Object.entries(shape).filter(([name]) => name !== key) as Array<[string, Type]>]
  })
  return { key, kinds }
}

/** Every field that a document may have, in the order of the schema */
export function documentFields (schema: Type = documentSchema): DocumentField[] {
  return fieldsOf(schema, '', undefined)
}

function fieldsOf (outer: Type, path: string, of: string | undefined): DocumentField[] {
  const { type, isOptional, default: filledIn } = unwrap(outer)
  const own = { path, of, type: typeWords(type), isOptional, default: filledIn }
  if (type instanceof z.ZodObject) {
    const inner = Object.entries(type.shape).flatMap(([key, field]) => fieldsOf(field as Type, joined(path, key), of))
    return isOptional ? [own, ...inner] : inner
  }
  if (type instanceof z.ZodDiscriminatedUnion) {
    return unionFields(type, path, of)
  }
  if (type instanceof z.ZodArray && isCompound(type.element)) {
    return [own, ...fieldsOf(type.element, joined(path, '*'), of)]
  }
  return [own]
}

function isCompound (type: Type): boolean {
  return type instanceof z.ZodObject || type instanceof z.ZodDiscriminatedUnion
}

/** What several kinds have alike is one field */
function unionFields (union: z.ZodDiscriminatedUnion, path: string, of: string | undefined): DocumentField[] {
  const { key, kinds } = kindsOf(union)
  const tag: DocumentField = { path: joined(path, key), of, type: `one of ${kinds.map(([kind]) => JSON.stringify(kind)).join(', ')}`, isOptional: false, default: undefined }
  const found = new Map<string, { field: DocumentField, own: string | undefined, kinds: string[] }>()
  for (const [kind, fields] of kinds) {
    for (const field of fields.flatMap(([name, type]) => fieldsOf(type, joined(path, name), undefined))) {
      const same = JSON.stringify(field)
      const before = found.get(same)
      found.set(same, before === undefined ? { field, own: field.of, kinds: [kind] } : { ...before, kinds: [...before.kinds, kind] })
    }
  }
  const rows = [...found.values()].map(({ field, own, kinds: having }) => ({ ...field, of: own ?? (having.length === kinds.length ? of : having.join(' or ')) }))
  return [tag, ...rows]
}

/**
 * Every field that a document has, and those that it could have at the same places
 *
 * @param raw - What the document was parsed from
 */
export function documentEntries (document: FederationDocument, raw: unknown): DocumentEntry[] {
  return entriesOf(documentSchema, { path: '', field: '', of: undefined }, document, raw)
}

type Place = Pick<DocumentEntry, 'path' | 'field' | 'of'>

function entriesOf (outer: Type, place: Place, value: unknown, raw: unknown): DocumentEntry[] {
  const { type } = unwrap(outer)
  const own = [{ ...place, value, isGiven: raw !== undefined }]
  if (value === undefined) {
    return own
  }
  if (type instanceof z.ZodObject) {
    return Object.entries(type.shape).flatMap(([key, field]) => entriesOf(field as Type, within(place, key, place.of), member(value, key), member(raw, key)))
  }
  if (type instanceof z.ZodDiscriminatedUnion) {
    const { key, kinds } = kindsOf(type)
    const kind = member(value, key)
    const [, fields] = kinds.find(([name]) => name === kind)!
    return [
      { ...within(place, key, place.of), value: kind, isGiven: member(raw, key) !== undefined },
      ...fields.flatMap(([name, field]) => entriesOf(field, within(place, name, kind as string), member(value, name), member(raw, name)))
    ]
  }
  if (type instanceof z.ZodArray && isCompound(type.element)) {
    return (value as unknown[]).flatMap((each, i) => entriesOf(type.element, { path: joined(place.path, String(i)), field: joined(place.field, '*'), of: place.of }, each, member(raw, i)))
  }
  return own
}

function within ({ path, field }: Place, key: string, of: string | undefined): Place {
  return { path: joined(path, key), field: joined(field, key), of }
}

function member (value: unknown, key: PropertyKey): unknown {
  return value !== null && typeof value === 'object' && Object.hasOwn(value, key) ? (value as Record<PropertyKey, unknown>)[key] : undefined
}

/** What the field is, in words. Undefined where field-texts.ts has none: a test finds that */
export function fieldText (path: string, of: string | undefined): FieldText | undefined {
  return FIELD_TEXTS[`${path} (${of})`] ?? FIELD_TEXTS[path]
}
