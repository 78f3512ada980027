/**
 * Settings from flags, the environment and a configuration file: flag > environment > file > default
 *
 * Strict: what is not in the table is an error with a suggestion, wherever it stands.
 */
import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { closest } from '../src/closest.ts'
import { stateFolder } from '../src/state-folder.ts'
import { ConfigurationError, UsageError } from './errors.ts'
import { SOURCES } from './setting.ts'
import { environmentName, kebabName, setting, SETTING_NAMES } from './settings.ts'
import type { Source } from './setting.ts'
import type { SettingName, Settings } from './settings.ts'

export const CONFIG_FILE = 'grapevine.toml'

/** Of other programs of this package, not of the peer: whoever sets them for these must be able to run a peer too */
const OTHERS_VARIABLES = ['GRAPEVINE_MNIST']

/** A configuration file larger than this is not one */
const MAX_CONFIG_BYTES = 1_048_576

/** Only one of each group can be meant; the strongest source decides */
const EXCLUSIVE: ReadonlyArray<readonly SettingName[]> = [['dirichlet', 'shards'], ['preset', 'federation'], ['testData', 'testFraction'], ['quiet', 'verbose']]

export interface ResolveInit {
  /** By setting name, as the command line gave them: text, lists of text, booleans */
  flags: Partial<Record<SettingName, unknown>>
  environment: Readonly<Record<string, string | undefined>>
  /** Relative paths in flags and variables start here */
  workingDirectory: string
}

export interface ResolvedSettings {
  settings: Settings
  /** Absolute */
  home: string
  /** Where each given setting came from */
  origins: Partial<Record<SettingName, Source>>
}

/** Raw values of one source, and the folder that its relative paths start from */
interface Layer {
  source: Source
  values: Partial<Record<SettingName, unknown>>
  base: string
  /** How to name a setting of this source to its author */
  named: (name: SettingName) => string
}

type Origins = ResolvedSettings['origins']

/**
 * Reads and checks all sources
 *
 * Throws UsageError for a flag, ConfigurationError for a variable or a file
 */
export async function resolveSettings (init: ResolveInit): Promise<ResolvedSettings> {
  const flags: Layer = { source: 'flag', values: init.flags, base: init.workingDirectory, named: (name) => `--${kebabName(name)}` }
  const environment: Layer = { source: 'environment', values: environmentValues(init.environment), base: init.workingDirectory, named: environmentName }
  const upper = await checkLayers([flags, environment])
  const home = upper.settings.home ?? defaultHome(init.environment)
  const file = await fileLayer(upper.settings.config, home)
  const resolved = file === undefined ? upper : await checkLayers([flags, environment, file])
  return { ...resolved, home }
}

/** `$XDG_STATE_HOME/grapevine`, or `~/.local/state/grapevine`. Throws StateFolderError */
export function defaultHome (environment: ResolveInit['environment']): string {
  return join(stateFolder(environment), 'grapevine')
}

function environmentValues (environment: ResolveInit['environment']): Layer['values'] {
  const known = new Map(SETTING_NAMES.filter((name) => setting(name).sources.includes('environment')).map((name) => [environmentName(name), name]))
  const values: Layer['values'] = {}
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('GRAPEVINE_') || OTHERS_VARIABLES.includes(variable) || value === undefined || value === '') {
      continue
    }
    const name = known.get(variable)
    if (name === undefined) {
      throw new ConfigurationError(`unknown environment variable ${variable}${suggestion(variable, [...known.keys()])}`)
    }
    values[name] = setting(name).list === true ? value.split(/[\s,]+/).filter((part) => part !== '') : value
  }
  return values
}

async function fileLayer (explicit: string | undefined, home: string): Promise<Layer | undefined> {
  const path = explicit ?? join(home, CONFIG_FILE)
  const text = await readConfig(path, explicit === undefined ? home : undefined)
  if (text === undefined) {
    return undefined
  }
  const document = await parseToml(text, path)
  const known = new Map(SETTING_NAMES.filter((name) => setting(name).sources.includes('file')).map((name) => [kebabName(name), name]))
  const values: Layer['values'] = {}
  for (const [key, value] of Object.entries(document)) {
    const name = known.get(key)
    if (name === undefined) {
      throw new ConfigurationError(`${path}: unknown key "${key}"${notForFiles(key) ?? suggestion(key, [...known.keys()])}`)
    }
    values[name] = value
  }
  return { source: 'file', values, base: dirname(path), named: (name) => `${path}: "${kebabName(name)}"` }
}

