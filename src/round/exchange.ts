/**
 * The exchange of one round over the network port: says each thing once, with numbers that were taken durably before
 */
import { anySignal } from 'any-signal'
import { collect } from './collect.ts'
import type { Clock, Network, PeerName, StepLimits } from '../interface.ts'
import type { CollectStepOptions, Exchange } from './exchange-interface.ts'
import type { MessageNumbers } from './publisher.ts'
import type { StepInbox } from './step-inbox.ts'

export interface RoundExchangeComponents {
  network: Pick<Network, 'self' | 'neighbours' | 'send' | 'addEventListener' | 'removeEventListener'>
  clock: Clock
  inbox: Pick<StepInbox, 'get' | 'wake'>
}

export interface RoundExchangeInit {
  limits: StepLimits
  numbers: MessageNumbers
  /** Of the federation: no step takes longer */
  deadlineMs: number
  /** Ends all that goes on, when the round's protocol is over */
  signal: AbortSignal
}

const BROADCAST = ''

export class RoundExchange implements Exchange {
  readonly self: PeerName
  readonly round: number
  readonly peers: readonly PeerName[]
  private readonly components: RoundExchangeComponents
  private readonly init: RoundExchangeInit
  /** By step: to whom something was said, or that it was said to all */
  private readonly said = new Map<number, Set<PeerName>>()
  private used = 0

  constructor (components: RoundExchangeComponents, init: RoundExchangeInit) {
    const { network } = components
    const { round, peers } = init.numbers
    this.components = components
    this.init = init
    this.self = network.self
    this.round = round
    this.peers = network.neighbours().filter(({ peer, live }) => live && peers.includes(peer)).map(({ peer }) => peer).sort()
  }

  send = async (peer: PeerName, step: number, bytes: Uint8Array): Promise<boolean> => {
    if (!this.peers.includes(peer)) {
      throw new TypeError(`${peer} is no peer of this exchange`)
    }
    return (await this.say(peer, step, bytes)).includes(peer)
  }

  broadcast = async (step: number, bytes: Uint8Array): Promise<PeerName[]> => this.say(BROADCAST, step, bytes)

  private async say (to: PeerName, step: number, payload: Uint8Array): Promise<PeerName[]> {
    this.claim(to, step, payload)
    const { network } = this.components
    const { numbers: { first, count } } = this.init
    if (this.peers.length === 0 || this.used >= count) {
      return []
    }
    const sequence = first + this.used++
    const message = { round: this.round, step, sequence, payload, to: to === BROADCAST ? this.peers : to }
    return this.withinDeadline(async (signal) => network.send(message, { signal }))
  }

  private claim (to: PeerName, step: number, { byteLength }: Uint8Array): void {
    const { limits: { steps, maxBytes }, signal } = this.init
    signal.throwIfAborted()
    this.requireStep(step)
    if (byteLength < 1 || byteLength > maxBytes) {
      throw new RangeError(`a message of this protocol has 1 to ${maxBytes} bytes, not ${byteLength}, in any of its ${steps - 1} steps`)
    }
    const said = this.said.get(step) ?? new Set<PeerName>()
    if (said.has(to) || (said.size > 0 && (to === BROADCAST || said.has(BROADCAST)))) {
      throw new TypeError(`in step ${step} it was said already: one message to each peer, or one to all`)
    }
    this.said.set(step, said.add(to))
  }

  private requireStep (step: number): void {
    const { steps } = this.init.limits
    if (!Number.isSafeInteger(step) || step < 1 || step >= steps) {
      throw new RangeError(`the steps of this protocol are 1 to ${steps - 1}, not ${step}`)
    }
  }

  /** A peer that takes what it is sent byte by byte holds nobody up */
  private async withinDeadline<T> (work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock } = this.components
    const late = new AbortController()
    const done = new AbortController()
    const signal = anySignal([this.init.signal, late.signal])
    // rejects when it is not needed any more
    clock.delay(this.init.deadlineMs, { signal: done.signal }).then(() => { late.abort() }, () => {})
    try {
      return await work(signal)
    } finally {
      done.abort()
      signal.clear()
    }
  }

  collect = async (step: number, { from, deadlineMs = Infinity }: CollectStepOptions): Promise<ReadonlyMap<PeerName, Uint8Array>> => {
    this.requireStep(step)
    const { network, clock, inbox } = this.components
    const { signal } = this.init
    signal.throwIfAborted()
    const wanted = new Set(from)
    const isOver = (peer: PeerName): boolean => (network.neighbours().find((neighbour) => neighbour.peer === peer)?.round ?? 0) > this.round
    await collect({ network, clock }, {
      deadlineMs: Math.max(0, Math.min(deadlineMs, this.init.deadlineMs)),
      delivered: (peer) => !wanted.has(peer) || inbox.get(this.round, step, peer) !== undefined || isOver(peer),
      wake: inbox.wake,
      signal
    })
    const messages = [...wanted].sort().map((peer): [PeerName, Uint8Array | undefined] => [peer, inbox.get(this.round, step, peer)])
    return new Map(messages.filter((message): message is [PeerName, Uint8Array] => message[1] !== undefined))
  }
}
