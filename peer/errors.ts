/**
 * Errors of the program itself; the library's are in src/errors.ts
 */

/** The command line cannot be understood. Exit code 2 */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** A configuration file, an environment variable or the home is not valid. Exit code 3 */
export class ConfigurationError extends Error {
  override name = 'ConfigurationError'
}

/** The home holds no peer yet. Exit code 3 */
export class NoHomeError extends Error {
  override name = 'NoHomeError'

  /** The message ends with the commands that make one there */
  constructor (home: string) {
    super(`no peer in ${home}: make one with grapevine init --home ${home}, or join a federation with grapevine join ADDRESS --home ${home}`)
  }
}

/** What was asked for needs the running peer of the home. Exit code 4 */
export class NotRunningError extends Error {
  override name = 'NotRunningError'
}

/** `init` found a peer in the home. Exit code 3 */
export class HomeExistsError extends Error {
  override name = 'HomeExistsError'
}

/** No model version fits the selector. Exit code 2 */
export class NoSuchVersionError extends Error {
  override name = 'NoSuchVersionError'
}

/** The home does not say which dataset its peer trains on, or which federation it is of: it never ran. Exit code 3 */
export class NoLedgerError extends Error {
  override name = 'NoLedgerError'
}

/** What was asked for cannot be written to standard output, although somebody may want it. Exit code 9 */
export class OutputError extends Error {
  override name = 'OutputError'
}

/** The running peer's control endpoint gave an answer that makes no sense. Exit code 1 */
export class ControlError extends Error {
  override name = 'ControlError'
}
