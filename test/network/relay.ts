/**
 * A TCP relay between two real peers, with everything that the network between them may do
 */
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

export interface RelayInit {
  /** Full multiaddr of the peer behind the relay */
  target: string
  /** Cuts the first connection after this many bytes from the target */
  cutAfter?: number
  /** Bytes each second from the target; what does not get through waits in the relay, as in a router's deep buffer */
  bytesPerSecond?: number
}

export interface Relay {
  /** Full multiaddr of the target through the relay */
  address: string
  /** Connections that were cut */
  cuts: number
  /** Bytes that came from the target and from the other side */
  fromTarget: number
  toTarget: number
  close: () => void
}

const TICK_MS = 20

/** Passes bytes on, at most so many in each tick */
function throttle (to: Socket, bytesPerSecond: number): { write: (data: Buffer) => void, stop: () => void } {
  const queue: Buffer[] = []
  const timer = setInterval(() => {
    let left = bytesPerSecond * TICK_MS / 1_000
    while (left > 0 && queue.length > 0) {
      const head = queue.shift()!
      to.write(head.subarray(0, left))
      if (head.byteLength > left) {
        queue.unshift(head.subarray(left))
      }
      left -= head.byteLength
    }
  }, TICK_MS)
  return { write: (data) => { queue.push(data) }, stop: () => { clearInterval(timer) } }
}

export async function createRelay (init: RelayInit): Promise<Relay> {
  const [, , host, , port, , peer] = init.target.split('/')
  const relay: Relay = { address: '', cuts: 0, fromTarget: 0, toTarget: 0, close: () => {} }
  const sockets = new Set<Socket>()
  const server = createServer((inbound) => {
    const outbound = connect(Number(port), host)
    const slow = init.bytesPerSecond === undefined ? undefined : throttle(inbound, init.bytesPerSecond)
    let passed = 0
    outbound.on('data', (data) => {
      passed += data.byteLength
      relay.fromTarget += data.byteLength
      if (slow === undefined) {
        inbound.write(data)
      } else {
        slow.write(data)
      }
      if (relay.cuts === 0 && passed > (init.cutAfter ?? Infinity)) {
        relay.cuts++
        inbound.destroy()
      }
    })
    inbound.on('data', (data) => {
      relay.toTarget += data.byteLength
      outbound.write(data)
    })
    for (const [socket, other] of [[inbound, outbound], [outbound, inbound]] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        slow?.stop()
        other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  relay.address = `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}/p2p/${peer}`
  relay.close = () => {
    sockets.forEach((socket) => socket.destroy())
    server.close()
  }
  return relay
}
