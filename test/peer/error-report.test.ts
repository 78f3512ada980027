import { describe, expect, it } from 'vitest'
import * as errors from '../../src/errors.ts'
import * as programErrors from '../../peer/errors.ts'
import { ERROR_ROWS, errorLine, reportError } from '../../peer/error-report.ts'
import { EXIT_CODES } from '../../peer/exit-codes.ts'

function systemError (code: string): Error {
  return Object.assign(new Error(`${code}: something`), { code })
}

describe('the error table', () => {
  it('knows every error class of the library and of the program', () => {
    const named = new Set(ERROR_ROWS.flatMap((row) => row.names))
    // what other peers send or refuse is an event, and a closed store a bug: none is for the operator
    const internal = ['InvalidUpdateError', 'PullError', 'StoreClosedError']
    for (const name of [...Object.keys(errors), ...Object.keys(programErrors)]) {
      expect(named.has(name) || internal.includes(name), name).toBe(true)
    }
  })

  it('gives every row a code of its own and an exit code that is documented', () => {
    const codes = ERROR_ROWS.map((row) => row.code)
    expect(new Set(codes).size).toBe(codes.length)
    expect(ERROR_ROWS.every((row) => row.exit in EXIT_CODES)).toBe(true)
  })

  it.each([
    [new errors.BootstrapError('x', 'refused'), 'BOOTSTRAP_REFUSED', 5],
    [new errors.BootstrapError('x', 'timeout'), 'BOOTSTRAP_TIMEOUT', 5],
    [new errors.BootstrapError('x', 'not-libp2p'), 'NOT_LIBP2P', 5],
    [new errors.BootstrapError('x', 'not-grapevine'), 'NOT_GRAPEVINE', 5],
    [new errors.BootstrapError('x', 'older-protocol'), 'OLDER_PROTOCOL', 7],
    [new errors.BootstrapError('x', 'newer-protocol'), 'NEWER_PROTOCOL', 7],
    [new errors.BootstrapError('x', 'unreachable'), 'BOOTSTRAP_UNREACHABLE', 5],
    [new errors.BootstrapError('x', 'wrong-peer'), 'IDENTITY_MISMATCH', 13],
    [new errors.BootstrapError('x', 'self'), 'SELF_DIAL', 2],
    [new errors.InvalidAddressError('x'), 'BAD_ADDRESS', 2],
    [new errors.ListenError('x', { cause: systemError('EADDRINUSE') }), 'PORT_IN_USE', 5],
    [new errors.ListenError('x', { cause: systemError('EADDRNOTAVAIL') }), 'LISTEN', 5],
    [new errors.HomeLockedError('x'), 'HOME_LOCKED', 4],
    [new errors.StoreFormatError('x'), 'STORE_FORMAT', 7],
    [new errors.StoreCorruptError('x'), 'STORE_CORRUPT', 9],
    [new errors.StoreWriteError('x', { cause: new Error('wrapped', { cause: systemError('ENOSPC') }) }), 'DISK_FULL', 9],
    [new errors.StoreWriteError('x', { cause: new Error('IO error: /h/000004.log: No space left on device') }), 'DISK_FULL', 9],
    [new errors.StoreWriteError('x'), 'STORE_WRITE', 9],
    [new errors.StoreWriteError('TensorFlow.js has no GRU with reset_after: choose onnx', { reason: 'format' }), 'EXPORT_FORMAT', 2],
    [new errors.StoreWriteError('/m is not empty (it holds model.json); name a new directory', { reason: 'folder-taken' }), 'FOLDER_TAKEN', 2],
    [new errors.StoreWriteError('cannot write the model to /m: ENOTDIR: not a directory', { reason: 'export' }), 'EXPORT', 9],
    [new errors.StoreWriteError('cannot write the model to /m: ENOSPC: no space left on device, write'), 'DISK_FULL', 9],
    [new errors.LedgerLockedError('x'), 'LEDGER_LOCKED', 4],
    [new errors.LedgerCorruptError('x'), 'LEDGER_CORRUPT', 13],
    [new errors.LedgerRollbackError('x'), 'LEDGER_ROLLBACK', 13],
    [new errors.PrivacyViolationError('x', { lowerBound: 2, ledgerEpsilon: 1 }), 'PRIVACY_VIOLATION', 13],
    [new errors.LedgerWriteError('x', { cause: systemError('ENOSPC') }), 'LEDGER_WRITE', 9],
    [new errors.DatasetError('/d does not exist; check the path', { cause: Object.assign(new Error('no such file'), { code: 'ENOENT' }) }), 'DATA_MISSING', 8],
    [new errors.DatasetError('/d may not be read by this user', { cause: Object.assign(new Error('denied'), { code: 'EACCES' }) }), 'DATA_UNREADABLE', 8],
    [new errors.DatasetError('x'), 'DATA_INVALID', 8],
    [new errors.IdentityError('k is open to other users (mode 0644)', { reason: 'open-to-others' }), 'INSECURE_PERMISSIONS', 9],
    [new errors.IdentityError('k is damaged'), 'IDENTITY', 9],
    [new errors.FederationMismatchError('x'), 'FEDERATION_MISMATCH', 13],
    [new errors.InvalidFederationError('x'), 'FEDERATION_INVALID', 3],
    [new errors.BackendError('x'), 'BACKEND', 7],
    [new errors.TrainingError('x'), 'TRAINING', 12],
    [new errors.NodeStateError('x'), 'STATE', 1],
    [systemError('ENOSPC'), 'DISK_FULL', 9],
    [systemError('EROFS'), 'PERMISSION', 9],
    [new TypeError('x'), 'UNEXPECTED', 1],
    ['a text', 'UNEXPECTED', 1],
    [undefined, 'UNEXPECTED', 1]
  ])('reports %s as %s with exit code %i', (error, code, exit) => {
    expect(reportError(error)).toMatchObject({ code: `GRAPEVINE_E_${code}`, exit })
  })

  it('leaves the next step to a message that ends with one, for the reasons that do', () => {
    const full = { cause: Object.assign(new Error('write failed'), { code: 'ENOSPC' }) }
    expect(errorLine(reportError(new errors.StoreWriteError('cannot open the store: free some space, then start again', full)))).not.toContain('--home')
    expect(errorLine(reportError(new errors.StoreWriteError('cannot write the model to /m', { ...full, reason: 'export' })))).toContain('. Free some space')
  })

  it('says it on one line, with the next step once', () => {
    const line = errorLine(reportError(new programErrors.NoHomeError('/h')))
    expect(line).toBe('error GRAPEVINE_E_NO_HOME: no peer in /h: make one with grapevine init --home /h, or join a federation with grapevine join ADDRESS --home /h')
    expect(errorLine(reportError(new errors.HomeLockedError('in use: stop it first')))).toBe('error GRAPEVINE_E_HOME_LOCKED: in use: stop it first')
  })

  it('follows a loop of causes to no end', () => {
    const error = new errors.DatasetError('x')
    error.cause = error
    expect(reportError(error).code).toBe('GRAPEVINE_E_DATA_INVALID')
  })
})
