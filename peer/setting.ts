/**
 * One setting: where it may come from, how it is checked, what the help says
 */
import { isAbsolute, resolve } from 'node:path'
import type * as zod from 'zod'
import type * as checks from './checks.ts'

export type Z = typeof checks

export type Verb = 'init' | 'start' | 'join' | 'status' | 'versions' | 'export' | 'evaluate' | 'predict' | 'card' | 'audit' | 'privacy' | 'renew' | 'schema' | 'document' | 'invite' | 'members' | 'log'

/** Where a setting may come from, strongest first */
export const SOURCES = ['flag', 'environment', 'file'] as const
export type Source = typeof SOURCES[number]

export const EVERYWHERE: readonly Source[] = SOURCES
export const NOT_IN_FILE: readonly Source[] = ['flag', 'environment']
export const FLAG_ONLY: readonly Source[] = ['flag']

/** Verbs that run a peer, or will */
export const NODE: readonly Verb[] = ['init', 'start', 'join']
/** Verbs that can found a federation */
export const FOUND: readonly Verb[] = ['init', 'start']
/** Verbs that read the private examples */
export const DATA: readonly Verb[] = [...NODE, 'evaluate', 'audit']

interface SettingTraits {
  /** What the value must be, to follow "must be" */
  expects: string
  help: string
  /** Where a verb means something else by it */
  helpFor?: Partial<Record<Verb, string>>
  /** The verbs that take it as a flag; `all` for global flags */
  verbs: readonly Verb[] | 'all'
  sources: readonly Source[]
  /** Name of the value in the help; absent for a switch */
  value?: string
  /** A short flag */
  short?: string
  /** As shown to the reader */
  shownDefault?: string
  /** May be given several times */
  list?: boolean
  /** Not in the help */
  hidden?: boolean
  /** Makes a relative path in the value absolute */
  path?: (value: string, base: string) => string
  /**
   * Why a flag or a variable may hold an absolute path only, whatever the working folder is; a file's base is always
   * the same
   */
  absolute?: string
}

export interface Setting<S extends zod.ZodType = zod.ZodType> extends SettingTraits {
  schema: (z: Z) => S
}

const MAX_COUNT = 1_000_000_000
export const MAX_SEED = 0xffffffff

export function filePath (value: string, base: string): string {
  return isAbsolute(value) ? value : resolve(base, value)
}

/** Kinds of `--data` whose value is a path */
const PATH_KINDS: readonly string[] = ['idx', 'csv', 'images', 'npy', 'parquet', 'jsonl', 'text']

/** `idx:DIR`, `csv:FILE` and their like hold a path */
export function dataPath (value: string, base: string): string {
  const separator = value.indexOf(':')
  const kind = value.slice(0, separator)
  return PATH_KINDS.includes(kind) ? `${kind}:${filePath(value.slice(separator + 1), base)}` : value
}

/** Text from a flag or a variable, a number from a file */
export function number (z: Z): zod.ZodType<number> {
  return z.union([z.number(), z.string().regex(/^\d+(\.\d+)?(e-?\d+)?$/i).transform(Number)])
}

export function count (from: number, to = MAX_COUNT): (z: Z) => zod.ZodType<number> {
  return (z: Z): zod.ZodType<number> => number(z).pipe(z.int().min(from).max(to))
}

/** Above 0 */
export function positive (to: number): (z: Z) => zod.ZodType<number> {
  return (z: Z): zod.ZodType<number> => number(z).pipe(z.number().gt(0).max(to))
}

export function text (z: Z): zod.ZodType<string> {
  return z.string().min(1).max(4096)
}

export function addresses (z: Z): zod.ZodType<string[]> {
  const address = z.string().regex(/^\/[^\s,]+$/).max(1024)
  return z.union([z.array(address).min(1).max(64), address.transform((one) => [one])])
}

export function toggle (z: Z): zod.ZodType<boolean> {
  return z.union([z.boolean(), z.enum(['true', '1']).transform(() => true), z.enum(['false', '0']).transform(() => false)])
}

export function data (z: Z): zod.ZodType<string> {
  return z.string().max(4096).regex(/^(digits(:\d{1,10})?|(idx|csv|images|npy|parquet|jsonl|text):.+)$/).refine((value) => !(Number(/^digits:(\d+)$/.exec(value)?.[1]) > MAX_SEED))
}

/** Within what a document allows */
export function pictureSize (z: Z): zod.ZodType<string> {
  return z.string().regex(/^[1-9]\d{0,3}x[1-9]\d{0,3}$/).refine((value) => value.split('x').every((side) => Number(side) <= 4096))
}

export function partition (z: Z): zod.ZodType<string> {
  return z.string().regex(/^[1-9]\d{0,4}\/[1-9]\d{0,4}$/).refine((value) => {
    const [index, of] = value.split('/').map(Number)
    return index! <= of!
  })
}
