/**
 * Where the program writes: answers on standard output, narration on standard error
 *
 * JSON mode turns every answer into one line with `type` and `time`. A closed pipe ends the program quietly. Whatever
 * is written passes through here, so that what strangers wrote cannot steer the terminal.
 */
import { styleText } from 'node:util'
import { jsonLine, printable } from '../src/quoted.ts'
import { errorLine } from './error-report.ts'
import type { ErrorReport } from './error-report.ts'

/** Column where the text of a field begins */
const FIELD_INDENT = 12

/** A reader that stopped reading must not keep the process alive */
const FLUSH_TIMEOUT_MS = 2000

/** A reader that went away (`| head`) is no error of ours */
const READER_GONE: ReadonlyArray<string | undefined> = ['EPIPE', 'ECONNRESET']

export interface TerminalInit {
  json: boolean
  quiet: boolean
  verbose: boolean
  /** False takes colour away; true only allows it */
  colour: boolean
  environment: Readonly<Record<string, string | undefined>>
  stdout?: NodeJS.WriteStream
  stderr?: NodeJS.WriteStream
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

export class Terminal {
  readonly json: boolean
  readonly verbose: boolean
  /** True when a line on standard error can be rewritten in place */
  readonly live: boolean
  /** Aborted when standard output takes nothing any more: nobody reads it, or it cannot be written */
  readonly closed: AbortSignal
  private readonly quiet: boolean
  private readonly colour: boolean
  private readonly stdout: NodeJS.WriteStream
  private readonly stderr: NodeJS.WriteStream
  private progressText = ''

  constructor (init: TerminalInit) {
    const { environment } = init
    this.json = init.json
    this.quiet = init.quiet
    this.verbose = init.verbose
    this.stdout = init.stdout ?? process.stdout
    this.stderr = init.stderr ?? process.stderr
    const plain = isSet(environment['CI']) || environment['TERM'] === 'dumb'
    const forced = isSet(environment['FORCE_COLOR']) && environment['FORCE_COLOR'] !== '0'
    this.colour = init.colour && !isSet(environment['NO_COLOR']) && (forced || (this.stderr.isTTY && !plain))
    this.live = this.stderr.isTTY && !plain && !init.quiet
    this.closed = closedSignal(this.stdout)
    // nothing is lost when nobody reads the narration
    this.stderr.on('error', () => {})
  }

  /** True where the answer is shown to somebody, and not written to a file or a program */
  get isScreen (): boolean {
    return this.stdout.isTTY
  }

  /** One line of the answer, for people. Nothing in JSON mode */
  line (text: string): void {
    if (!this.json) {
      this.write(this.stdout, text)
    }
  }

  /** One line of the answer with a title in front; none for a line that goes on */
  field (title: string, text: string): void {
    this.line(`${this.style('bold', title.padEnd(FIELD_INDENT))}${text}`)
  }

  /** One line of the answer, for programs. Nothing in human mode */
  event (type: string, detail: object): void {
    if (this.json) {
      this.write(this.stdout, jsonLine({ type, time: new Date().toISOString(), ...detail }))
    }
  }

  /**
   * Many lines of the answer at once, complete and printable. Resolves when there is room for more, or nobody reads
   * them any more; undefined when there is room at once
   */
  rows (text: string): Promise<void> | undefined {
    const { stdout } = this
    if (stdout.destroyed || stdout.errored !== null || stdout.write(text)) {
      return undefined
    }
    return new Promise((resolve) => {
      const done = (): void => {
        stdout.off('drain', done).off('error', done).off('close', done)
        resolve()
      }
      stdout.on('drain', done).on('error', done).on('close', done)
    })
  }

  /** Narration */
  note (text: string): void {
    if (!this.quiet) {
      this.write(this.stderr, text)
    }
  }

  /** Narration for --verbose only */
  detail (text: string): void {
    if (this.verbose) {
      this.note(this.style('dim', text))
    }
  }

  /** Shown in quiet mode too */
  warn (text: string): void {
    this.write(this.stderr, `${this.style('yellow', 'warning:')} ${text}`)
  }

  /** One line on standard error, and in JSON mode one on standard output */
  error (report: ErrorReport, error?: unknown): void {
    const { code, exit, message, fix } = report
    this.event('error', { code, exit, message, fix })
    const line = errorLine(report)
    this.write(this.stderr, this.colour ? line.replace(/^error \S+/, (head) => this.style('red', head)) : line)
    if (this.verbose && error instanceof Error) {
      for (const text of stackOf(error).split('\n')) {
        this.write(this.stderr, text)
      }
    }
  }

  /** The line in hand, rewritten in place; an empty text takes it away. Nothing where a line cannot be rewritten */
  progress (text: string): void {
    if (!this.live || text === this.progressText) {
      return
    }
    // some terminals do not know their width
    const width = (this.stderr.columns || 80) - 1
    this.stderr.write(`\r\u001b[2K${printable(text.slice(0, width))}`)
    this.progressText = text
  }

  style (style: Style, text: string): string {
    return this.colour ? styleText(style, text, { validateStream: false }) : text
  }

  /**
   * What was answered is lost, although somebody wants it: the disk is full, say. Undefined for a reader that went away
   */
  get lost (): NodeJS.ErrnoException | undefined {
    // the event may still be to come, and after it Node's standard streams forget their error
    const reason = (this.closed.aborted ? this.closed.reason : this.stdout.errored) as NodeJS.ErrnoException | null
    // a terminal that was hung up is a reader that went away, too
    const isGone = reason === null || READER_GONE.includes(reason.code) || (reason.code === 'EIO' && this.stdout.isTTY)
    return isGone ? undefined : reason
  }

  /** Resolves when everything that was written has left the process, or nobody reads it */
  async flush (): Promise<void> {
    this.progress('')
    await Promise.all([drained(this.stdout), drained(this.stderr)])
  }

  private write (stream: NodeJS.WriteStream, text: string): void {
    const { progressText } = this
    this.progress('')
    if (!stream.destroyed && !stream.errored) {
      stream.write(`${printable(text, { styles: this.colour })}\n`)
    }
    this.progress(progressText)
  }
}

function isSet (value: string | undefined): boolean {
  return value !== undefined && value !== ''
}

/** Also for what failed before */
function closedSignal (stream: NodeJS.WriteStream): AbortSignal {
  const controller = new AbortController()
  stream.on('error', (err: NodeJS.ErrnoException) => {
    controller.abort(err)
  })
  if (stream.errored !== null) {
    controller.abort(stream.errored)
  }
  return controller.signal
}

/** Everything written so far has left, or nobody reads it */
function drained (stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed || stream.errored !== null) {
    return Promise.resolve()
  }
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, FLUSH_TIMEOUT_MS)
    stream.write('', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

function stackOf (error: Error): string {
  const { cause } = error
  return `${error.stack ?? error.message}${cause instanceof Error ? `\ncaused by: ${cause.stack ?? cause.message}` : ''}`
}
