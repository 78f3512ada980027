/**
 * Standard output of the program: a reader that goes away ends it quietly, a full disk does not
 */
import { jsonLine, printable } from '../src/quoted.ts'
import { OutputError } from './errors.ts'

/** A reader that went away, as after `| head` */
const READER_GONE: ReadonlyArray<string | undefined> = ['EPIPE', 'ECONNRESET']

/** A reader that stopped reading must not keep the process alive */
const FLUSH_TIMEOUT_MS = 2000

type Stream = Pick<NodeJS.WriteStream, 'on' | 'write' | 'isTTY' | 'columns' | 'rows' | 'errored' | 'destroyed'>

export class ProgramOutput {
  /** Aborted when nothing can be written any more; the reason is what happened */
  readonly closed: AbortSignal
  private readonly stream: Stream

  constructor (stream: Stream) {
    const controller = new AbortController()
    this.stream = stream
    this.closed = controller.signal
    stream.on('error', (err: NodeJS.ErrnoException) => controller.abort(err))
  }

  /** What somebody wanted is lost: the disk is full, say. Undefined for a reader that went away */
  get lost (): OutputError | undefined {
    // Node's standard streams forget their error after its event
    const reason = (this.closed.aborted ? this.closed.reason : this.stream.errored) as NodeJS.ErrnoException | null
    const isGone = reason === null || READER_GONE.includes(reason.code) || (reason.code === 'EIO' && this.stream.isTTY)
    return isGone ? undefined : new OutputError(`standard output cannot be written: ${reason.message}`, { cause: reason })
  }

  get isTTY (): boolean {
    return this.stream.isTTY
  }

  get columns (): number {
    return this.stream.columns
  }

  get rows (): number {
    return this.stream.rows
  }

  /** As it is: for text of our own */
  readonly write = (text: string): boolean => {
    return !this.isOver && this.stream.write(text)
  }

  /** Lines that may hold what others wrote */
  lines (texts: readonly string[]): void {
    this.write(texts.map((text) => `${printable(text)}\n`).join(''))
  }

  json (value: object): void {
    this.write(`${jsonLine(value)}\n`)
  }

  /** Resolves when everything has left the process, or nobody reads it */
  async flush (): Promise<void> {
    const { stream } = this
    if (this.isOver) {
      return
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, FLUSH_TIMEOUT_MS)
      stream.write('', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  private get isOver (): boolean {
    return this.closed.aborted || this.stream.destroyed || this.stream.errored !== null
  }
}
