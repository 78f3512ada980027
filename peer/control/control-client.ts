/**
 * Asks the running peer of a home
 */
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { ControlError, NoSuchVersionError } from '../errors.ts'
import { readControlFile } from './control-file.ts'
import { GOVERNANCE_PREFIX } from './governance-interface.ts'
import type { ControlAddress } from './control-file.ts'
import type { GovernanceAnswers, GovernanceChanges } from './governance-interface.ts'
import type { LedgerPage } from '../ledger-reader.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { MembershipStatus } from '../../src/governance/governance-interface.ts'
import type { ModelVersion } from '../../src/interface.ts'
import type { NodeDescription } from '../../src/node/node-interface.ts'
import type { LedgerTotal } from '../../src/ledger/summary.ts'
import type { LedgerVerification } from '../../src/ledger/verify.ts'

const TIMEOUT_MS = 10_000

/** 256 MiB of parameters is the most that a model may have */
const MAX_ANSWER_BYTES = 300 * 1024 * 1024

/** A version's id has 64 characters; a request for much more would not fit the head that a server reads */
const MAX_SELECTOR_CHARACTERS = 128

/** Connection errors that mean: no such process any more */
const GONE = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT']

/** An endpoint that others crowd closes a connection now and then, also one that was about to ask */
const RESET = ['ECONNRESET', 'EPIPE']
const RESET_TRIES = 4
const RESET_DELAY_MS = 50

export interface RunningStatus {
  pid: number
  node: NodeDescription
  dataSettings: Record<string, unknown>
  /** Undefined for a peer that runs since before an update; null in an open federation */
  membership?: MembershipStatus | null | undefined
}

interface Question {
  path: string
  /** Sent as JSON, to change something */
  body?: object
}

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

/** Undefined when no peer runs in the home, whatever files an earlier one left there */
export async function connectControl (home: string): Promise<ControlClient | undefined> {
  const address = await readControlFile(home)
  if (address === undefined || !isAlive(address.pid)) {
    return undefined
  }
  const client = new ControlClient(address)
  return await client.answers() ? client : undefined
}

/** The living process that should answer for the home, whether it does or not; undefined when there is none */
export async function controlProcess (home: string): Promise<number | undefined> {
  const address = await readControlFile(home)
  return address === undefined || !isAlive(address.pid) ? undefined : address.pid
}

export class ControlClient {
  private readonly address: ControlAddress

  constructor (address: ControlAddress) {
    this.address = address
  }

  get pid (): number {
    return this.address.pid
  }

  /** False when something else, or nothing, listens there by now */
  async answers (): Promise<boolean> {
    try {
      const { status, body } = await this.get('/status')
      return status === 200 && isStatus(body)
    } catch (err) {
      const code = String((err as NodeJS.ErrnoException).code)
      // HPE: what listens there does not speak HTTP
      if (GONE.includes(code) || code.startsWith('HPE_')) {
        return false
      }
      throw err
    }
  }

  async status (): Promise<RunningStatus> {
    return await this.document('/status') as RunningStatus
  }

  async versions (options: { limit: number }): Promise<ModelVersion[]> {
    return await this.document(`/versions?limit=${options.limit}`) as ModelVersion[]
  }

  async federation (): Promise<FederationDocument | undefined> {
    return await this.document('/federation') as FederationDocument | null ?? undefined
  }

  async ledgerTotals (): Promise<LedgerTotal[]> {
    return await this.document('/ledger/totals') as LedgerTotal[]
  }

  async ledgerEntries (options: { limit: number }): Promise<LedgerPage> {
    return await this.document(`/ledger/entries?limit=${options.limit}`) as LedgerPage
  }

  async verifyLedger (): Promise<LedgerVerification> {
    return await this.document('/ledger/verification') as LedgerVerification
  }

  /** Undefined when there is no such version. Throws AmbiguousVersionError */
  async version (selector: string): Promise<{ version: ModelVersion, parameters: Float32Array } | undefined> {
    if (selector.length > MAX_SELECTOR_CHARACTERS) {
      return undefined
    }
    let answer: Answer
    try {
      answer = await this.checked(`/version?selector=${encodeURIComponent(selector)}`)
    } catch (err) {
      if (err instanceof NoSuchVersionError) {
        return undefined
      }
      throw err
    }
    const version = JSON.parse(decodeURIComponent(String(answer.headers['x-grapevine-version']))) as ModelVersion
    // a copy of its own: the offset of the body inside its buffer need not be a multiple of four
    const bytes = new Uint8Array(answer.body)
    return { version, parameters: new Float32Array(bytes.buffer) }
  }

