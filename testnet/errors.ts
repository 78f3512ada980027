/**
 * What can end a testnet early. Matched by `name`, as in the library
 */

/** A peer ended before the mesh was ready, or could not be started. `stderr` holds its last lines */
export class TestnetPeerError extends Error {
  override name = 'TestnetPeerError'

  readonly node: string
  readonly exitCode: number | undefined
  readonly stderr: string[]

  constructor (message: string, detail: { node: string, exitCode: number | undefined, stderr: string[] }) {
    super(message)
    this.node = detail.node
    this.exitCode = detail.exitCode
    this.stderr = detail.stderr
  }
}

/** The testnet did not finish within its time */
export class TestnetTimeoutError extends Error {
  override name = 'TestnetTimeoutError'
}

/** stop() was called before the testnet had finished */
export class TestnetStoppedError extends Error {
  override name = 'TestnetStoppedError'
}

/**
 * A folder of the testnet, for the homes or the report, cannot be made or written to. The message names it; `cause`
 * says why
 */
export class FolderError extends Error {
  override name = 'FolderError'
}

/** A flag, or a combination of flags, is wrong. The message is one line for the user */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** Standard output cannot be written, although somebody may want it */
export class OutputError extends Error {
  override name = 'OutputError'
}
