/**
 * One agreement under one schedule of delays, losses, cuts, crashes and lies, all of which follow from its seed; then
 * what must hold is checked
 */
import { isContradiction, readBallot, signaturePrefix, verifyBallot } from '../../src/consensus/ballot.ts'
import { verifyCertificate } from '../../src/consensus/certificate.ts'
import { toleratedLiars } from '../../src/consensus/quorum.ts'
import type { Random } from '../../src/interface.ts'
import { SeededNumbers, shuffle } from '../../src/seeded-random.ts'
import { mutate, oldBallots, twoFaced } from './liars.ts'
import { Place } from './places.ts'
import { DELTA_TICKS, VirtualNetwork } from './virtual-network.ts'
import { FORBIDDEN, SLOT, VALUES, World } from './world.ts'
import type { Planted } from './world.ts'

/** What must never be. `late` alone is no danger */
export type Problem = 'two values stand' | 'inadmissible' | 'no proof' | 'honest voter blamed' | 'late'

export interface Outcome {
  /** All honest voters and the observer decided */
  isDecided: boolean
  /** Message delays from healing until the last of them had */
  deltas: number
  /** The last iteration of any */
  iterations: number
  /** Liars that somebody can prove */
  proven: number
  problems: Problem[]
}

type Lie = 'silent' | 'twins' | 'two-faced' | 'mutant'

const LIES: readonly Lie[] = ['silent', 'twins', 'twins', 'two-faced', 'two-faced', 'mutant']
/** Deltas that a schedule goes on after healing, at most */
const PATIENCE_DELTAS = 400

/**
 * Message delays after healing within which all have decided, whatever F liars do: for each bad leader the time of an
 * iteration, 3, and the skips' way, 1; as much for a good one. 8 more, because iterations may have become longer before
 */
export function latestDeltas (voters: number): number {
  return 4 * (toleratedLiars(voters) + 1) + 8
}

function integer (random: Random, below: number): number {
  return Math.floor(random() * below)
}

function pick<T> (items: readonly T[], random: Random): T {
  return items[integer(random, items.length)]!
}

class Schedule {
  readonly random: Random
  readonly world: World
  readonly network: VirtualNetwork
  readonly places: Place[] = []
  readonly healTick: number
  readonly proven = new Set<number>()
  readonly problems = new Set<Problem>()
  readonly lies = new Map<number, Lie>()
  #crashesLeft: number
  readonly #crashShare: number
  readonly #values: readonly string[]

  constructor (voters: number, seed: number, planted: Planted) {
    const numbers = new SeededNumbers(seed)
    const random = (): number => numbers.next()
    this.random = random
    const most = toleratedLiars(voters)
    const order = shuffle(Array.from({ length: voters }, (_, i) => i), random)
    order.slice(0, random() < 0.75 ? most : integer(random, most + 1)).forEach((voter) => this.lies.set(voter, pick(LIES, random)))
    this.world = new World(voters, new Set(this.lies.keys()), planted)
    this.healTick = pick([0, 5, 10, 20], random) * DELTA_TICKS
    this.#crashesLeft = pick([0, 0, 1, 2, voters, 2 * voters], random)
    this.#crashShare = pick([0.02, 0.2, 0.5], random)
    this.#values = VALUES.slice(0, pick([1, 2, 2, 3], random))
    this.network = new VirtualNetwork(random, {
      healTick: this.healTick,
      loss: pick([0, 0.1, 0.3, 0.6], random),
      doubled: pick([0, 0.1], random),
      slowestTicks: pick([1, 3, 8], random) * DELTA_TICKS,
      cuts: this.#cuts(this.#settle(voters))
    })
    this.#populate(voters)
  }