  /** A page about membership. Throws GovernanceError in an open federation */
  async governance<Page extends keyof GovernanceAnswers> (page: Page): Promise<GovernanceAnswers[Page]> {
    return await this.document(`${GOVERNANCE_PREFIX}${page}`) as GovernanceAnswers[Page]
  }

  /** Throws GovernanceError: the federation is open, or the node says why it cannot be done */
  async change<Page extends keyof GovernanceChanges> (page: Page, body: GovernanceChanges[Page]['takes']): Promise<GovernanceChanges[Page]['gives']> {
    const answer = await this.getOnce({ path: `${GOVERNANCE_PREFIX}${page}`, body }).catch((err: unknown) => {
      // asking again could do it twice
      throw RESET.includes(String((err as NodeJS.ErrnoException).code)) ? new ControlError(`process ${this.pid} ended the connection: whether it did what was asked is not known; look before you try again`, { cause: err }) : err
    })
    if (answer.status !== 200) {
      throw remoteError(answer, this.pid)
    }
    return JSON.parse(answer.body.toString('utf8')) as GovernanceChanges[Page]['gives']
  }

  private async document (path: string): Promise<unknown> {
    const { body } = await this.checked(path)
    return JSON.parse(body.toString('utf8'))
  }

  private async checked (path: string): Promise<Answer> {
    const answer = await this.get(path)
    if (answer.status !== 200) {
      throw remoteError(answer, this.pid)
    }
    return answer
  }

  private async get (path: string): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.getOnce({ path })
      } catch (err) {
        if (!RESET.includes(String((err as NodeJS.ErrnoException).code)) || tries === RESET_TRIES) {
          throw err
        }
      }
      await delay(RESET_DELAY_MS)
    }
  }

  private getOnce ({ path, body }: Question): Promise<Answer> {
    const { port, token } = this.address
    const [method, type] = body === undefined ? ['GET', {}] : ['POST', { 'content-type': 'application/json' }]
    return new Promise((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port, path, method, agent: false, headers: { authorization: `Bearer ${token}`, ...type }, signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
        const pieces: Buffer[] = []
        let size = 0
        response.on('data', (piece: Buffer) => {
          size += piece.byteLength
          pieces.push(piece)
          if (size > MAX_ANSWER_BYTES) {
            response.destroy(new ControlError(`the answer of process ${this.pid} has more than ${MAX_ANSWER_BYTES} bytes`))
          }
        })
        response.on('error', reject)
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) })
        })
      })
      outgoing.on('error', (err) => {
        reject(err.name === 'AbortError' || err.name === 'TimeoutError' ? new ControlError(`process ${this.pid} did not answer in ${TIMEOUT_MS / 1000} s`, { cause: err }) : err)
      })
      outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}

/** A port of a peer that died may have gone to another server */
function isStatus (body: Buffer): boolean {
  try {
    const { pid, node } = JSON.parse(body.toString('utf8')) as Record<string, unknown>
    return typeof pid === 'number' && typeof node === 'object' && node !== null
  } catch {
    return false
  }
}

/** An error of the node in the other process, with its name, so that it is reported as the same */
function remoteError ({ status, body }: Answer, pid: number): Error {
  let name: unknown
  let message: unknown
  let reason: unknown
  try {
    ({ name, message, reason } = JSON.parse(body.toString('utf8')) as Record<string, unknown>)
  } catch (err) {
    return new ControlError(`process ${pid} answered ${status}`, { cause: err })
  }
  const error = name === 'NoSuchVersionError' ? new NoSuchVersionError(String(message)) : new ControlError(String(message))
  error.name = String(name)
  return typeof reason === 'string' ? Object.assign(error, { reason }) : error
}

/** Signal 0 asks whether a process exists. EPERM: it does, and belongs to somebody else */
function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (err) {
    return (err as NodeJS.ErrnoException).code === 'EPERM'
  }
}
