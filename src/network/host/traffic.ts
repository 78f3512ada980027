/**
 * Bytes on the wire, counted at the sockets of all connections
 *
 * libp2p hands every raw connection to its metrics component before it is encrypted or multiplexed, so that what is
 * counted here is what the kernel counts: handshakes, encryption and framing included. Message listeners would lose
 * data (a listener makes an idle connection flow) or count bytes twice that a handshake puts back, so the two points
 * where bytes pass between the connection and its socket are wrapped instead.
 */
import '../../promise-with-resolvers.ts'
import { Uint8ArrayList } from 'uint8arraylist'
import type { Metrics, MultiaddrConnection, Stream } from '@libp2p/interface'
import type { Traffic } from '../../interface.ts'

/** Up to this many bytes are copied into one piece for the socket */
const JOINED_BYTES = 65_536

/** The two methods of libp2p's abstract message stream that touch the socket */
interface RawConnection {
  onData: (data: Uint8Array | Uint8ArrayList) => void
  sendData: (data: Uint8ArrayList) => { sentBytes: number, canSendMore: boolean }
}

export interface TrafficMeter {
  readonly traffic: Traffic
  /** Bytes that came in over one connection so far: when they grow, the other end is alive */
  readonly receivedOn: (connection: Pick<MultiaddrConnection, 'timeline'>) => number
  /** For createLibp2p: everything but the counting of connections is left out */
  readonly metrics: () => Metrics
}

/** Called with every protocol stream when it opens, before its handler sees it */
export type StreamWatcher = (stream: Stream) => void

function isRawConnection (value: unknown): value is RawConnection {
  const candidate = value as Partial<RawConnection>
  return typeof candidate.onData === 'function' && typeof candidate.sendData === 'function'
}

/** Wraps the connection so that `traffic` grows with it. Throws TypeError when the transport is of an unknown kind */
function countConnection (traffic: Traffic, received: WeakMap<object, number>, connection: MultiaddrConnection): void {
  const raw: unknown = connection
  if (!isRawConnection(raw)) {
    throw new TypeError('this transport cannot be metered: its connections are not libp2p message streams')
  }
  const onData = raw.onData.bind(raw)
  const sendData = raw.sendData.bind(raw)
  raw.onData = (data) => {
    traffic.bytesReceived += data.byteLength
    // the finished connection shares this object with the raw one
    received.set(connection.timeline, (received.get(connection.timeline) ?? 0) + data.byteLength)
    onData(data)
  }
  raw.sendData = (data) => {
    // several short pieces would be as many calls to the kernel
    const result = sendData(data.byteLength <= JOINED_BYTES ? new Uint8ArrayList(data.subarray()) : data)
    traffic.bytesSent += result.sentBytes
    return result
  }
}

/** Named metrics are wanted from nobody: one object stands for all of them */
const unused = {
  update: () => {},
  increment: () => {},
  decrement: () => {},
  reset: () => {},
  observe: () => {},
  timer: () => () => {}
}

/** Counts the bytes of every connection of one libp2p node */
export function createTrafficMeter (watchStream: StreamWatcher = () => {}): TrafficMeter {
  const traffic: Traffic = { bytesSent: 0, bytesReceived: 0 }
  const received = new WeakMap<object, number>()
  const register = (): typeof unused => unused
  const metrics = {
    trackMultiaddrConnection: (connection: MultiaddrConnection) => { countConnection(traffic, received, connection) },
    trackProtocolStream: watchStream,
    registerMetric: register,
    registerMetricGroup: register,
    registerCounter: register,
    registerCounterGroup: register,
    registerHistogram: register,
    registerHistogramGroup: register,
    registerSummary: register,
    registerSummaryGroup: register,
    traceFunction: <F>(_name: string, traced: F): F => traced,
    createTrace: () => undefined
  }
  return { traffic, receivedOn: ({ timeline }) => received.get(timeline) ?? 0, metrics: () => metrics }
}
