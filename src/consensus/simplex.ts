/**
 * The agreement of one slot: Simplex (Chan and Pass, TCC 2023) made to decide once, as a pure state machine
 *
 * Iterations have a leader each, which proposes a value. Whoever finds it in order votes; a quorum of votes notarizes
 * it. Whoever waits for longer than the iteration's time asks to skip it; a quorum of skips ends it, too. A
 * notarization moves a voter on, and it signs a finalize if it has not asked to skip. A quorum of finalizes decides.
 *
 * A value may follow in iteration h, if it was notarized in some p < h and all between were skipped, or if all before h
 * were skipped: leaders propose, and voters vote, such values only. Why at most one value is ever decided, with at most
 * F liars (two quorums share an honest voter; an honest voter votes once in an iteration, and never signs both skip and
 * finalize of one):
 * 1. At most one value is notarized in an iteration.
 * 2. Let h be the first iteration in which a value, v, has a quorum of finalizes. Then h has no quorum of skips.
 * 3. So a value that follows in a later iteration was notarized in h, or after h: by induction it is v.
 *
 * Quiet as long as it knows no admissible value. Sends nothing again by itself: `messages()` is for whoever sees that
 * somebody may have missed something. What an iteration may last doubles every n iterations, so that voters whose links
 * are slower than thought decide as well, and iterations stay few.
 */
import { createHash } from 'node:crypto'
import { BallotBox, ITERATIONS_BEHIND } from './ballot-box.ts'
import { encodeBallot, isValue, readBallot, signaturePrefix, signBallot, verifyBallot } from './ballot.ts'
import type { Ballot, BallotKind, SlotName, UnsignedBallot } from './ballot.ts'
import { encodeProof, readProof, readStatement, verifyProof } from './certificate.ts'
import type { Statement } from './certificate.ts'
import { Chain } from './chain.ts'
import { OwnBallots } from './own-ballots.ts'
import { quorum } from './quorum.ts'
import { ed25519 } from './voting-key.ts'
import type { Sign, Signatures, Verify } from './voting-key.ts'

export interface AgreementOptions extends SlotName {
  /** Of the epoch, in the order in which ballots name them */
  voters: ReadonlyArray<{ votingKey: string }>
  /** Undefined: learns the decision, and has no say */
  self?: { index: number, privateKey: Uint8Array }
  /** This value (64 hex digits) may be chosen, as far as this node can see now. Once true it stays so */
  isAdmissible: (value: string) => boolean
  /** A message between two voters takes this at most, when all is well. Default: 1,000 */
  deltaMs?: number
  /** All that it was told to persist before, from its disk. `decided` says whether that is the whole way already */
  earlier?: readonly Uint8Array[]
  /** Default: Ed25519 */
  signatures?: Signatures
}

/** What became of bytes that came in. `invalid` proves a fault of whoever handed them over */
export type Verdict = 'news' | 'known' | 'ignored' | 'invalid'

export interface Effects {
  verdict: Verdict
  /** Own ballots, and proofs that they stand on: to be durable *before* any of `send` goes out */
  persist: Uint8Array[]
  /** To all voters */
  send: Uint8Array[]
  /** Once */
  decided?: Decided
  /** Two ballots each that no honest voter signs both, once for each liar */
  misbehaviour: Array<[Uint8Array, Uint8Array]>
}

export interface Decided {
  value: string
  /** See `verifyCertificate` */
  certificate: Uint8Array
}

const DEFAULT_DELTA_MS = 1_000
/** Deltas that a good leader's iteration lasts at most: propose, vote, and the notarization's way */
const TIMER_DELTAS = 3
/** 2^20 iterations of 3 s are a month */
const MAX_DOUBLINGS = 20
/** Values that were seen and are admissible, kept for when this node leads */
const MAX_VALUES = 16

function noEffects (): Effects {
  return { verdict: 'known', persist: [], send: [], misbehaviour: [] }
}

export class Agreement {
  readonly #prefix: Buffer
  readonly #verifiers: Verify[]
  readonly #self: { index: number, sign: Sign } | undefined
  readonly #isAdmissible: (value: string) => boolean
  readonly #timerMs: number
  readonly #leaderOffset: number
  readonly #box = new BallotBox()
  readonly #chain = new Chain()
  readonly #own = new OwnBallots()
  /** Admissible ones, the first one offered first */
  readonly #values = new Set<string>()
  /** Notarized, and this node has not seen yet whether it may sign that */
  readonly #toFinalize: Statement[] = []
  /** From 1 */
  #iteration = 1
  #deadlineMs: number | undefined
  #decided: Decided | undefined

