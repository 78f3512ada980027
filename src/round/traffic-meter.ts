/**
 * Wire bytes from one reading to the next
 */
import type { Network, Traffic } from '../interface.ts'

export class TrafficMeter {
  private readonly network: Pick<Network, 'traffic'>
  private last: Traffic = { bytesSent: 0, bytesReceived: 0 }

  constructor (network: Pick<Network, 'traffic'>) {
    this.network = network
  }

  /** Bytes since the last call */
  read (): Traffic {
    const { bytesSent, bytesReceived } = this.network.traffic()
    const since = { bytesSent: bytesSent - this.last.bytesSent, bytesReceived: bytesReceived - this.last.bytesReceived }
    this.last = { bytesSent, bytesReceived }
    return since
  }
}
