/**
 * From any error to what the user sees: a stable code, an exit code, one line, the next step
 *
 * One table by error name and reason. The library's messages say what happened with the evidence; the fix says what to
 * do.
 */
import { EXIT_CODES } from './exit-codes.ts'
import type { ExitName } from './exit-codes.ts'

export interface ErrorReport {
  /** `GRAPEVINE_E_…`, stable */
  code: string
  /** Process exit code */
  exit: number
  /** One line */
  message: string
  /** The next step, one line; null when there is nothing to do */
  fix: string | null
  /** True when the message ends with a next step of its own: people then need no second one */
  told: boolean
}

interface ErrorRow {
  /** Without the prefix */
  code: string
  exit: ExitName
  fix: string | null
  /** Names of the error classes */
  names: readonly string[]
  /** Only errors with one of these `reason`s */
  reasons?: readonly string[]
  /** Only errors with one of these system or library codes, their own or in a cause */
  causes?: readonly string[]
  /** The library's message ends with the next step: always, or for these `reason`s */
  told?: true | readonly string[]
}

const WRITE_NAMES = ['StoreWriteError', 'StoreCorruptError', 'IdentityError', 'DatasetError', 'Error', 'LevelError', 'ModelError']

/** The first row that fits decides */
export const ERROR_ROWS: readonly ErrorRow[] = [
  { code: 'DISK_FULL', exit: 'storage', names: WRITE_NAMES, causes: ['ENOSPC', 'EDQUOT'], fix: 'Free some space, or use another home with --home; the last committed version is safe', told: ['store'] },

  {
    code: 'TOO_MANY_FILES',
    exit: 'storage',
    names: [...WRITE_NAMES, 'LedgerWriteError', 'LedgerCorruptError', 'ListenError', 'StoreFormatError', 'SystemError'],
    causes: ['EMFILE', 'ENFILE'],
    fix: 'Let this process open more files (ulimit -n), or close other programs; nothing is damaged'
  },

  { code: 'USAGE', exit: 'usage', names: ['UsageError'], fix: 'See grapevine --help' },
  { code: 'CONFIGURATION', exit: 'configuration', names: ['ConfigurationError', 'StateFolderError'], fix: 'See docs/configuration.md for all settings' },
  { code: 'NO_HOME', exit: 'configuration', names: ['NoHomeError'], fix: 'Make one: grapevine init, or join a federation: grapevine join ADDRESS', told: true },
  { code: 'HOME_EXISTS', exit: 'configuration', names: ['HomeExistsError'], fix: 'Start it: grapevine start, use another folder: --home DIR, or pass --if-missing to accept it' },
  { code: 'NOT_RUNNING', exit: 'running', names: ['NotRunningError'], fix: 'Start it: grapevine start' },
  { code: 'NO_SUCH_VERSION', exit: 'usage', names: ['NoSuchVersionError'], fix: 'List them: grapevine versions' },
  { code: 'NO_LEDGER', exit: 'configuration', names: ['NoLedgerError'], fix: 'Start the peer once: grapevine start' },
  { code: 'STATE', exit: 'unexpected', names: ['NodeStateError'], fix: 'Start the peer again', told: true },
  { code: 'OUTPUT', exit: 'storage', names: ['OutputError'], fix: 'Make room where the output goes, or send it elsewhere; what the peer committed is safe' },
  { code: 'CONTROL', exit: 'unexpected', names: ['ControlError'], fix: 'Look at the process, and start the peer again' },

  { code: 'FEDERATION_INVALID', exit: 'configuration', names: ['InvalidFederationError'], fix: 'Correct the federation document' },
  { code: 'WEIGHTS_MISSING', exit: 'configuration', names: ['WeightsError'], reasons: ['missing'], fix: 'Ask the founder for the weights, and give them with --weights FILE', told: true },
  { code: 'WEIGHTS_OTHER', exit: 'integrity', names: ['WeightsError'], reasons: ['other'], fix: 'Ask the founder for the file weights.safetensors of the founder\'s home' },
  { code: 'WEIGHTS_DAMAGED', exit: 'storage', names: ['WeightsError'], reasons: ['damaged'], fix: 'Put a copy of the file back, or give one with --weights FILE', told: true },
  { code: 'WEIGHTS_INVALID', exit: 'configuration', names: ['WeightsError'], fix: 'Write the weights of this very model as float32: docs/data.md' },
  { code: 'FEDERATION_MISMATCH', exit: 'integrity', names: ['FederationMismatchError'], fix: 'Use another home for another federation (--home), or correct --federation-id', told: true },

  { code: 'DATA_MISSING', exit: 'data', names: ['DatasetError'], causes: ['ENOENT', 'ENOTDIR'], fix: 'Check --data', told: true },
  { code: 'DATA_UNREADABLE', exit: 'data', names: ['DatasetError'], causes: ['EACCES', 'EPERM', 'EISDIR'], fix: 'Check --data and the permissions of the file', told: true },
  { code: 'DATA_INVALID', exit: 'data', names: ['DatasetError'], fix: 'Check that --data fits the federation document', told: true },
  { code: 'BACKEND', exit: 'incompatible', names: ['BackendError'], fix: 'Try --backend auto, or install the native backend with its setup script', told: true },
  { code: 'DEPENDENCY', exit: 'incompatible', names: ['DependencyError'], fix: 'Install the release that is named: npm install in the project that uses Grapevine', told: true },
  { code: 'TRAINING', exit: 'training', names: ['TrainingError'], fix: 'The last good version is kept; a lower learning rate in the federation document may help', told: true },
  { code: 'UPDATE_TOO_LARGE', exit: 'incompatible', names: ['PublishError'], fix: 'The model is too large for its codec: choose a smaller one in the federation document' },

  { code: 'BAD_ADDRESS', exit: 'usage', names: ['InvalidAddressError', 'InvalidMultiaddrError'], fix: 'A peer\'s address looks like /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...; grapevine status prints it on the other machine', told: true },
  { code: 'PORT_IN_USE', exit: 'network', names: ['ListenError'], causes: ['EADDRINUSE'], fix: 'Choose another port with --listen, or port 0 for any free one', told: true },
  { code: 'LISTEN', exit: 'network', names: ['ListenError', 'UnsupportedListenAddressesError'], fix: 'Choose an address of this machine and a free port with --listen', told: true },
  { code: 'SELF_DIAL', exit: 'usage', names: ['BootstrapError'], reasons: ['self'], fix: 'That is this peer\'s own address: was the home copied?', told: true },
  { code: 'IDENTITY_MISMATCH', exit: 'integrity', names: ['BootstrapError'], reasons: ['wrong-peer'], fix: 'Ask for the current address: the peer has another key now, or somebody else answers there', told: true },
  { code: 'NOT_LIBP2P', exit: 'network', names: ['BootstrapError'], reasons: ['not-libp2p'], fix: 'Something else answers on that port: check the port', told: true },
  { code: 'NOT_GRAPEVINE', exit: 'network', names: ['BootstrapError'], reasons: ['not-grapevine'], fix: 'Check that the address is that of a grapevine peer', told: true },
  { code: 'OLDER_PROTOCOL', exit: 'incompatible', names: ['BootstrapError'], reasons: ['older-protocol'], fix: 'Update Grapevine on the machine there, or take the address of another peer', told: true },
  { code: 'NEWER_PROTOCOL', exit: 'incompatible', names: ['BootstrapError'], reasons: ['newer-protocol'], fix: 'Update Grapevine here', told: true },
  { code: 'BOOTSTRAP_REFUSED', exit: 'network', names: ['BootstrapError'], reasons: ['refused'], fix: 'The machine answers but nothing listens there: is the peer running, and on that port?', told: true },
  { code: 'BOOTSTRAP_TIMEOUT', exit: 'network', names: ['BootstrapError'], reasons: ['timeout'], fix: 'Nothing answers: check the address, and firewalls between the machines', told: true },
  { code: 'BOOTSTRAP_UNREACHABLE', exit: 'network', names: ['BootstrapError'], fix: 'Check --bootstrap and the network', told: true },

  { code: 'TOKEN_FORGED', exit: 'integrity', names: ['InvitationError'], reasons: ['signature'], fix: 'Do not use it: ask the inviter in person for a new one (grapevine invite)', told: true },
  { code: 'TOKEN_EXPIRED', exit: 'admission', names: ['InvitationError', 'AdmissionRefusedError'], reasons: ['expired', 'invitation-expired'], fix: 'Ask the inviter for a new one: grapevine invite', told: true },
  { code: 'CLOCK', exit: 'configuration', names: ['InvitationError'], reasons: ['clock'], fix: 'Set the clock of this machine', told: true },
  { code: 'TOKEN_OTHER_FEDERATION', exit: 'integrity', names: ['InvitationError'], reasons: ['wrong-federation'], fix: 'Use another home for another federation (--home)', told: true },
  { code: 'TOKEN_INVALID', exit: 'usage', names: ['InvitationError'], fix: 'Copy the whole token, from gv1_ on to its last character', told: true },
  { code: 'TOKEN_USED', exit: 'admission', names: ['AdmissionRefusedError'], reasons: ['invitation-used'], fix: 'If this peer joined with it before, use the same --home; else ask for another one: grapevine invite', told: true },
  { code: 'TOKEN_UNKNOWN', exit: 'admission', names: ['AdmissionRefusedError'], reasons: ['unknown-invitation', 'wrong-proof'], fix: 'The inviter took it back, or its home was restored from a copy: ask for a new one', told: true },
  { code: 'GUEST_LIMIT', exit: 'admission', names: ['AdmissionRefusedError'], reasons: ['guest-limit', 'over-limit', 'inviter-not-member'], fix: 'The inviter has as many guests as it may: the voters can raise that (grapevine members limit PEER N), or admit this peer', told: true },
  { code: 'REVOKED', exit: 'admission', names: ['AdmissionRefusedError'], reasons: ['revoked', 'departed'], fix: 'A key that is out stays out: see docs/membership.md on how to come back', told: true },
  { code: 'ADMISSION_OTHER_FEDERATION', exit: 'integrity', names: ['AdmissionRefusedError'], reasons: ['wrong-federation'], fix: 'Use another home for another federation (--home), or ask for the current address', told: true },
  { code: 'ADMISSION_BUSY', exit: 'network', names: ['AdmissionRefusedError'], reasons: ['busy'], fix: 'Try again in a minute', told: true },
  { code: 'NOT_ADMITTED', exit: 'admission', names: ['AdmissionRefusedError'], fix: 'Ask a member for an invitation (grapevine invite there), and join with its token', told: true },
  { code: 'OPEN_FEDERATION', exit: 'configuration', names: ['GovernanceError'], reasons: ['open-federation'], fix: 'Who may take part is said when a federation is founded: grapevine init --membership invited' },
  { code: 'NOT_ENTITLED', exit: 'admission', names: ['GovernanceError'], reasons: ['not-a-voter', 'not-a-member', 'no-voting-key', 'limit'], fix: 'See who may: grapevine members', told: true },
  { code: 'NO_SUCH_ACT', exit: 'usage', names: ['GovernanceError'], reasons: ['no-such-act', 'ambiguous'], fix: 'See what there is: grapevine members requests, grapevine members acts', told: true },
  { code: 'GOVERNANCE', exit: 'usage', names: ['GovernanceError'], fix: 'See how things stand: grapevine members', told: true },

  { code: 'HOME_LOCKED', exit: 'running', names: ['HomeLockedError'], fix: 'Another peer runs in this home: see grapevine status, or use another home with --home', told: true },
  { code: 'STORE_FORMAT', exit: 'incompatible', names: ['StoreFormatError'], fix: 'Use the version of grapevine that wrote it, or another home with --home', told: true },
  { code: 'STORE_CORRUPT', exit: 'storage', names: ['StoreCorruptError'], fix: 'Restore the home from a copy, or join again from a new home; nothing was deleted', told: true },
  { code: 'UNSOUND_VERSION', exit: 'storage', names: ['UnsoundVersionError'], fix: 'Take another version: grapevine versions; or go back to it: grapevine versions rollback VERSION', told: true },
  { code: 'FOLDER_TAKEN', exit: 'usage', names: ['StoreWriteError'], reasons: ['folder-taken'], fix: 'Name a new folder for the export', told: true },
  { code: 'EXPORT_FORMAT', exit: 'usage', names: ['StoreWriteError'], reasons: ['format'], fix: 'Choose another format: --format onnx or safetensors', told: true },
  { code: 'EXPORT', exit: 'storage', names: ['StoreWriteError'], reasons: ['export'], fix: 'Check that this folder can be made and written to, or name another' },
  { code: 'STORE_WRITE', exit: 'storage', names: ['StoreWriteError'], fix: 'Check the permissions and the file system of the home', told: true },
  { code: 'LEDGER_LOCKED', exit: 'running', names: ['LedgerLockedError'], fix: 'Stop the other peer that trains on the same data first', told: true },
  { code: 'LEDGER_CORRUPT', exit: 'integrity', names: ['LedgerCorruptError'], fix: 'See where it is damaged: grapevine privacy ledger verify; nothing was deleted', told: true },
  { code: 'LEDGER_ROLLBACK', exit: 'integrity', names: ['LedgerRollbackError'], fix: 'Bring the newest ledger back, or charge the missing rounds: grapevine privacy ledger charge', told: true },
  { code: 'PRIVACY_VIOLATION', exit: 'integrity', names: ['PrivacyViolationError'], fix: 'This is a bug: stop training on these data, and report it', told: true },
  { code: 'LEDGER_WRITE', exit: 'storage', names: ['LedgerWriteError'], fix: 'Check free space and permissions of the ledger\'s folder; no training begins before it can be written', told: true },
  { code: 'AUDIT_LOG_DAMAGED', exit: 'integrity', names: ['AuditLogDamagedError'], fix: 'See docs/audit-log.md: keep the damaged file as evidence; nothing was deleted' },
  { code: 'AUDIT_LOG_LOCKED', exit: 'running', names: ['FileLockedError'], fix: 'Wait for the process that writes to the audit log', told: true },
  { code: 'ROUND_LIMIT', exit: 'configuration', names: ['RoundLimitError'], fix: 'Begin a new identity with the same model and ledger: grapevine renew', told: true },
  { code: 'AMBIGUOUS_VERSION', exit: 'usage', names: ['AmbiguousVersionError'], fix: 'Give more characters of the id: see grapevine versions' },
  { code: 'INSECURE_PERMISSIONS', exit: 'storage', names: ['IdentityError'], reasons: ['open-to-others'], fix: 'Only you may read the key: chmod 600 on the file', told: true },
  { code: 'IDENTITY', exit: 'storage', names: ['IdentityError'], fix: 'Restore the key file from a copy, or use a new home', told: true },

  { code: 'PERMISSION', exit: 'storage', names: ['Error'], causes: ['EACCES', 'EPERM', 'EROFS'], fix: 'Check the permissions of that file or folder' },
  { code: 'FILE_MISSING', exit: 'usage', names: ['Error'], causes: ['ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY'], fix: 'Check the path' }
]