  /** Voters of all places: liars with twins have two, and the last one is an observer */
  #settle (voters: number): Array<number | undefined> {
    const twins = [...this.lies].filter(([, lie]) => lie === 'twins').map(([voter]) => voter)
    return [...Array.from({ length: voters }, (_, i) => i), ...twins, undefined]
  }

  /** Twins are on two sides, half of the time */
  #cuts (settled: ReadonlyArray<number | undefined>): Array<{ tick: number, groups: number[] }> {
    const random = this.random
    const parts = pick([1, 2, 2, 3], random)
    return Array.from({ length: pick([0, 1, 1, 3], random) }, () => integer(random, this.healTick + 1)).sort((a, b) => a - b).map((tick) => {
      const groups = settled.map(() => integer(random, parts))
      random() < 0.5 && settled.forEach((voter, i) => {
        const first = settled.indexOf(voter)
        if (first < i) {
          [groups[first], groups[i]] = [0, 1]
        }
      })
      return { tick, groups }
    })
  }

  #populate (voters: number): void {
    const { random, network, healTick } = this
    const around = {
      world: this.world,
      now: () => network.tick,
      at: (tick: number, act: () => void) => { network.at(tick, act) },
      send: (from: number, messages: readonly Uint8Array[]) => { this.#send(from, messages) },
      prove: (evidence: [Uint8Array, Uint8Array]) => { this.#prove(evidence) },
      crash: (place: number) => this.#crash(place)
    }
    for (const [index, voter] of this.#settle(voters).entries()) {
      const from = this.#values.map((value) => [value, random() < 0.6 ? 0 : integer(random, healTick + 1)] as const)
      const place = new Place(index, voter, new Map(from), around)
      this.places.push(place)
      from.forEach(([value, tick]) => { this.#offer(place, value, tick) })
    }
    this.#lie()
    network.at(healTick, () => { this.#heal() })
  }

  /** At once, or only at healing: the first one offered is what a leader proposes */
  #offer (place: Place, value: string, fromTick: number): void {
    if (this.random() < 0.7) {
      this.network.at(fromTick + integer(this.random, 3), () => { place.offer(value) })
    }
    this.network.at(this.healTick, () => { place.offer(value) })
  }

  #lie (): void {
    const { random, world, network, places } = this
    for (const [voter, lie] of this.lies) {
      const tools = {
        voter,
        world,
        random,
        places: places.length,
        whisper: (to: number, bytes: Uint8Array) => { network.at(network.tick + 1 + integer(random, random() < 0.8 ? 3 : 6 * DELTA_TICKS), () => { places[to]!.receive(bytes) }) }
      }
      if (lie === 'silent') {
        places[voter]!.stop()
      } else if (lie === 'two-faced') {
        places[voter]!.hear = twoFaced(tools)
      }
      if (random() < 0.15) {
        oldBallots(world).forEach((bytes) => { random() < 0.8 && tools.whisper(integer(random, places.length), bytes) })
      }
    }
  }

  #send (from: number, messages: readonly Uint8Array[]): void {
    const { random, world } = this
    const voter = this.places[from]?.voter
    const isMutant = voter !== undefined && this.lies.get(voter) === 'mutant'
    for (let to = 0; to < this.places.length; to++) {
      const place = this.places[to]!
      if (to === from || (voter !== undefined && place.voter === voter)) {
        continue
      }
      for (const bytes of messages) {
        const sent = isMutant && random() < 0.3 ? mutate(bytes, { voter, world, random, whisper: () => {}, places: 0 }) : bytes
        this.network.send(from, to, () => { place.receive(sent) })
      }
    }
  }

  /** How far an honest program comes that stops now; it starts again later */
  #crash (index: number): number | undefined {
    const { random, network, places } = this
    const place = places[index]
    if (this.#crashesLeft === 0 || network.isHealed || place?.isHonest !== true || random() >= this.#crashShare) {
      return undefined
    }
    this.#crashesLeft--
    network.at(network.tick + 1 + integer(random, 5 * DELTA_TICKS), () => { this.#restart(place) })
    return random()
  }

  #restart (place: Place): void {
    if (!place.isUp) {
      place.start()
      this.#values.forEach((value) => { place.offer(value) })
      place.repeat()
    }
  }

  /** Whoever is connected again says what it knows */
  #heal (): void {
    for (const place of this.places) {
      place.isHonest && this.#restart(place)
    }
    for (const place of this.places) {
      place.repeat()
    }
  }

  #prove ([first, second]: [Uint8Array, Uint8Array]): void {
    const [a, b] = [readBallot(first), readBallot(second)]
    if (a === undefined || b === undefined) {
      throw new Error('evidence that is none')
    }
    const prefix = signaturePrefix(SLOT)
    const isRight = [a, b].every((ballot) => verifyBallot(prefix, ballot, this.world.signatures.verifier(this.world.voters[ballot.voter]!.votingKey)))
    if (!isRight || !isContradiction(a, b) || !this.world.liars.has(a.voter)) {
      this.problems.add('honest voter blamed')
    }
    this.proven.add(a.voter)
  }

  run (): Outcome {
    const judged = this.places.filter(({ isHonest }) => isHonest)
    const last = this.healTick + PATIENCE_DELTAS * DELTA_TICKS
    let seen = 0
    const isDone = (): boolean => {
      while (seen < judged.length && judged[seen]!.decided !== undefined) {
        seen++
      }
      return seen === judged.length && (this.network.isHealed || judged.every(({ decided }) => decided !== undefined))
    }
    this.network.run(last, isDone)
    const isDecided = judged.every(({ decided }) => decided !== undefined)
    const deltas = Math.max(0, this.network.tick - this.healTick) / DELTA_TICKS
    if (!isDecided || deltas > latestDeltas(this.world.voters.length)) {
      this.problems.add('late')
    }
    this.#check(judged)
    return { isDecided, deltas, iterations: Math.max(...judged.map(({ iteration }) => iteration)), proven: this.proven.size, problems: [...this.problems] }
  }

  #check (judged: readonly Place[]): void {
    const { signatures, voters } = this.world
    const decided = judged.map((place) => place.decided).filter((decision) => decision !== undefined)
    const values = new Set([...decided.map(({ value }) => value), ...this.world.standing()])
    if (values.size > 1) {
      this.problems.add('two values stand')
    }
    if ([...values].some((value) => value === FORBIDDEN || !this.#values.includes(value))) {
      this.problems.add('inadmissible')
    }
    const certificates = new Map(decided.map(({ value, certificate }) => [certificate, value]))
    if (![...certificates].every(([bytes, value]) => verifyCertificate(bytes, { ...SLOT, value, voters, signatures }))) {
      this.problems.add('no proof')
    }
  }
}

/** Equal arguments give equal outcomes */
export function runSchedule ({ voters, seed, planted = {} }: { voters: number, seed: number, planted?: Planted }): Outcome {
  return new Schedule(voters, seed, planted).run()
}