  constructor ({ voters, self, isAdmissible, deltaMs = DEFAULT_DELTA_MS, earlier = [], signatures = ed25519, ...slot }: AgreementOptions) {
    this.#prefix = signaturePrefix(slot)
    this.#verifiers = voters.map(({ votingKey }) => signatures.verifier(votingKey))
    this.#self = self === undefined ? undefined : { index: self.index, sign: signatures.signer(self.privateKey) }
    this.#isAdmissible = isAdmissible
    this.#timerMs = TIMER_DELTAS * deltaMs
    this.#leaderOffset = createHash('sha256').update(this.#prefix).digest().readUInt32BE(0) % voters.length
    this.#restore(earlier)
  }

  /** The iteration that this node is in, from 1 */
  get iteration (): number {
    return this.#iteration
  }

  get decided (): Decided | undefined {
    return this.#decided
  }

  /** When `tick` is worth a call; undefined: not before something else happens */
  get nextTimerMs (): number | undefined {
    return this.#decided !== undefined || this.#self === undefined || !this.maySign({ kind: 'skip', iteration: this.#iteration, voter: this.#self.index, value: '' })
      ? undefined
      : this.#deadlineMs
  }

  /** Bytes that somebody sent: never throws on them */
  receive (bytes: Uint8Array, nowMs: number): Effects {
    const effects = noEffects()
    const statement = readStatement(bytes)
    effects.verdict = statement === undefined ? this.#takeBallot(readBallot(bytes), effects) : this.#takeProof(statement, bytes, effects)
    effects.verdict === 'news' && this.#advance(effects, nowMs)
    return effects
  }

  /** This value (64 hex digits) is at hand, and admissible */
  offer (value: string, nowMs: number): Effects {
    isValue(value) && this.#learn(value)
    return this.tick(nowMs)
  }

  /** Time went by, or something may have become admissible */
  tick (nowMs: number): Effects {
    const effects = noEffects()
    this.#advance(effects, nowMs)
    return effects
  }

  /** What somebody who missed messages needs from this node: after a reconnection, and now and then */
  messages (): Uint8Array[] {
    if (this.#decided !== undefined) {
      return [this.#decided.certificate]
    }
    const own = this.#own.since(this.#iteration - ITERATIONS_BEHIND)
      .filter(({ kind, iteration }) => kind === 'finalize' || iteration >= this.#chain.lastValueIteration)
    return [...this.#chain.proofs(), ...own.map(encodeBallot)]
  }

  /** Voters that make a proof */
  protected get quorum (): number {
    return quorum(this.#verifiers.length)
  }

  /** It contradicts nothing that this node signed, ever, and it did not sign it before */
  protected maySign (ballot: UnsignedBallot): boolean {
    return this.#own.allows(ballot)
  }

  /** A proposal of this value is in order in this iteration, as far as this node can see */
  protected mayFollow (value: string, iteration: number): boolean {
    return this.#chain.mayFollow(value, iteration)
  }

  #leader (iteration: number): number {
    return (this.#leaderOffset + iteration) % this.#verifiers.length
  }

  #learn (value: string): boolean {
    if (!this.#values.has(value) && this.#isAdmissible(value)) {
      this.#values.size < MAX_VALUES && this.#values.add(value)
      return true
    }
    return this.#values.has(value)
  }

  // ------------------------------------------------------------------------------------------- what came in

  #takeBallot (ballot: Ballot | undefined, effects: Effects): Verdict {
    if (ballot === undefined || ballot.voter >= this.#verifiers.length || (ballot.kind === 'propose' && ballot.voter !== this.#leader(ballot.iteration))) {
      return 'invalid'
    }
    const { iteration, kind, voter, value } = ballot
    if (!this.#box.isAtHand(iteration)) {
      return 'ignored'
    }
    if (this.#box.get(iteration, kind, voter)?.value === value) {
      return 'known'
    }
    return verifyBallot(this.#prefix, ballot, this.#verifiers[voter]!) ? this.#keep(ballot, effects) : 'invalid'
  }

  /** A ballot with a right signature */
  #keep (ballot: Ballot, effects: Effects): Verdict {
    const kept = this.#box.add(ballot)
    if (kept.status === 'contradiction') {
      effects.misbehaviour.push(kept.evidence)
    }
    if (ballot.voter === this.#self?.index && this.#own.add(ballot)) {
      // from another life of this home: what it signed then binds it now
      effects.persist.push(encodeBallot(ballot))
    }
    kept.status === 'news' && this.#count(ballot, effects)
    return kept.status === 'contradiction' ? 'news' : kept.status
  }

  #takeProof (statement: Statement, bytes: Uint8Array, effects: Effects): Verdict {
    if (this.#isProven(statement)) {
      return 'known'
    }
    const proof = readProof(bytes)
    const isKnown = ({ iteration, kind, voter, value, signature }: Ballot): boolean => {
      const kept = this.#box.get(iteration, kind, voter)
      return kept?.value === value && Buffer.compare(kept.signature, signature) === 0
    }
    if (proof === undefined || !verifyProof(proof, this.#prefix, { quorum: this.quorum, verifiers: this.#verifiers, isKnown })) {
      return 'invalid'
    }
    // a copy: what is kept shall not keep a larger buffer of the network's
    this.#prove(statement, Uint8Array.from(bytes), effects)
    proof.ballots.forEach((ballot) => { this.#keep(ballot, effects) })
    return 'news'
  }

  #isProven (statement: Statement): boolean {
    return this.#decided !== undefined || (statement.kind !== 'finalize' && this.#chain.isProven(statement))
  }

  /** One more of these: perhaps enough for a proof */
  #count ({ kind, iteration, value }: Ballot, effects: Effects): void {
    if (kind === 'propose' || this.#isProven({ kind, iteration, value })) {
      return
    }
    const ballots = this.#box.of(iteration, kind, value)
    if (ballots.length >= this.quorum) {
      this.#prove({ kind, iteration, value }, encodeProof({ kind, iteration, value }, ballots.slice(0, this.quorum)), effects)
    }
  }

  /** Something is proven that was not */
  #prove (statement: Statement, proof: Uint8Array, effects: Effects): void {
    if (statement.kind === 'finalize') {
      this.#decided = { value: statement.value, certificate: proof }
      effects.decided = this.#decided
    } else {
      this.#chain.add(statement, proof)
    }
    if (this.#self !== undefined) {
      effects.persist.push(proof)
      effects.send.push(proof)
      statement.kind === 'vote' && this.#toFinalize.push(statement)
    }
  }

  // ------------------------------------------------------------------------------------------- what this node does

  #advance (effects: Effects, nowMs: number): void {
    do {
      this.#enter()
    } while (this.#decided === undefined && this.#self !== undefined && this.#act(effects, nowMs))
  }

  /** The iteration after the last one that is proven to be over */
  #enter (): void {
    if (this.#chain.newest >= this.#iteration) {
      this.#iteration = this.#chain.newest + 1
      this.#deadlineMs = undefined
      this.#box.moveTo(this.#iteration)
      this.#recall()
    }
  }

