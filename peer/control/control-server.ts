/**
 * The control endpoint: lets the other verbs look into a running peer, and decide on its federation's membership
 *
 * On 127.0.0.1, and read only but for the pages about membership that change something. A web page cannot use it: the
 * Host header must name the loopback address (DNS rebinding), a request with an Origin is refused, and nothing is
 * answered without the token of `control.json`. Every program of the machine may connect: whoever has not shown the
 * token yet makes room for whoever comes later.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { changeGovernance, changePage, readGovernance } from './governance-pages.ts'
import { readBody } from './request-body.ts'
import { removeControlFile, writeControlFile } from './control-file.ts'
import { reportError } from '../error-report.ts'
import { newestEntries } from '../ledger-reader.ts'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { GrapevineNode } from '../../src/node/node-interface.ts'

const HOST = '127.0.0.1'
const TOKEN_BYTES = 32
const REQUEST_TIMEOUT_MS = 10_000
/** Connections that have not shown the token; one more, and the oldest of them is closed */
const MAX_UNKNOWN = 16
/** All of them. Programs with the token ask once and leave: so many at a time are none of ours */
const MAX_CONNECTIONS = 64
const MAX_LISTED = 100_000

export type ControlledNode = Pick<GrapevineNode, 'describe' | 'versions' | 'version' | 'federation' | 'ledger' | 'governance'>

export interface ControlServerInit {
  home: string
  node: ControlledNode
  /** How this process reads its data: `evaluate` uses the same */
  dataSettings: object
}

interface Answer {
  status: number
  body: Uint8Array | string
  headers?: Record<string, string>
}

/** Serves one node until `stop()` */
export class ControlServer {
  private readonly init: ControlServerInit
  private readonly token = randomBytes(TOKEN_BYTES).toString('hex')
  private readonly server: Server
  /** Connections that have not shown the token, oldest first */
  private readonly unknown = new Set<Socket>()

  constructor (init: ControlServerInit) {
    this.init = init
    const timeouts = { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: REQUEST_TIMEOUT_MS / 4 }
    this.server = createServer({ ...timeouts, maxHeaderSize: 8192 }, (request, response) => {
      void this.serve(request, response)
    })
    this.server.maxConnections = MAX_CONNECTIONS
    this.server.on('connection', (socket) => { this.admit(socket) })
  }

  /** Listens, then writes `control.json` */
  async start (): Promise<void> {
    this.server.listen(0, HOST)
    await once(this.server, 'listening')
    // a control endpoint alone keeps no process alive
    this.server.unref()
    await writeControlFile(this.init.home, { pid: process.pid, port: this.port, token: this.token })
  }

  stop (): void {
    if (this.server.listening) {
      removeControlFile(this.init.home)
      this.server.close()
      this.server.closeAllConnections()
    }
  }

  private get port (): number {
    return (this.server.address() as AddressInfo).port
  }

  private admit (socket: Socket): void {
    this.unknown.add(socket)
    socket.once('close', () => this.unknown.delete(socket))
    const [oldest] = this.unknown
    if (this.unknown.size > MAX_UNKNOWN) {
      oldest?.destroy()
    }
  }

  private async serve (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body, headers } = await this.answer(request)
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers })
    response.end(body)
  }

  private async answer (request: IncomingMessage): Promise<Answer> {
    const refused = this.refusal(request)
    if (refused !== undefined) {
      return closing(refused)
    }
    this.unknown.delete(request.socket)
    try {
      const url = new URL(`http://${HOST}${request.url ?? '/'}`)
      return request.method === 'POST' ? await this.change(request, url) : await this.route(url)
    } catch (err) {
      const { name, message, reason } = err as Error & { reason?: unknown }
      return json(reportError(err).exit === 1 ? 500 : 409, { name, message, ...(typeof reason === 'string' ? { reason } : {}) })
    }
  }

  /** What has no body of JSON, or too long a one, is closed at once: what else it may send is read by nobody */
  private async change (request: IncomingMessage, { pathname }: URL): Promise<Answer> {
    const page = changePage(pathname)
    if (page === undefined) {
      return closing(json(405, { name: 'ControlError', message: 'read only' }))
    }
    const body = await readBody(request)
    if (body === undefined) {
      return closing(json(400, { name: 'ControlError', message: 'the request holds no JSON, or too much of it' }))
    }
    const changed = await changeGovernance(this.init.node, page, body.value)
    return changed === undefined ? json(400, { name: 'ControlError', message: `"${page}" does not take that` }) : json(200, changed.result)
  }

  private refusal ({ method, headers }: IncomingMessage): Answer | undefined {
    if (headers.host !== `${HOST}:${this.port}` || headers.origin !== undefined) {
      return json(403, { name: 'ControlError', message: 'not from here' })
    }
    if (!sameText(headers.authorization ?? '', `Bearer ${this.token}`)) {
      return json(401, { name: 'ControlError', message: 'wrong token' })
    }
    return method === 'GET' || method === 'POST' ? undefined : json(405, { name: 'ControlError', message: 'read only' })
  }

  private async route ({ pathname, searchParams }: URL): Promise<Answer> {
    const { node } = this.init
    switch (pathname) {
      case '/status':
        return json(200, { pid: process.pid, node: node.describe(), dataSettings: this.init.dataSettings, membership: node.governance()?.status() ?? null })
      case '/versions':
        return json(200, await node.versions({ limit: limitOf(searchParams) }))
      case '/version':
        // not a part of the path: there "", "." and ".." would be lost
        return await this.version(searchParams.get('selector') ?? '')
      case '/federation':
        return json(200, node.federation() ?? null)
      case '/ledger/totals':
      case '/ledger/entries':
      case '/ledger/verification':
        return await this.ledger(pathname, limitOf(searchParams))
      default:
        return await this.governance(pathname)
    }
  }

  private async governance (pathname: string): Promise<Answer> {
    const told = await readGovernance(this.init.node, pathname)
    return told === undefined ? json(404, { name: 'ControlError', message: 'no such page' }) : json(200, told)
  }

  private async ledger (pathname: string, limit: number): Promise<Answer> {
    const ledger = this.init.node.ledger()
    if (ledger === undefined) {
      return json(404, { name: 'NoLedgerError', message: 'this peer has no privacy ledger open: its federation has no privacy mechanism, or it is just starting' })
    }
    switch (pathname) {
      case '/ledger/totals':
        return json(200, ledger.totals())
      case '/ledger/entries':
        return json(200, await newestEntries(ledger, limit))
      default:
        return json(200, await ledger.verify())
    }
  }

  /** The parameters as little-endian float32; what describes them in a header */
  private async version (selector: string): Promise<Answer> {
    const found = await this.init.node.version(selector)
    if (found === undefined) {
      return json(404, { name: 'NoSuchVersionError', message: `no version "${selector}"` })
    }
    const { parameters } = found
    return {
      status: 200,
      body: new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength),
      headers: { 'content-type': 'application/octet-stream', 'x-grapevine-version': encodeURIComponent(JSON.stringify(found.version)) }
    }
  }
}

function json (status: number, value: unknown): Answer {
  return { status, body: JSON.stringify(value), headers: { 'content-type': 'application/json' } }
}

function closing (answer: Answer): Answer {
  return { ...answer, headers: { ...answer.headers, connection: 'close' } }
}

function limitOf (searchParams: URLSearchParams): number {
  return Math.min(Math.max(1, Number(searchParams.get('limit')) || 1), MAX_LISTED)
}

/** In constant time for texts of equal length */
function sameText (a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.byteLength === right.byteLength && timingSafeEqual(left, right)
}
