/**
 * Runs the agreement of the slot in hand: for a voter with its key of the epoch, for everybody else by listening
 *
 * Nothing happens while nothing is admissible. What this node votes is on disk before it is sent: a voter that forgot
 * its vote and votes again is a liar to everybody else. A home that was put back from a copy may have forgotten, too: a
 * ballot of its own key that it does not know makes it abstain until the next epoch.
 */
import { Agreement } from '../consensus/simplex.ts'
import { readBallot } from '../consensus/ballot.ts'
import { makeBallot } from '../governance/statements.ts'
import { lastingController } from '../lasting-controller.ts'
import type { KeyObject } from 'node:crypto'
import type { Effects } from '../consensus/simplex.ts'
import type { Ballot, Decision, RecordVerdict, Voter } from '../governance/governance-interface.ts'
import type { GovernorComponents } from './governor-interface.ts'

const BALLOT_PREFIX = 'ballot/'
const ABSTAIN_KEY = 'abstains'
const FIRST_RESEND_MS = 1_000
const MAX_RESEND_MS = 10_000
const TICK_MS = 100
const KEPT_AGREEMENTS = 4

export interface DecidersView {
  epoch: number
  /** The next decision's number */
  slot: number
  voters: readonly Voter[]
}

export interface DeciderInit {
  federation: string
  deltaMs: number
  view: () => DecidersView
  /** Ids of acts that may be chosen now: 64 hex digits */
  admissible: () => string[]
  /** Hands a ballot on to all members */
  send: (ballot: Ballot) => void
  /** Chosen for the slot in hand */
  decided: (actId: string, certificate: Uint8Array) => void
  /** Somebody speaks of a slot that is decided: tell it */
  behind: (slot: number) => void
  /** A voter signed two ballots that contradict each other */
  misbehaved: (voter: Voter, ballots: readonly Uint8Array[]) => void
  warn: (code: string, message: string) => void
}

type Components = Pick<GovernorComponents, 'clock' | 'store' | 'votingKeys' | 'signer' | 'trace'>

function rawPrivate (key: KeyObject): Uint8Array {
  return new Uint8Array(Buffer.from(key.export({ format: 'jwk' }).d!, 'base64url'))
}

