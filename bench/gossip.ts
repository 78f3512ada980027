/**
 * How updates travel between real processes on loopback, beside a direct libp2p stream and raw TCP in the same run
 *
 * One peer at a time publishes; the others are idle. Bytes on the wire are those of all sockets of all peers; bytes
 * delivered are the payload times the neighbours that got it. Run: node dist/bench/gossip.js [rounds]
 */
import '../src/promise-with-resolvers.ts'
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { median } from '../src/aggregators/median.ts'
import { createHost } from '../src/network/host/host.ts'
import { createNetwork } from '../src/network/network.ts'
import { StreamBytes } from '../src/network/support/stream-bytes.ts'
import { systemClock } from '../src/system-clock.ts'
import type { ChildProcess } from 'node:child_process'
import type { AddressInfo, Socket } from 'node:net'
import type { Connection } from '@libp2p/interface'
import type { Host } from '../src/network/host/host.ts'

const DIRECT_PROTOCOL = '/grapevine-bench/direct/1.0.0'
const FEDERATION = 'bench'
const WARM_UP = 2
const READY_TIMEOUT_MS = 60_000
const ROUND_TIMEOUT_MS = 60_000

type Way = 'grapevine' | 'stream' | 'tcp'

/** A busy machine may be too slow for one handshake */
async function dialled (host: Host, address: string, tries = 5): Promise<Connection> {
  try {
    return await host.libp2p.dial(multiaddr(address))
  } catch (err) {
    if (tries <= 1) {
      throw err
    }
    return dialled(host, address, tries - 1)
  }
}

interface Addresses { network: string, direct: string, tcpPort: number }
interface Stats { self: string, neighbours: string[], live: number, wire: Record<Way, number>, cpuMs: number }

type Call =
  | { call: 'start', bootstrap: string[], degree: number, maxPayloadBytes: number }
  | { call: 'connect', targets: Addresses[] }
  | { call: 'stats' }
  | { call: 'send', way: Way, round: number, bytes: number }
  | { call: 'stop' }

type Event = { event: 'got', way: Way, round: number, atMs: number }

const nowMs = (): number => performance.timeOrigin + performance.now()

// ---------------------------------------------------------------------------------------- worker

async function worker (): Promise<void> {
  const got = (way: Way, round: number): void => { process.send!({ event: 'got', way, round, atMs: nowMs() } satisfies Event) }
  const direct = await createHost({ privateKey: await generateKeyPair('Ed25519'), listen: ['/ip4/127.0.0.1/tcp/0'], isBanned: () => false })
  await direct.libp2p.handle(DIRECT_PROTOCOL, (stream) => {
    const bytes = new StreamBytes(stream)
    bytes.readMessage(8).then(async (head) => {
      const view = new DataView(head.buffer)
      await bytes.readInto(new Uint8Array(view.getUint32(4)))
      got('stream', view.getUint32(0))
      await bytes.writeMessage(new Uint8Array(1))
    }).catch(() => { stream.abort(new TypeError('broken')) })
  })
  await direct.start()
  let tcpBytes = 0
  const tcp = createServer((socket) => { receiveTcp(socket, (round) => { got('tcp', round) }) })
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  let network: Awaited<ReturnType<typeof createNetwork>>
  let connections: Connection[] = []
  let sockets: Socket[] = []

  const calls = {
    start: async ({ bootstrap, degree, maxPayloadBytes }: Extract<Call, { call: 'start' }>): Promise<Addresses> => {
      network = await createNetwork({
        privateKey: await generateKeyPair('Ed25519'),
        federationId: FEDERATION,
        federationBytes: new Uint8Array(1),
        document: { topology: { degree } },
        maxPayloadBytes,
        listen: ['/ip4/127.0.0.1/tcp/0'],
        announce: [],
        bootstrap,
        store: { peers: async () => [], putPeer: async () => {}, deletePeer: async () => {}, bans: async () => [], putBan: async () => {}, putPublished: async () => {}, getPublished: async () => undefined, putRecordSequence: async () => {}, getRecordSequence: async () => 0 },
        clock: systemClock
      })
      network.addEventListener('update', ({ detail }) => { got('grapevine', detail.round) })
      await network.start()
      return { network: network.addresses()[0]!, direct: direct.libp2p.getMultiaddrs()[0]!.toString(), tcpPort: (tcp.address() as AddressInfo).port }
    },
    connect: async ({ targets }: Extract<Call, { call: 'connect' }>): Promise<void> => {
      sockets.forEach((socket) => { socket.destroy() })
      connections = await Promise.all(targets.map(async (target) => dialled(direct, target.direct)))
      sockets = targets.map(({ tcpPort }) => connect(tcpPort, '127.0.0.1'))
      await Promise.all(sockets.map(async (socket) => once(socket, 'connect')))
      // the other end closes first when the run ends
      sockets.forEach((socket) => { socket.on('error', () => { socket.destroy() }) })
    },
    stats: async (): Promise<Stats> => {
      const { user, system } = process.cpuUsage()
      const neighbours = network.neighbours()
      return {
        self: network.self,
        neighbours: neighbours.map(({ peer }) => peer),
        live: neighbours.filter(({ live }) => live).length,
        wire: { grapevine: network.traffic().bytesSent, stream: direct.traffic.bytesSent, tcp: tcpBytes },
        cpuMs: (user + system) / 1_000
      }
    },
    send: async ({ way, round, bytes }: Extract<Call, { call: 'send' }>): Promise<number> => {
      const payload = randomBytes(bytes)
      const startedAt = nowMs()
      if (way === 'grapevine') {
        await network.publish({ round, sequence: round, codec: 'float32', degree: 1, payload })
      } else if (way === 'stream') {
        await Promise.all(connections.map(async (connection) => sendDirect(connection, round, payload)))
      } else {
        sockets.forEach((socket) => {
          socket.write(frameHead(round, bytes))
          socket.write(payload)
          tcpBytes += 8 + bytes
        })
      }
      return startedAt
    },
    stop: async (): Promise<void> => {
      sockets.forEach((socket) => { socket.destroy() })
      tcp.close()
      await network.stop({ signal: AbortSignal.abort() })
      await direct.stop()
    }
  }
  process.on('message', (message: Call & { id: number }) => {
    const method = calls[message.call] as (argument: Call) => Promise<unknown>
    method(message).then(
      (result) => process.send!({ id: message.id, result }),
      (err: unknown) => process.send!({ id: message.id, error: String(err) })
    ).finally(() => { if (message.call === 'stop') { process.disconnect() } })
  })
  process.send!({ id: 0 })
}