  /** Own ballots of another life count here, too, once their iteration is at hand */
  #recall (): void {
    this.#own.restored.forEach((ballot) => { this.#box.add(ballot) })
  }

  /** Signs one ballot if there is a reason; says whether */
  #act (effects: Effects, nowMs: number): boolean {
    const notarized = this.#toFinalize.pop()
    if (notarized !== undefined) {
      this.#sign('finalize', notarized, effects)
      return true
    }
    const iteration = this.#iteration
    const leader = this.#leader(iteration)
    const proposed = this.#box.get(iteration, 'propose', leader)?.value
    const isInOrder = proposed !== undefined && this.#learn(proposed) && this.mayFollow(proposed, iteration)
    if (isInOrder && this.#sign('vote', { iteration, value: proposed }, effects)) {
      return true
    }
    const last = this.#chain.lastValue
    last !== undefined && this.#learn(last)
    if (this.#values.size === 0) {
      return false
    }
    this.#deadlineMs ??= nowMs + this.#timerMs * 2 ** Math.min(MAX_DOUBLINGS, Math.floor((iteration - 1) / this.#verifiers.length))
    return this.#propose(leader, effects) || (nowMs >= this.#deadlineMs && this.#sign('skip', { iteration, value: '' }, effects))
  }

  #propose (leader: number, effects: Effects): boolean {
    const iteration = this.#iteration
    if (leader !== this.#self!.index) {
      return false
    }
    const [wish] = this.#values
    const value = this.#chain.toPropose(iteration, this.#isAdmissible, wish)
    return value !== undefined && this.#sign('propose', { iteration, value }, effects)
  }

  /** Signs what it may sign; says whether it did */
  #sign (kind: BallotKind, { iteration, value }: { iteration: number, value: string }, effects: Effects): boolean {
    const { index: voter, sign } = this.#self!
    const unsigned = { kind, iteration, voter, value }
    if (!this.maySign(unsigned)) {
      return false
    }
    const ballot = signBallot(this.#prefix, unsigned, sign)
    const bytes = encodeBallot(ballot)
    this.#own.add(ballot)
    effects.persist.push(bytes)
    effects.send.push(bytes)
    this.#keep(ballot, effects)
    return true
  }

  /** Takes over what this node signed and knew before it stopped */
  #restore (earlier: readonly Uint8Array[]): void {
    const effects = noEffects()
    for (const bytes of earlier) {
      const ballot = readBallot(bytes)
      if (ballot !== undefined && ballot.voter === this.#self?.index && verifyBallot(this.#prefix, ballot, this.#verifiers[ballot.voter]!)) {
        this.#own.restore(ballot)
      }
    }
    for (const bytes of earlier) {
      const statement = readStatement(bytes)
      statement !== undefined && this.#takeProof(statement, bytes, effects)
    }
    this.#enter()
    this.#recall()
  }
}