function notForFiles (key: string): string | undefined {
  const name = SETTING_NAMES.find((candidate) => kebabName(candidate) === key)
  return name === undefined ? undefined : `: it can only be given as --${key}`
}

/** With `home`, the file is the one that a home may have; without, it was named and must be there */
async function readConfig (path: string, home: string | undefined): Promise<string | undefined> {
  try {
    const bytes = await readFile(path)
    if (bytes.byteLength > MAX_CONFIG_BYTES) {
      throw new ConfigurationError(`${path} has ${bytes.byteLength} bytes: it is no configuration file`)
    }
    return bytes.toString('utf8')
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code === 'ENOENT' && home !== undefined) {
      return undefined
    }
    if (code === 'ENOTDIR' && home !== undefined) {
      throw new ConfigurationError(`${home} is a file, not a folder: name the folder of a peer with --home`, { cause: err })
    }
    // a home that may not be looked into is no wrong setting: the error says which file it is
    if (err instanceof ConfigurationError || (home !== undefined && (code === 'EACCES' || code === 'EPERM'))) {
      throw err
    }
    throw new ConfigurationError(`cannot read the configuration file ${path}: ${code === 'ENOENT' ? 'there is no such file' : (err as Error).message}`, { cause: err })
  }
}

/** Throws ConfigurationError with the place of what is no TOML */
export async function parseToml (text: string, path: string): Promise<Record<string, unknown>> {
  const { parse } = await import('smol-toml')
  try {
    return parse(text)
  } catch (err) {
    const { line, column } = err as { line?: number, column?: number }
    const reason = (err as Error).message.split('\n')[0]!.replace(/^Invalid TOML document: /, '')
    throw new ConfigurationError(`${path}:${line ?? 1}:${column ?? 1}: not valid TOML: ${reason}`, { cause: err })
  }
}

/** Checks every layer, then lays them over one another */
async function checkLayers (layers: Layer[]): Promise<{ settings: Settings, origins: Origins }> {
  const settings: Record<string, unknown> = {}
  const origins: Origins = {}
  // weakest first, so that the strongest has the last word
  for (const layer of layers.toSorted((a, b) => SOURCES.indexOf(b.source) - SOURCES.indexOf(a.source))) {
    for (const [name, raw] of Object.entries(layer.values) as Array<[SettingName, unknown]>) {
      if (raw !== undefined) {
        settings[name] = await checkValue(layer, name, raw)
        origins[name] = layer.source
      }
    }
  }
  for (const group of EXCLUSIVE) {
    keepOneOf(group, settings, { origins, layers })
  }
  return { settings, origins }
}

async function checkValue (layer: Layer, name: SettingName, raw: unknown): Promise<unknown> {
  const { schema, path, expects, absolute } = setting(name)
  // a switch on the command line needs no check, and no zod
  if (typeof raw === 'boolean' && layer.source === 'flag') {
    return raw
  }
  const checked = schema(await import('./checks.ts')).safeParse(raw)
  if (!checked.success) {
    throw layerError(layer.source, `${layer.named(name)} must be ${expects}, but is ${shown(raw)}`)
  }
  if (absolute !== undefined && layer.source !== 'file' && !isAbsolute(checked.data as string)) {
    throw layerError(layer.source, `${layer.named(name)} must be an absolute path, but is ${shown(raw)}: ${absolute}`)
  }
  return path === undefined ? checked.data : path(checked.data as string, layer.base)
}

function keepOneOf (group: readonly SettingName[], settings: Record<string, unknown>, { origins, layers }: { origins: Origins, layers: Layer[] }): void {
  const given = group.filter((name) => settings[name] !== undefined && settings[name] !== false)
  const strongest = SOURCES.find((source) => given.some((name) => origins[name] === source))
  const kept = given.filter((name) => origins[name] === strongest)
  const layer = layers.find(({ source }) => source === strongest)
  if (kept.length > 1 && layer !== undefined) {
    throw layerError(layer.source, `${kept.map(layer.named).join(' and ')} cannot be given together`)
  }
  for (const name of given.filter((other) => !kept.includes(other))) {
    delete settings[name]
    delete origins[name]
  }
}

function layerError (source: Source, message: string): Error {
  return source === 'flag' ? new UsageError(message) : new ConfigurationError(message)
}

function suggestion (word: string, known: readonly string[]): string {
  const near = closest(word, known)
  return near === undefined ? '' : ` (did you mean ${near}?)`
}

function shown (raw: unknown): string {
  const json = JSON.stringify(raw) ?? String(raw)
  return json.length > 120 ? `${json.slice(0, 120)}…` : json
}