function frameHead (round: number, bytes: number): Uint8Array {
  const head = new DataView(new ArrayBuffer(8))
  head.setUint32(0, round)
  head.setUint32(4, bytes)
  return new Uint8Array(head.buffer)
}

async function sendDirect (connection: Connection, round: number, payload: Uint8Array): Promise<void> {
  const stream = await connection.newStream([DIRECT_PROTOCOL])
  const bytes = new StreamBytes(stream)
  await bytes.writeMessage(frameHead(round, payload.byteLength))
  await bytes.write(payload)
  await bytes.readMessage(1)
  await stream.close()
}

function receiveTcp (socket: Socket, got: (round: number) => void): void {
  let pending = Buffer.alloc(0)
  let round = 0
  let left = 0
  socket.on('error', () => {})
  socket.on('data', (data) => {
    while (data.byteLength > 0) {
      if (left === 0) {
        pending = Buffer.concat([pending, data])
        if (pending.byteLength < 8) {
          return
        }
        round = pending.readUInt32BE(0)
        left = pending.readUInt32BE(4)
        data = pending.subarray(8)
        pending = Buffer.alloc(0)
      }
      const taken = Math.min(left, data.byteLength)
      left -= taken
      data = data.subarray(taken)
      if (left === 0) {
        got(round)
      }
    }
  })
}

// ---------------------------------------------------------------------------------------- coordinator

class Worker {
  private readonly child: ChildProcess
  private readonly calls = new Map<number, { resolve: (value: never) => void, reject: (reason: Error) => void }>()
  private lastId = 0
  readonly ready: Promise<void>
  onGot: (event: Event) => void = () => {}

  constructor () {
    this.child = fork(fileURLToPath(import.meta.url), ['worker'])
    this.ready = new Promise((resolve) => { this.calls.set(0, { resolve, reject: () => {} }) })
    this.child.on('message', (message: Event | { id: number, result?: unknown, error?: string }) => {
      if ('event' in message) {
        this.onGot(message)
        return
      }
      const call = this.calls.get(message.id)
      this.calls.delete(message.id)
      if (message.error === undefined) {
        call?.resolve(message.result as never)
      } else {
        call?.reject(new TypeError(message.error))
      }
    })
  }

  async call<T> (call: Call): Promise<T> {
    const id = ++this.lastId
    return new Promise<T>((resolve, reject) => {
      this.calls.set(id, { resolve, reject })
      this.child.send({ ...call, id })
    })
  }

  async stop (): Promise<void> {
    const exited = once(this.child, 'exit')
    const timer = setTimeout(() => { this.child.kill('SIGKILL') }, 10_000)
    await this.call({ call: 'stop' }).catch(() => {})
    await exited
    clearTimeout(timer)
  }
}

async function until (condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS
  while (!await condition()) {
    if (Date.now() > deadline) {
      throw new TypeError(`${what}: not within ${READY_TIMEOUT_MS / 1_000} s`)
    }
    await systemClock.delay(100)
  }
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)

