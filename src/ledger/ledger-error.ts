/**
 * What can be wrong with a ledger, as errors a user can act on
 */
import { LedgerCorruptError, LedgerLockedError, LedgerWriteError } from '../errors.ts'
import { detail, refusalReason } from '../store/store-error.ts'

/** `holder` is a text such as `process 4711`, when it is known */
export function lockedError (location: string, holder: string | undefined, cause: unknown): LedgerLockedError {
  return new LedgerLockedError(`the privacy ledger in ${location} is in use by ${holder ?? 'another process'}: another node is training on the same data; stop it first`, { cause })
}

export function corruptError (location: string, what: string, cause?: unknown): LedgerCorruptError {
  return new LedgerCorruptError(`the privacy ledger in ${location} is damaged: ${what}. Nothing was deleted, and nothing may train on this data: run grapevine privacy ledger verify`,
    cause === undefined ? undefined : { cause })
}

/** For a failure to open or read that is not a lock */
export function readError (location: string, err: unknown): LedgerCorruptError | LedgerWriteError {
  const reason = refusalReason(err)
  return reason === undefined
    ? corruptError(location, detail(err), err)
    : new LedgerWriteError(`cannot open the privacy ledger in ${location}: ${reason}. Nothing may train on this data before it can be opened`, { cause: err })
}

export function writeError (location: string, err: unknown): LedgerWriteError {
  return new LedgerWriteError(`cannot write the privacy ledger in ${location}: ${refusalReason(err) ?? detail(err)}. The round that was to be charged must not train: correct this, then start again`, { cause: err })
}
