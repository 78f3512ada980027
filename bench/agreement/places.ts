/**
 * Where an agreement runs: a voter's program with its disk, that may crash, or a twin of it
 */
import type { Agreement, Effects } from '../../src/consensus/simplex.ts'
import { DELTA_TICKS } from './virtual-network.ts'
import type { World } from './world.ts'

export interface Surroundings {
  world: World
  now: () => number
  at: (tick: number, act: () => void) => void
  /** To all others */
  send: (from: number, messages: readonly Uint8Array[]) => void
  /** Evidence against a voter came up */
  prove: (evidence: [Uint8Array, Uint8Array]) => void
  /** Right now the program may die: how far it comes in what it is about to do, 0 to 1; undefined: it lives */
  crash: (place: number) => number | undefined
}

export class Place {
  readonly index: number
  /** Undefined: an observer */
  readonly voter: number | undefined
  readonly #around: Surroundings
  /** From which tick on what may be chosen, as this place sees it */
  readonly #admissibleFrom: ReadonlyMap<string, number>
  #disk: Uint8Array[] = []
  #agreement: Agreement | undefined
  #wakeTick = Infinity
  /** What the network hands over passes this first: liars */
  hear: ((bytes: Uint8Array) => void) | undefined

  constructor (index: number, voter: number | undefined, admissibleFrom: ReadonlyMap<string, number>, around: Surroundings) {
    this.index = index
    this.voter = voter
    this.#around = around
    this.#admissibleFrom = admissibleFrom
    this.start()
    for (const tick of admissibleFrom.values()) {
      around.at(tick, () => { this.#use((agreement) => agreement.tick(around.now())) })
    }
  }

  get isHonest (): boolean {
    return this.voter === undefined || !this.#around.world.liars.has(this.voter)
  }

  get isUp (): boolean {
    return this.#agreement !== undefined
  }

  get decided (): Agreement['decided'] {
    return this.#agreement?.decided
  }

  get iteration (): number {
    return this.#agreement?.iteration ?? 0
  }

  start (): void {
    const { world, now } = this.#around
    this.#agreement ??= world.agreement(this.voter, {
      deltaMs: DELTA_TICKS,
      earlier: this.#disk,
      isAdmissible: (value) => now() >= (this.#admissibleFrom.get(value) ?? Infinity)
    })
  }

  stop (): void {
    this.#agreement = undefined
    this.#wakeTick = Infinity
  }

  receive (bytes: Uint8Array): void {
    this.hear?.(bytes)
    this.#use((agreement) => agreement.receive(bytes, this.#around.now()))
  }

  offer (value: string): void {
    this.#use((agreement) => agreement.offer(value, this.#around.now()))
  }

  /** To those who missed something */
  repeat (): void {
    this.#agreement !== undefined && this.#around.send(this.index, this.#agreement.messages())
  }

  #use (act: (agreement: Agreement) => Effects): void {
    if (this.#agreement !== undefined) {
      this.#do(act(this.#agreement))
      this.#wake()
    }
  }

  /** On disk first, then out: and it may stop anywhere between */
  #do ({ persist, send, misbehaviour }: Effects): void {
    misbehaviour.forEach(this.#around.prove)
    const { world } = this.#around
    const crash = persist.length > 0 ? this.#around.crash(this.index) : undefined
    if (crash === undefined) {
      world.planted.hasNoDisk !== true && this.#disk.push(...persist)
      this.#send(send)
      return
    }
    const steps = persist.length + send.length
    const done = Math.floor(crash * (steps + 1))
    world.planted.hasNoDisk !== true && this.#disk.push(...persist.slice(0, done))
    this.#send(send.slice(0, Math.max(0, done - persist.length)))
    this.stop()
  }

  #send (messages: readonly Uint8Array[]): void {
    if (messages.length > 0) {
      this.isHonest && messages.forEach((bytes) => { this.#around.world.note(bytes) })
      this.#around.send(this.index, messages)
    }
  }

  #wake (): void {
    const tick = this.#agreement?.nextTimerMs
    if (tick !== undefined && tick !== this.#wakeTick) {
      this.#wakeTick = tick
      this.#around.at(Math.max(tick, this.#around.now() + 1), () => {
        this.#wakeTick === tick && this.#use((agreement) => agreement.tick(this.#around.now()))
      })
    }
  }
}