function sameBytes (a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

export class Decider {
  readonly #components: Components
  readonly #init: DeciderInit
  readonly #abort = lastingController()
  #agreement: { instance: Agreement, slot: number } | undefined
  /** By slot, the last few: what comes late may contradict what was decided */
  readonly #over = new Map<number, { instance: Agreement, voters: readonly Voter[] }>()
  #voters: readonly Voter[] = []
  /** Own ballots of the slot in hand, as they lie on disk */
  #own: Array<{ key: string, slot: number, bytes: Uint8Array }> = []
  /** Not on disk yet: nothing is told before they are */
  #unwritten: Array<{ key: string, slot: number, bytes: Uint8Array }> = []
  /** Above the number of every row that is on disk */
  #nextRow = 0
  #keys: ReadonlyMap<string, { epoch: number, privateKey: KeyObject }> = new Map()
  /** Public halves of voting keys of this home that may have voted elsewhere: they sign nothing any more */
  readonly #burnt = new Set<string>()
  #mayVote = false
  #resendMs = FIRST_RESEND_MS
  #resendAtMs = 0
  #writing: Promise<void> = Promise.resolve()
  #running: Promise<void> | undefined

  constructor (components: Components, init: DeciderInit) {
    this.#components = components
    this.#init = init
  }

  async load (entries: ReadonlyMap<string, Uint8Array>): Promise<void> {
    for (const [key, bytes] of entries) {
      if (key.startsWith(BALLOT_PREFIX)) {
        const [, slot, row] = key.split('/')
        this.#own.push({ key, slot: Number(slot), bytes })
        this.#nextRow = Math.max(this.#nextRow, Number(row) + 1)
      }
    }
    const burnt = entries.get(ABSTAIN_KEY)
    burnt !== undefined && new TextDecoder().decode(burnt).split(' ').forEach((key) => this.#burnt.add(key))
    await this.reloadKeys()
  }

  /** After a key was made or deleted */
  async reloadKeys (): Promise<void> {
    this.#keys = await this.#components.votingKeys.load()
    this.#begin(true)
  }

  start (): void {
    this.#running ??= this.#run()
  }

  async stop (): Promise<void> {
    this.#abort.abort()
    await this.#running
    await this.#writing
  }

  /** Resolves when what this node voted so far is on disk, and what was decided by it is known */
  async written (): Promise<void> {
    return this.#writing
  }

  /** This home is known to be no older copy of itself: from now on it votes */
  allow (): void {
    if (!this.#mayVote) {
      this.#mayVote = true
      this.#begin(true)
    }
  }

  /**
   * This home may have forgotten what it voted: none of its keys votes any more. One that is made from now on for a
   * later epoch does
   */
  async abstain (): Promise<void> {
    const fresh = [...this.#keys.keys()].filter((key) => !this.#burnt.has(key))
    if (fresh.length > 0) {
      fresh.forEach((key) => this.#burnt.add(key))
      this.#begin(true)
      this.#voter() === undefined || this.#init.warn('abstains', 'this home is an older copy of itself, or its key votes elsewhere, too: it does not vote until the voters change; the other voters decide without it')
      await this.#components.store.putGovernance(new Map([[ABSTAIN_KEY, new TextEncoder().encode([...this.#burnt].join(' '))]]))
    }
  }

  get abstains (): string | undefined {
    const voter = this.#voter()
    if (voter === undefined) {
      return undefined
    }
    if (this.#burnt.has(voter.votingKey)) {
      return 'this home may have forgotten what it voted in this epoch'
    }
    if (!this.#mayVote) {
      return 'it is not known yet whether this home is an older copy of itself: another member must be asked first'
    }
    return this.#privateKey() === undefined ? 'its voting key of this epoch is not in this home' : undefined
  }

  /** Somebody endorsed, or a decision stands: there may be something to agree on, or another slot */
  refresh (): void {
    this.#begin(false)
    const { instance } = this.#agreement ?? {}
    if (instance?.decided !== undefined) {
      // what it stands on may be here only now
      const { value, certificate } = instance.decided
      this.#afterWriting(() => { this.#init.decided(value, certificate) })
    } else if (instance !== undefined) {
      for (const value of this.#init.admissible()) {
        this.#apply(instance.offer(value, this.#now()))
      }
    }
  }

  /** A decision stands: whoever signed otherwise on the way to it is convicted by its proof */
  settled (decision: Decision): void {
    this.#begin(false)
    this.#convict(decision.slot, decision.certificate)
  }

  receive (ballot: Ballot): RecordVerdict {
    const { slot, epoch } = this.#init.view()
    if (ballot.slot !== slot || ballot.epoch !== epoch) {
      if (ballot.slot < slot) {
        this.#convict(ballot.slot, ballot.message)
        this.#init.behind(ballot.slot)
      }
      return 'ignored'
    }
    this.#begin(false)
    const effects = this.#agreement!.instance.receive(ballot.message, this.#now())
    if (effects.verdict === 'news' && (this.#isForeign(ballot.message) || effects.persist.some((bytes) => !effects.send.includes(bytes) && this.#isForeign(bytes)))) {
      // its signature is right; from now on it binds this node, and this node does not vote beside it
      this.#apply({ ...effects, send: [] })
      void this.abstain().catch((err: unknown) => { this.#init.warn('ballots', `it could not be written that this node abstains: ${(err as Error).message}`) })
    } else {
      this.#apply(effects)
    }
    return effects.verdict
  }

  /** What is said of a slot that is decided can be proof of a lie, and nothing more */
  #convict (slot: number, message: Uint8Array): void {
    const over = this.#over.get(slot)
    if (over !== undefined) {
      this.#tellLies(over.instance.receive(message, this.#now()), over.voters)
    }
  }

  #tellLies ({ misbehaviour }: Pick<Effects, 'misbehaviour'>, voters: readonly Voter[]): void {
    for (const evidence of misbehaviour) {
      const voter = voters[readBallot(evidence[0])?.voter ?? -1]
      voter !== undefined && this.#init.misbehaved(voter, evidence)
    }
  }

  /** A ballot of the own key that this home does not know */
  #isForeign (message: Uint8Array): boolean {
    const voter = this.#voter()
    const read = readBallot(message)
    return voter !== undefined && read?.voter === this.#init.view().voters.indexOf(voter) && !this.#own.some(({ bytes }) => sameBytes(bytes, message))
  }

  #now (): number {
    return this.#components.clock.monotonicMs()
  }

  #voter (): Voter | undefined {
    return this.#init.view().voters.find(({ peer }) => peer === this.#components.signer.peer)
  }

  #privateKey (): KeyObject | undefined {
    const votingKey = this.#voter()?.votingKey ?? ''
    return this.#burnt.has(votingKey) ? undefined : this.#keys.get(votingKey)?.privateKey
  }

  /** The instance of the slot in hand; anew where the slot or what this node may do changed */
  #begin (anew: boolean): void {
    const { slot, epoch, voters } = this.#init.view()
    if (!anew && this.#agreement?.slot === slot) {
      return
    }
    this.#leave(slot)
    this.#voters = voters
    const privateKey = this.#mayVote ? this.#privateKey() : undefined
    const index = voters.findIndex(({ peer }) => peer === this.#components.signer.peer)
    const earlier = this.#own.filter((own) => own.slot === slot).map(({ bytes }) => bytes)
    const instance = new Agreement({
      ...{ federation: this.#init.federation, epoch, slot, voters: [...voters], deltaMs: this.#init.deltaMs, earlier },
      ...(privateKey === undefined ? {} : { self: { index, privateKey: rawPrivate(privateKey) } }),
      isAdmissible: (value) => this.#init.admissible().includes(value)
    })
    this.#agreement = { instance, slot }
    this.#resendMs = FIRST_RESEND_MS
    this.#resendAtMs = this.#now() + FIRST_RESEND_MS
    if (anew) {
      this.refresh()
    }
  }

  /** The agreement in hand is over, where it was of an earlier slot */
  #leave (slot: number): void {
    const before = this.#agreement
    if (before !== undefined && before.slot !== slot) {
      this.#over.set(before.slot, { instance: before.instance, voters: this.#voters })
      this.#over.size > KEPT_AGREEMENTS && this.#over.delete(this.#over.keys().next().value!)
    }
  }

  #apply ({ persist, send, decided, misbehaviour }: Omit<Effects, 'verdict'>): void {
    const { slot, epoch } = this.#init.view()
    // known as own ones from now on: an instance that is made meanwhile must not contradict them
    const rows = persist.map((bytes) => ({ key: `${BALLOT_PREFIX}${slot}/${this.#nextRow++}`, slot, bytes }))
    this.#own.push(...rows)
    this.#unwritten.push(...rows)
    if (rows.length > 0 || send.length > 0) {
      this.#publish({ epoch, slot }, send)
    }
    if (decided !== undefined) {
      // own votes are in the certificate, too
      this.#afterWriting(() => { this.#init.decided(decided.value, decided.certificate) })
    }
    this.#tellLies({ misbehaviour }, this.#voters)
  }

  /** Tells these, once all that this node signed is on disk */
  #publish ({ epoch, slot }: { epoch: number, slot: number }, send: readonly Uint8Array[]): void {
    this.#afterWriting(() => { send.forEach((message) => { this.#init.send(makeBallot({ epoch, slot, message })) }) })
  }

  #afterWriting (act: () => void): void {
    this.#writing = this.#writing.then(async () => {
      const rows = [...this.#unwritten]
      if (rows.length > 0) {
        await this.#components.store.putGovernance(new Map(rows.map(({ key, bytes }) => [key, bytes])))
        this.#unwritten = this.#unwritten.filter((row) => !rows.includes(row))
      }
      act()
    }).catch((err: unknown) => {
      this.#init.warn('ballots', `a vote could not be written, and so was not sent: ${(err as Error).message}`)
    })
  }

  /**
   * Forgets the votes of slots before this one, whose decisions are on disk: whoever knows neither would vote again.
   * Throws what the store throws
   */
  async forgetBefore (slot: number): Promise<void> {
    const old = this.#own.filter((own) => own.slot < slot)
    if (old.length > 0) {
      await this.#components.store.putGovernance(new Map(old.map(({ key }) => [key, undefined])))
      this.#own = this.#own.filter((own) => !old.includes(own))
    }
  }

  async #run (): Promise<void> {
    const { clock } = this.#components
    const { signal } = this.#abort
    while (!signal.aborted) {
      const agreement = this.#agreement
      if (agreement !== undefined) {
        this.#apply(agreement.instance.tick(this.#now()))
        this.#resend(agreement)
      }
      await clock.delay(TICK_MS, { signal }).catch(() => {
        // stopped: the loop ends
      })
    }
  }

  /** Whoever missed a ballot, or was away, gets what it needs */
  #resend ({ instance, slot }: { instance: Agreement, slot: number }): void {
    if (this.#now() < this.#resendAtMs || this.#agreement?.instance !== instance) {
      return
    }
    this.#resendMs = Math.min(MAX_RESEND_MS, 2 * this.#resendMs)
    this.#resendAtMs = this.#now() + this.#resendMs
    const { epoch } = this.#init.view()
    this.#publish({ epoch, slot }, instance.messages())
  }
}