interface Row { way: Way, wirePerByte: number, lastMs: number, cpuMsPerMB: number }

async function measure (workers: Worker[], way: Way, options: { bytes: number, rounds: number, firstRound: number, receivers: number[][] }): Promise<Row> {
  const { bytes, rounds, firstRound, receivers } = options
  const read = async (): Promise<Stats[]> => Promise.all(workers.map(async (worker) => worker.call<Stats>({ call: 'stats' })))
  const lastMs: number[] = []
  let before = await read()
  let delivered = 0
  for (let i = 0; i < WARM_UP + rounds; i++) {
    if (i === WARM_UP) {
      before = await read()
    }
    const author = i % workers.length
    const round = firstRound + i
    const expected = receivers[author]!.length
    const arrivals: number[] = []
    const complete = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => { reject(new TypeError(`${way}: round ${round} reached ${arrivals.length} of ${expected}`)) }, ROUND_TIMEOUT_MS)
      workers.forEach((worker) => {
        worker.onGot = (event) => {
          if (event.way === way && event.round === round && arrivals.push(event.atMs) === expected) {
            clearTimeout(timer)
            resolve()
          }
        }
      })
    })
    const startedAt = await workers[author]!.call<number>({ call: 'send', way, round, bytes })
    await complete
    await systemClock.delay(150)
    if (i >= WARM_UP) {
      lastMs.push(Math.max(...arrivals) - startedAt)
      delivered += expected * bytes
    }
  }
  const after = await read()
  return {
    way,
    wirePerByte: (sum(after.map(({ wire }) => wire[way])) - sum(before.map(({ wire }) => wire[way]))) / delivered,
    lastMs: median(lastMs),
    cpuMsPerMB: (sum(after.map(({ cpuMs }) => cpuMs)) - sum(before.map(({ cpuMs }) => cpuMs))) / (delivered / 1e6)
  }
}

async function scenario (peers: number, degree: number, sizes: number[], rounds: number): Promise<void> {
  const workers = Array.from({ length: peers }, () => new Worker())
  try {
    await Promise.all(workers.map(async ({ ready }) => ready))
    const maxPayloadBytes = Math.max(...sizes)
    const first = await workers[0]!.call<Addresses>({ call: 'start', bootstrap: [], degree, maxPayloadBytes })
    const others = await Promise.all(workers.slice(1).map(async (worker) => worker.call<Addresses>({ call: 'start', bootstrap: [first.network], degree, maxPayloadBytes })))
    const addresses = [first, ...others]
    let stats: Stats[] = []
    await until(async () => {
      stats = await Promise.all(workers.map(async (worker) => worker.call<Stats>({ call: 'stats' })))
      return stats.every(({ live, neighbours }) => neighbours.length === Math.min(degree, peers - 1) && live === neighbours.length)
    }, `${peers} peers ready`)
    await systemClock.delay(2_500)
    const receivers = stats.map(({ self }) => stats.flatMap(({ neighbours }, index) => neighbours.includes(self) ? [index] : []))
    await Promise.all(workers.map(async (worker, index) => worker.call({ call: 'connect', targets: receivers[index]!.map((receiver) => addresses[receiver]!) })))
    let firstRound = 1
    for (const bytes of sizes) {
      for (const way of ['grapevine', 'stream', 'tcp'] as const) {
        print(peers, degree, bytes, await measure(workers, way, { bytes, rounds, firstRound, receivers }))
        firstRound += WARM_UP + rounds
      }
    }
  } finally {
    await Promise.all(workers.map(async (worker) => worker.stop()))
  }
}

const WIDTHS = [6, 4, 11, 28, 20, 17, 12]

function line (cells: string[]): void {
  console.log(cells.map((cell, index) => cell.padStart(WIDTHS[index]!)).join('  '))
}

function print (peers: number, degree: number, bytes: number, row: Row): void {
  const names: Record<Way, string> = { grapevine: bytes <= 65_536 ? 'grapevine, in the message' : 'grapevine, pulled', stream: 'direct libp2p stream', tcp: 'raw TCP' }
  line([String(peers), String(degree), String(bytes), names[row.way], row.wirePerByte.toFixed(3), row.lastMs.toFixed(1), row.cpuMsPerMB.toFixed(1)])
}

if (process.argv[2] === 'worker') {
  await worker()
} else {
  const rounds = Number(process.argv[2] ?? 9)
  line(['peers', 'k', 'bytes', 'way', 'wire/byte delivered', 'last delivery ms', 'CPU ms/MB'])
  await scenario(16, 6, [33_000], rounds)
  await scenario(4, 3, [1_000_000, 20_000_000], rounds)
}