/** What no row fits */
export const UNEXPECTED = { code: 'UNEXPECTED', exit: 'unexpected', fix: 'This is a bug: run again with --verbose for the stack trace, and report it' } as const

/** How deep a chain of causes is followed: it may be a loop */
const MAX_CAUSES = 8

/** What to tell the user of an error, whatever it is */
export function reportError (error: unknown): ErrorReport {
  const row = ERROR_ROWS.find((candidate) => fits(candidate, error))
  const message = oneLine(error instanceof Error ? error.message : String(error))
  if (row === undefined) {
    const name = error instanceof Error ? `${error.name}: ` : ''
    return { code: `GRAPEVINE_E_${UNEXPECTED.code}`, exit: EXIT_CODES[UNEXPECTED.exit].code, message: `${name}${message}`, fix: UNEXPECTED.fix, told: false }
  }
  return { code: `GRAPEVINE_E_${row.code}`, exit: EXIT_CODES[row.exit].code, message, fix: row.fix, told: isTold(row, error) }
}

function isTold ({ told = [] }: ErrorRow, error: unknown): boolean {
  return told === true || told.includes(String((error as { reason?: unknown } | null)?.reason))
}

/** For people, on one line */
export function errorLine ({ code, message, fix, told }: ErrorReport): string {
  const sentence = message.replace(/[.\s]+$/, '')
  return `error ${code}: ${sentence}${fix === null || told ? '' : `. ${fix}`}`
}

function fits (row: ErrorRow, error: unknown): boolean {
  const { name, reason } = (error ?? {}) as { name?: unknown, reason?: unknown }
  return row.names.includes(String(name)) &&
    (row.reasons === undefined || row.reasons.includes(String(reason))) &&
    (row.causes === undefined || causeCodes(error).some((code) => row.causes!.includes(code)))
}

/** `code` of the error and of its causes; the text too, for libraries that keep the code there only */
function causeCodes (error: unknown): string[] {
  const codes: string[] = []
  let current = error
  for (let depth = 0; depth < MAX_CAUSES && current !== null && typeof current === 'object'; depth++) {
    const { code, message, cause, errors } = current as { code?: unknown, message?: unknown, cause?: unknown, errors?: unknown }
    if (typeof code === 'string') {
      codes.push(code)
    }
    if (typeof message === 'string') {
      codes.push(...message.match(/\bE[A-Z]{4,}\b/g) ?? [], ...(/no space left on device/i.test(message) ? ['ENOSPC'] : []))
    }
    current = cause ?? (Array.isArray(errors) ? errors[0] : undefined)
  }
  return codes
}

function oneLine (message: string): string {
  return message.replace(/\s*\n\s*/g, ' ').trim()
}
