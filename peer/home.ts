/**
 * The folder of a peer: what is in it, and how it is made
 */
import { access, chmod, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { documentValue } from '../src/federation/document-text.ts'
import { makeFolder } from '../src/make-folder.ts'
import { ConfigurationError, NoHomeError } from './errors.ts'
import { CONFIG_FILE } from './resolve-settings.ts'
import { kebabName, setting, SETTING_NAMES } from './settings.ts'
import type { SettingName, Settings } from './settings.ts'
import type { FederationDocument } from '../src/federation/document.ts'

const FEDERATION_FILE = 'federation.json'

const OWNER_ONLY = 0o700

/** What a peer leaves in its home, also one that failed while it was made */
export const OWN_FILES = /^(identity\.key|voting\.\d+\.key|grapevine\.toml|federation\.json|control\.json|listen\.json|privacy\.json|audit\.jsonl|weights\.safetensors|db)(\.\w+)*$|^\.(identity|voting)\.key\./

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

/** True for a home whose peer ran, but whose key is gone: it would go on under another name */
export async function lostKey (home: string): Promise<boolean> {
  return await exists(databaseFolder(home)) && !await exists(join(home, 'identity.key'))
}

/** Throws NoHomeError */
export async function requirePeer (home: string): Promise<void> {
  if (!await hasPeer(home)) {
    throw new NoHomeError(home)
  }
}

/**
 * Makes the folder for its owner only. An empty one that is open to others is closed to them
 *
 * Throws ConfigurationError for an open folder that holds what is not a peer's: it belongs to something else too, and
 * closing it, as in `--home /tmp`, could lock others out
 */
export async function makeHome (home: string): Promise<void> {
  await makeFolder(home, { mode: OWNER_ONLY })
  const { mode } = await stat(home)
  if ((mode & 0o077) === 0 || process.platform === 'win32') {
    return
  }
  const foreign = (await readdir(home)).filter((name) => !OWN_FILES.test(name))
  if (foreign.length > 0) {
    const shown = `${foreign.slice(0, 3).join(', ')}${foreign.length > 3 ? ', …' : ''}`
    throw new ConfigurationError(`${home} is open to other users (mode ${(mode & 0o777).toString(8).padStart(4, '0')}) and holds other files (${shown}): name a folder of its own with --home, or close this one: chmod 700`)
  }
  await chmod(home, OWNER_ONLY)
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

/**
 * Reads and checks a document, its topology included: a home must not be made for a model that nobody can train
 *
 * Throws ConfigurationError (missing, not JSON), InvalidFederationError with the path in front
 */
export async function readFederationFile (path: string): Promise<FederationDocument> {
  return checkedDocument(await readDocumentValue(path), path)
}

/** Throws InvalidFederationError with the path in front */
export async function checkedDocument (value: unknown, path: string): Promise<FederationDocument> {
  const { parseFederation } = await import('../src/federation/document.ts')
  const { inspectTopology } = await import('../src/model/topology.ts')
  try {
    const document = parseFederation(value)
    inspectTopology(document.model)
    return document
  } catch (err) {
    if (err instanceof Error && err.name === 'InvalidFederationError') {
      err.message = `${path}: ${err.message}`
    }
    throw err
  }
}

/** What stands in a document's file, whatever it is. Throws ConfigurationError: missing, too large, not JSON */
export async function readDocumentValue (path: string): Promise<unknown> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (err) {
    const { code, message } = err as NodeJS.ErrnoException
    throw new ConfigurationError(`cannot read the federation document ${path}: ${code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'that is a folder; of a home give its federation.json' : message}`, { cause: err })
  }
  if (bytes.byteLength > MAX_FEDERATION_FILE_BYTES) {
    throw new ConfigurationError(`${path} has ${bytes.byteLength} bytes: it is no federation document`)
  }
  try {
    return documentValue(bytes.toString('utf8'))
  } catch (err) {
    throw new ConfigurationError(`${path} is not JSON: ${(err as Error).message}`, { cause: err })
  }
}

/** Either the old or the new text is there after a crash, never a part */
export async function writeWhole (path: string, text: string): Promise<void> {
  const temporary = `${path}.new`
  try {
    await writeSynced(temporary, text)
    await rename(temporary, path)
  } catch (err) {
    // on a full disk the draft is in the way of what would make room
    await rm(temporary, { force: true })
    throw err
  }
}

async function writeSynced (path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
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
