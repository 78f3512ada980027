/**
 * The folder of a peer: what is in it, and how it is made
 */
import { access, chmod, mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigurationError, NoHomeError } from './errors.ts'
import { CONFIG_FILE } from './resolve-settings.ts'
import { kebabName, setting, SETTING_NAMES } from './settings.ts'
import type { SettingName, Settings } from './settings.ts'
import type { FederationDocument } from '../src/federation.ts'

const FEDERATION_FILE = 'federation.json'

/** A document larger than this is refused unread; it is many times larger as JSON than as dag-cbor at most */
const MAX_FEDERATION_FILE_BYTES = 4_194_304

/** Where the library keeps the database of a home */
export function databaseFolder (home: string): string {
  return join(home, 'db')
}

/** True when a peer was made here: by `init`, or by a `start` or `join` that made it on the way */
export async function hasPeer (home: string): Promise<boolean> {
  return await exists(join(home, CONFIG_FILE)) || await exists(databaseFolder(home))
}

/** Throws NoHomeError */
export async function requirePeer (home: string): Promise<void> {
  if (!await hasPeer(home)) {
    throw new NoHomeError(`no peer in ${home}`)
  }
}

/** Makes the folder for its owner only. One that exists and is open to others is closed to them */
export async function makeHome (home: string): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o700 })
  await chmod(home, 0o700)
}

/** The settings file: one commented line for each given setting. How one call was to print is not worth keeping */
export async function writeConfig (home: string, settings: Settings): Promise<string> {
  const names = SETTING_NAMES.filter((name) => setting(name).sources.includes('file') && setting(name).verbs !== 'all' && settings[name] !== undefined)
  const lines = names.flatMap((name) => ['', `# ${setting(name).help}`, `${kebabName(name)} = ${tomlValue(settings[name])}`])
  const header = [
    '# Settings of this grapevine peer. A flag or a GRAPEVINE_ variable wins over this file.',
    '# All settings: docs/configuration.md, or grapevine start --help. Unknown keys are errors.'
  ]
  const path = join(home, CONFIG_FILE)
  await writeWhole(path, [...header, ...lines, ''].join('\n'))
  return path
}

/** The document that this home founds its federation with; undefined for one that joins */
export async function readFoundingDocument (home: string): Promise<FederationDocument | undefined> {
  const path = join(home, FEDERATION_FILE)
  return await exists(path) ? readFederationFile(path) : undefined
}

export async function writeFoundingDocument (home: string, document: FederationDocument): Promise<string> {
  const path = join(home, FEDERATION_FILE)
  await writeWhole(path, `${JSON.stringify(document, null, 2)}\n`)
  return path
}

/** Reads and checks a document. Throws ConfigurationError (missing, not JSON), InvalidFederationError with the path in front */
export async function readFederationFile (path: string): Promise<FederationDocument> {
  const value = await readJson(path)
  const { parseFederation } = await import('../src/federation.ts')
  try {
    return parseFederation(value)
  } catch (err) {
    if (err instanceof Error && err.name === 'InvalidFederationError') {
      err.message = `${path}: ${err.message}`
    }
    throw err
  }
}

async function readJson (path: string): Promise<unknown> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (err) {
    const { code, message } = err as NodeJS.ErrnoException
    throw new ConfigurationError(`cannot read the federation document ${path}: ${code === 'ENOENT' ? 'there is no such file' : message}`, { cause: err })
  }
  if (bytes.byteLength > MAX_FEDERATION_FILE_BYTES) {
    throw new ConfigurationError(`${path} has ${bytes.byteLength} bytes: it is no federation document`)
  }
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (err) {
    throw new ConfigurationError(`${path} is not JSON: ${(err as Error).message}`, { cause: err })
  }
}

/** Either the old or the new text is there after a crash, never a part */
async function writeWhole (path: string, text: string): Promise<void> {
  const temporary = `${path}.new`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}

async function exists (path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (err) {
    if (['ENOENT', 'ENOTDIR'].includes(String((err as NodeJS.ErrnoException).code))) {
      return false
    }
    throw err
  }
}

/** JSON's strings are TOML's basic strings, but for the characters that only TOML escapes */
function tomlValue (value: Settings[SettingName]): string {
  return JSON.stringify(value).replace(/\u007f/g, '\\u007f')
}
