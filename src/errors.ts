/**
 * Every error that a caller may want to handle
 *
 * Matched by `name`, so that it survives worker threads and bundlers. A programmer's mistake is a TypeError or a
 * RangeError; the absence of something is `undefined`; a bad remote message is an event, not an exception.
 */

/**
 * The federation document is not acceptable: unknown or missing field, value out of range. The message names the field
 */
export class InvalidFederationError extends Error {
  override name = 'InvalidFederationError'
}

/**
 * The weights that a federation starts from are not here, are others, or do not fit its layers. The message names the
 * tensor
 */
export class WeightsError extends Error {
  override name = 'WeightsError'

  /**
   * `missing`: nobody gave them. `other`: another hash than the document's. `unfit`: a file of none, or of other
   * layers. `damaged`: the home's own copy
   */
  readonly reason: 'missing' | 'other' | 'unfit' | 'damaged'

  constructor (message: string, reason: WeightsError['reason'] = 'unfit', options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** The home, or the peer on the other side, belongs to another federation */
export class FederationMismatchError extends Error {
  override name = 'FederationMismatchError'
}

/** Training or test data are missing, corrupt, or do not fit the federation document */
export class DatasetError extends Error {
  override name = 'DatasetError'
}

/** A training backend could not be loaded, or lacks an operation that the model needs */
export class BackendError extends Error {
  override name = 'BackendError'
}

/** The node is in a state in which this cannot be done, such as starting after a stop */
/** The own round numbers are so high that no other peer takes what this one publishes. Numbers of one key only grow */
export class RoundLimitError extends Error {
  override name = 'RoundLimitError'
}

export class NodeStateError extends Error {
  override name = 'NodeStateError'
}

/** Training gave NaN or Inf, or the worker thread died. The round keeps the last good parameters */
export class TrainingError extends Error {
  override name = 'TrainingError'
}

/**
 * An audit found more leakage than the ledger allows: privacy is broken by a fault in the program. Nothing that was
 * sent can be taken back; training on these data must stop
 */
export class PrivacyViolationError extends Error {
  override name = 'PrivacyViolationError'

  /** Nats: what the audit shows epsilon to be at least */
  readonly lowerBound: number
  /** Nats: what the ledger says epsilon is at most */
  readonly ledgerEpsilon: number

  constructor (message: string, { lowerBound, ledgerEpsilon }: { lowerBound: number, ledgerEpsilon: number }, options?: ErrorOptions) {
    super(message, options)
    this.lowerBound = lowerBound
    this.ledgerEpsilon = ledgerEpsilon
  }
}

/** An update is not an acceptable parameter vector. The sender is scored down; the round goes on */
export class InvalidUpdateError extends Error {
  override name = 'InvalidUpdateError'

  /** One of the codec-level RejectionReasons */
  readonly reason: 'codec' | 'shape' | 'not-finite' | 'norm' | 'wrong-codec'

  constructor (message: string, reason: InvalidUpdateError['reason'], options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** The own update cannot be published */
export class PublishError extends Error {
  override name = 'PublishError'
}

/** Bytes could not be fetched from a peer: connection lost, no progress, not held, or not what was announced */
export class PullError extends Error {
  override name = 'PullError'
}

/** A listen address is not usable: port taken, address not of this machine */
export class ListenError extends Error {
  override name = 'ListenError'
}

/** A library is of a release whose inner side is another than the one that is needed */
export class DependencyError extends Error {
  override name = 'DependencyError'
}

/** A multiaddr that cannot be parsed or dialled */
export class InvalidAddressError extends Error {
  override name = 'InvalidAddressError'
}

/** No bootstrap address led to a peer. `cause` holds the last failure */
export class BootstrapError extends Error {
  override name = 'BootstrapError'

  /** Why no address led to a federation */
  readonly reason: 'refused' | 'timeout' | 'not-libp2p' | 'wrong-peer' | 'self' | 'not-grapevine' | 'older-protocol' | 'newer-protocol' | 'unreachable'

  constructor (message: string, reason: BootstrapError['reason'], options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** Another live process uses this home */
export class HomeLockedError extends Error {
  override name = 'HomeLockedError'
}

/** The store was written by a version with another format */
export class StoreFormatError extends Error {
  override name = 'StoreFormatError'
}

/** The store cannot be read: damaged files. Nothing is deleted */
export class StoreCorruptError extends Error {
  override name = 'StoreCorruptError'
}

/** The store could not be written: disk full, no permission. Nothing is half-written */
export class StoreWriteError extends Error {
  override name = 'StoreWriteError'

  /**
   * `folder-taken`: other files are in the folder of an export. `export`: it cannot be written. `format`: the format of
   * an export has no word for a layer
   */
  readonly reason: 'store' | 'folder-taken' | 'export' | 'format'

  constructor (message: string, { reason = 'store', ...options }: ErrorOptions & { reason?: StoreWriteError['reason'] } = {}) {
    super(message, options)
    this.reason = reason
  }
}

/**
 * Parameters that are no model: one is not finite. They are not committed, and those of an old home are not given out
 */
export class UnsoundVersionError extends Error {
  override name = 'UnsoundVersionError'
}

/** A call reached a store that is not open: before open() or after close(). Nothing was read or written */
export class StoreClosedError extends Error {
  override name = 'StoreClosedError'
}

/**
 * HOME or XDG_STATE_HOME do not name one folder for what belongs to the user, whatever the working folder is. Nothing
 * was made
 */
export class StateFolderError extends Error {
  override name = 'StateFolderError'
}

/** Another live process holds the privacy ledger of this dataset: it trains on the same data */
export class LedgerLockedError extends Error {
  override name = 'LedgerLockedError'
}

/** The privacy ledger is damaged or was edited. No training on its dataset may begin. Nothing is deleted */
export class LedgerCorruptError extends Error {
  override name = 'LedgerCorruptError'
}

/**
 * The privacy ledger could not be written or read: disk full, no permission. The training that it was for may not begin
 */
export class LedgerWriteError extends Error {
  override name = 'LedgerWriteError'
}

/**
 * This peer published more than its privacy ledger knows of: the ledger is an older copy. Nothing is trained or sent
 */
export class LedgerRollbackError extends Error {
  override name = 'LedgerRollbackError'
}

/** A version prefix fits more than one version */
export class AmbiguousVersionError extends Error {
  override name = 'AmbiguousVersionError'
}

/** The identity key file is unreadable, damaged, or open to other users */
export class IdentityError extends Error {
  override name = 'IdentityError'

  readonly reason: 'damaged' | 'open-to-others'

  constructor (message: string, { reason = 'damaged', ...options }: ErrorOptions & { reason?: IdentityError['reason'] } = {}) {
    super(message, options)
    this.reason = reason
  }
}

/** A token that cannot be redeemed, found out before anything is dialled */
export class InvitationError extends Error {
  readonly reason: 'malformed' | 'checksum' | 'signature' | 'expired' | 'clock' | 'wrong-federation' | 'own'

  constructor (message: string, reason: InvitationError['reason'], options?: ErrorOptions) {
    super(message, options)
    this.name = 'InvitationError'
    this.reason = reason
  }
}

/** A peer of the federation answered, and does not let this node in; `reason` is what it said */
export class AdmissionRefusedError extends Error {
  readonly reason: string

  constructor (message: string, reason: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AdmissionRefusedError'
    this.reason = reason
  }
}

/** What a node's owner wants of its federation's membership, and cannot have: the message says why and what to do */
export class GovernanceError extends Error {
  readonly reason: 'open-federation' | 'not-a-voter' | 'not-a-member' | 'no-such-act' | 'ambiguous' | 'void' | 'no-voting-key' | 'limit' | 'invalid'

  constructor (message: string, reason: GovernanceError['reason'], options?: ErrorOptions) {
    super(message, options)
    this.name = 'GovernanceError'
    this.reason = reason
  }
}
