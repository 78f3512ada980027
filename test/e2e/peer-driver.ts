/**
 * A real peer process in a test: started, read line by line, ended
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { PeerProcess } from '../../testnet/peer-process.ts'
import type { ProcessExit } from '../../testnet/peer-process.ts'

export interface PeerLine {
  type: string
  time: string
  /** When it was read, performance.now() of the test: the peer's own clock may be wrong */
  arrivedMs: number
  [detail: string]: unknown
}

const PROGRAM = resolve(import.meta.dirname, '../../dist/peer/main.js')

export class PeerDriver {
  readonly lines: PeerLine[] = []
  readonly name: string
  private readonly process: PeerProcess
  private readonly listeners = new Set<() => void>()
  private hasExited = false

  /** `prefix`: a command to run it under, e.g. `ip netns exec NAME` */
  constructor (name: string, args: readonly string[], prefix: readonly string[] = []) {
    this.name = name
    this.process = new PeerProcess({
      command: [...prefix, process.execPath, PROGRAM, ...args],
      environment: { ...process.env, GRAPEVINE_EXIT_WITH_STDIN: '1' },
      onLine: (text) => {
        this.lines.push({ ...JSON.parse(text) as PeerLine, arrivedMs: performance.now() })
        this.wake()
      }
    })
    void this.process.exited.then(() => {
      this.hasExited = true
      this.wake()
    })
  }

  get exited (): Promise<ProcessExit> {
    return this.process.exited
  }

  get stderr (): string {
    return this.process.stderr().join('\n')
  }

  get isRunning (): boolean {
    return !this.hasExited
  }

  /** Round reports so far */
  get rounds (): PeerLine[] {
    return this.lines.filter(({ type }) => type === 'round:end')
  }

  get pid (): number | undefined {
    return this.process.pid
  }

  signal (name: NodeJS.Signals): void {
    this.process.signal(name)
  }

  async stop (): Promise<ProcessExit> {
    return this.process.stop(15_000)
  }

  /** The first line of `type`, past or future, from index `from` on, that fits */
  async line (type: string, fits: (line: PeerLine) => boolean = () => true, { timeoutMs = 45_000, from = 0 } = {}): Promise<PeerLine> {
    const found = (): PeerLine | undefined => this.lines.slice(from).find((line) => line.type === type && fits(line))
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const line = found()
      if (line !== undefined) {
        return line
      }
      const leftMs = deadline - Date.now()
      if (leftMs <= 0 || this.hasExited) {
        throw new RangeError(`${this.name}: no "${type}" ${this.hasExited ? 'before it exited' : `within ${timeoutMs} ms`}; last lines: ${JSON.stringify(this.lines.slice(-5))}; stderr: ${this.stderr}`)
      }
      await this.changed(leftMs)
    }
  }

  /** A full multiaddr on which it listens */
  async address (contains = '/ip4/127.0.0.1/'): Promise<string> {
    const { addresses } = await this.line('listening') as unknown as { addresses: string[] }
    const address = addresses.find((candidate) => candidate.includes(contains))
    if (address === undefined) {
      throw new RangeError(`${this.name} does not listen on ${contains}: ${addresses.join(' ')}`)
    }
    return address
  }

  async round (atLeast: number, options: { timeoutMs?: number, from?: number } = {}): Promise<PeerLine> {
    return this.line('round:end', ({ round }) => (round as number) >= atLeast, options)
  }

  private async changed (timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, timeoutMs)
    this.listeners.add(resolve)
    await promise
    clearTimeout(timer)
    this.listeners.delete(resolve)
  }

  private wake (): void {
    for (const listener of this.listeners) {
      listener()
    }
  }
}

/** A folder for homes, and peers that are killed at the end whatever happens */
export class PeerSet implements AsyncDisposable {
  readonly folder: string
  private readonly peers: PeerDriver[] = []

  private constructor (folder: string) {
    this.folder = folder
  }

  static async create (): Promise<PeerSet> {
    return new PeerSet(await mkdtemp(join(tmpdir(), 'grapevine-e2e-')))
  }

  home (name: string): string {
    return join(this.folder, name)
  }

  /** `verb` and its arguments without home and output mode */
  spawn (name: string, args: readonly string[], prefix: readonly string[] = []): PeerDriver {
    const [verb, ...rest] = args
    const peer = new PeerDriver(name, [verb!, ...rest, '--home', this.home(name), '--json'], prefix)
    this.peers.push(peer)
    return peer
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await Promise.all(this.peers.map(async (peer) => {
      peer.signal('SIGKILL')
      await peer.exited
    }))
    await rm(this.folder, { recursive: true, force: true })
  }
}
