/**
 * Admission of one node's peers: the gate, and how both sides show each other what the gate asks for
 */
import { lastingController } from '../../lasting-controller.ts'
import { seededRandom } from '../../seeded-random.ts'
import { AdmissionServer } from './admission-server.ts'
import { Gate } from './gate.ts'
import { RecordGossip } from './record-gossip.ts'
import { RecordSync } from './record-sync.ts'
import { Presenter } from './presenter.ts'
import { TurnedAway } from './turned-away.ts'
import type { Connection, Logger } from '@libp2p/interface'
import type { Gatekeeper, RefusalReason } from '../../governance/governance-interface.ts'
import type { Clock, PeerName, Random } from '../../interface.ts'
import type { Host } from '../host/host.ts'
import type { GateInit } from './gate.ts'

export interface AdmissionInit extends GateInit {
  federationId: string
  gatekeeper: Gatekeeper
  clock: Clock
  random?: Random
  /** A record that is longer is not told on the control topic */
  maxToldBytes: number
  /** A member handed over what is no record */
  onMalformed: (peer: PeerName) => void
  warn: (warning: { code: string, message: string }) => void
}

export class Admission {
  /** For the host that is made next */
  readonly gate: Gate
  readonly #init: AdmissionInit
  readonly #turnedAway: TurnedAway
  readonly #stopping = lastingController()
  #end: (() => void) | undefined
  #gossip: RecordGossip | undefined

  constructor (init: AdmissionInit) {
    this.#init = init
    this.#turnedAway = new TurnedAway(init)
    this.gate = new Gate(init.gatekeeper, { ...init, isTurnedAway: (peer) => this.#turnedAway.holdsBack(peer), onMember: (peer) => { this.#gossip?.onMember(peer) } })
  }

  /** Before the host starts */
  async start (host: Host, logger: Logger): Promise<void> {
    const { federationId, gatekeeper, clock } = this.#init
    const { gate } = this
    gate.attach(host)
    const presenter = new Presenter({ gate, gatekeeper, clock, logger }, {
      federationId,
      onRefused: (reason, connection) => { this.#refusedBy(reason, connection) },
      signal: this.#stopping.signal
    })
    const onOpen = ({ detail: connection }: CustomEvent<Connection>): void => {
      if (connection.direction === 'outbound') {
        void presenter.present(connection)
      }
    }
    host.libp2p.addEventListener('connection:open', onOpen)
    this.#end = () => { host.libp2p.removeEventListener('connection:open', onOpen) }
    await new AdmissionServer({ host, gate, gatekeeper, clock, logger }, {
      federationId,
      onFarewell: (reason, connection) => { this.#onFarewell(reason, connection) }
    }).start()
    await this.#exchangeRecords(host, logger)
  }

  async #exchangeRecords (host: Host, logger: Logger): Promise<void> {
    const { gatekeeper, clock, onMalformed, random = seededRandom(host.self) } = this.#init
    const sync = new RecordSync({ host, gatekeeper, clock, random, logger, onMalformed })
    await sync.start()
    this.#gossip = new RecordGossip({ host, gate: this.gate, gatekeeper, sync, clock, random, logger }, { ...this.#init, signal: this.#stopping.signal })
    this.#gossip.start()
  }

  stop (): void {
    this.#stopping.abort()
    this.#end?.()
    this.gate.stop()
  }

  #refusedBy (reason: RefusalReason, connection: Connection): void {
    const peer = connection.remotePeer.toString()
    this.#turnedAway.by(peer, reason, connection)
    this.gate.refuse(peer, reason, true)
  }

  /** A stranger that dials this node to say so is nobody to listen to */
  #onFarewell (reason: RefusalReason, connection: Connection): void {
    if (connection.direction === 'outbound' || this.gate.isOpen(connection.remotePeer.toString())) {
      this.#refusedBy(reason, connection)
    }
  }
}
