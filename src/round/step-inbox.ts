/**
 * Messages of steps that wait to be collected: of the round in hand and of the next ones, from faster neighbours
 */
import { STEP_ROUNDS_AHEAD } from '../number-limits.ts'
import type { Network, PeerName, ReceivedMessage, StepLimits } from '../interface.ts'

export class StepInbox {
  /** Gets an `update` event when a message came in */
  readonly wake = new EventTarget()
  private readonly limits: Pick<StepLimits, 'steps' | 'maxBytes'>
  /** By round, then step and author: of each author one message a step, whether it is for this peer alone or for all */
  private readonly rounds = new Map<number, Map<string, Uint8Array>>()
  private round = 1

  /** Listens for as long as the network lives: a faster neighbour may speak before the first own round begins */
  constructor (network: Pick<Network, 'addEventListener'>, limits: Pick<StepLimits, 'steps' | 'maxBytes'>) {
    this.limits = limits
    network.addEventListener('message', ({ detail }) => { this.put(detail) })
  }

  /** The round in hand: what is older is dropped */
  setRound (round: number): void {
    this.round = round
    for (const old of [...this.rounds.keys()].filter((known) => known < round)) {
      this.rounds.delete(old)
    }
  }

  get (round: number, step: number, author: PeerName): Uint8Array | undefined {
    return this.rounds.get(round)?.get(`${step}/${author}`)
  }

  private put ({ author, round, step, payload }: ReceivedMessage): void {
    const { steps, maxBytes } = this.limits
    const isInBounds = round >= this.round && round <= this.round + STEP_ROUNDS_AHEAD && step >= 1 && step < steps && payload.byteLength <= maxBytes
    const messages = this.rounds.get(round) ?? new Map<string, Uint8Array>()
    const key = `${step}/${author}`
    // a second one, the other of those for all and for this peer alone, is none that the protocol asks for
    if (isInBounds && !messages.has(key)) {
      messages.set(key, payload)
      this.rounds.set(round, messages)
      this.wake.dispatchEvent(new Event('update'))
    }
  }
}
