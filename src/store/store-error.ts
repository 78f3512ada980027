/**
 * What LevelDB and the file system report, as errors a user can act on
 *
 * LevelDB has codes for three failures only (locked, corruption, I/O); the rest is the operating system's text.
 */
import { HomeLockedError, StoreCorruptError, StoreWriteError } from '../errors.ts'
import { copyFolders } from './reading-copy.ts'

/** The operating system refuses: nothing is wrong with the stored bytes */
const REFUSALS: ReadonlyArray<[text: RegExp, code: RegExp, reason: string, nextStep: string]> = [
  [/no space left on device/i, /^ENOSPC$/, 'the disk is full', 'free some space, then start again'],
  [/disk quota exceeded/i, /^EDQUOT$/, 'the disk quota is used up', 'free some space, then start again'],
  [/read-only file system/i, /^EROFS$/, 'the file system is read-only', 'use a home on a writable disk'],
  [/permission denied|operation not permitted/i, /^(EACCES|EPERM)$/, 'permission denied', 'give this user the right to write there, or use another home'],
  [/too many open files/i, /^(EMFILE|ENFILE)$/, 'too many open files', 'raise the limit of open files (ulimit -n), then start again'],
  [/not a directory|file exists/i, /^(ENOTDIR|EEXIST)$/, 'a file stands where the folder should be', 'use another home'],
  [/file too large/i, /^EFBIG$/, 'the file size limit is reached', 'raise the limit (ulimit -f), then start again']
]

/** The error and its causes, outermost first */
function chain (err: unknown): Array<Error & { code?: unknown }> {
  const errors: Error[] = []
  for (let next = err; next instanceof Error && errors.length < 8; next = next.cause) {
    errors.push(next)
  }
  return errors
}

/** LevelDB's or the system's own words: the innermost message, on one line */
export function detail (err: unknown): string {
  return (chain(err).at(-1)?.message ?? String(err)).replaceAll(/\s+/g, ' ')
}

function hasCode (err: unknown, pattern: RegExp): boolean {
  return chain(err).some(({ code }) => typeof code === 'string' && pattern.test(code))
}

function findRefusal (err: unknown): (typeof REFUSALS)[number] | undefined {
  const text = detail(err)
  return REFUSALS.find(([pattern, code]) => pattern.test(text) || hasCode(err, code))
}

/** What the operating system refuses, such as `the disk is full`; undefined when the failure is of another kind */
export function refusalReason (err: unknown): string | undefined {
  return findRefusal(err)?.[2]
}

function refusal (location: string, err: unknown, verb: string): StoreWriteError | undefined {
  const found = findRefusal(err)
  return found === undefined
    ? undefined
    : new StoreWriteError(`cannot ${verb} the store in ${location}: ${found[2]}. Nothing is half-written: ${found[3]}`, { cause: err })
}

/** True when another handle holds the database */
export function isLocked (err: unknown): boolean {
  return hasCode(err, /^LEVEL_LOCKED$/)
}

/** `holder` is a text such as `process 4711`, when it is known */
export function lockedError (location: string, holder: string | undefined, cause: unknown): HomeLockedError {
  const who = holder ?? 'another process'
  return new HomeLockedError(`the store in ${location} is in use by ${who}: stop it first, or use another home`, { cause })
}

export function corruptError (location: string, what: string, cause?: unknown): StoreCorruptError {
  return new StoreCorruptError(`the store in ${location} is damaged: ${what}. Nothing was deleted: restore the folder from a copy, or move it away and join again`,
    cause === undefined ? undefined : { cause })
}

/** For a failure to open that is not a lock */
export function openError (location: string, err: unknown): StoreCorruptError | StoreWriteError {
  return refusal(location, err, 'open') ?? corruptError(location, detail(err), err)
}

/** Neither the folder nor a temporary one takes what LevelDB must write in order to read */
export function copyError (location: string, err: unknown): StoreWriteError {
  return new StoreWriteError(`cannot read the store in ${location}, which cannot be written to, from a temporary copy in ${copyFolders().join(' or ')}: ${refusalReason(err) ?? detail(err)}. ` +
    'Give this user the right to read it, and name a folder with room with TMPDIR', { cause: err })
}

export function readError (location: string, err: unknown): StoreCorruptError | StoreWriteError {
  return refusal(location, err, 'read') ?? corruptError(location, detail(err), err)
}

export function writeError (location: string, err: unknown): StoreWriteError {
  return refusal(location, err, 'write') ?? new StoreWriteError(`cannot write the store in ${location}: ${detail(err)}. Nothing is half-written: check the disk, then start again`, { cause: err })
}
