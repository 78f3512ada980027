/**
 * Membership of one node: what it holds of who belongs and who decides, the door, its votes, and what its owner does
 *
 * The network asks it who may come in and hands it what others say; the owner asks it to invite and to decide. It
 * drives itself: certificates of own guests are renewed, voting keys made and deleted, acts that have enough
 * endorsements agreed on. Nothing here waits for a human, and no human is waited for by a timer.
 */
import { TypedEventEmitter } from 'main-event'
import { lastingController } from '../lasting-controller.ts'
import { readRecord, signStatement } from '../governance/statements.ts'
import { Decider } from './decider.ts'
import { Doorkeeper } from './doorkeeper.ts'
import { HeldRecords } from './held-records.ts'
import { Invitations } from './invitations.ts'
import { KeyDuty } from './key-duty.ts'
import { Owner } from './owner.ts'
import type { AdmissionAnswer, AdmissionHello, AdmissionSession, Ballot, Gatekeeper, GovernanceRecord, NodeGovernance, RecordDigests, RecordVerdict, Standing } from '../governance/governance-interface.ts'
import type { PeerName } from '../interface.ts'
import type { GovernorComponents, GovernorEvents, GovernorInit } from './governor-interface.ts'

/** Certificates run out and are renewed, voting keys are made: looked at this often */
const UPKEEP_MS = 5_000
const DEFAULT_DELTA_MS = 1_000
const SETTLE_MS = 20
/** Newest sequences that are remembered, for revocations */
const MAX_AUTHORS = 4_096
/** A stranger that asks again is told of again at most this seldom */
const MAX_ASKED = 1_024
/** What whoever is shown out is given, to see why */
const LATEST_DECISIONS = 8
/** Whoever speaks of an old slot is told the decision, at most this often */
const REMIND_MS = 1_000

export class Governor extends TypedEventEmitter<GovernorEvents> implements Gatekeeper {
  readonly #components: GovernorComponents
  readonly #held: HeldRecords
  readonly #invitations: Invitations
  readonly #decider: Decider
  readonly #doorkeeper: Doorkeeper
  readonly #keys: KeyDuty
  readonly #abort = lastingController()
  readonly #sequences = new Map<PeerName, number>()
  /** Strangers whose request people were told of: asking again is no news */
  readonly #asked = new Set<PeerName>()
  #standing: Standing = 'unknown'
  #isSettling = false
  #running: Promise<void> | undefined
  #remindedMs = -Infinity
  readonly owner: NodeGovernance
  readonly admission: Gatekeeper['admission']

  constructor (components: GovernorComponents, init: GovernorInit) {
    super()
    const { federation, settings, deltaMs = DEFAULT_DELTA_MS } = init
    this.#components = components
    this.#held = new HeldRecords(components, { federation, settings, onNews: (record, from) => { this.#onNews(record, from) }, onWriteFailure: (err) => { this.#warn('membership', `what was heard of membership could not be written: ${err.message}`) } })
    this.#invitations = new Invitations(components)
    this.#decider = new Decider(components, {
      federation,
      deltaMs,
      view: () => this.#held.ballots,
      admissible: () => this.#held.admissible(),
      send: (ballot) => { this.#tell(ballot.bytes) },
      decided: (actId, certificate) => { this.#held.decide(actId, certificate) },
      behind: (slot) => { this.#remind(slot) },
      misbehaved: ({ peer }, ballots) => {
        components.account('proof', { peer, ballots: ballots.map((ballot) => Buffer.from(ballot).toString('hex')) })
        this.#warn('equivocating-voter', `voter ${peer} signed two votes that contradict each other: it lies, or its key is used twice; the decisions stand all the same. Consider grapevine members revoke`)
      },
      warn: (code, message) => { this.#warn(code, message) }
    })
    this.#doorkeeper = new Doorkeeper({ ...components, held: this.#held, invitations: this.#invitations, onAdmission: (detail) => { this.safeDispatchEvent('admission', { detail }) } }, init)
    this.#keys = new KeyDuty({ ...components, held: this.#held, say: async (body) => { await this.#held.add(await signStatement(components.signer, body)) } }, { federation })
    this.owner = new Owner({ ...components, held: this.#held, invitations: this.#invitations, decider: this.#decider, lastSequenceOf: (peer) => this.#sequences.get(peer) ?? 0 }, init)
    this.admission = { begin: (hello) => this.#begin(hello) }
  }

  // -------------------------------------------------------------------------------------------- life

  /**
   * Takes up what earlier runs kept, and what this node was given when it was admitted
   *
   * Throws what the store and the key files throw
   */
  async load (records: readonly Uint8Array[] = []): Promise<void> {
    const entries = await this.#components.store.governance()
    this.#invitations.load(entries)
    await this.#held.load(entries)
    for (const record of records) {
      this.#held.take(record, this.#components.signer.peer)
    }
    await this.#decider.load(entries)
    await this.#held.flush()
    this.#standing = this.#held.roster().standing(this.#components.signer.peer)
  }

  start (): void {
    if (this.#running === undefined) {
      this.#decider.start()
      this.#running = this.#run()
    }
  }

  async stop (): Promise<void> {
    this.#abort.abort()
    await this.#running
    await this.#decider.stop()
    await this.#held.flush()
  }

  async #run (): Promise<void> {
    const { clock } = this.#components
    const { signal } = this.#abort
    while (!signal.aborted) {
      await this.#upkeep().catch((err: unknown) => { this.#warn('membership', `what is due for membership could not be done: ${(err as Error).message}`) })
      await clock.delay(UPKEEP_MS, { signal }).catch(() => {
        // stopped: the loop ends
      })
    }
  }

  async #upkeep (): Promise<void> {
    // certificates run out without a word
    this.#settle()
    if (this.#standing === 'member') {
      for (const { peer, number, name } of this.#held.dueForRenewal()) {
        await this.#doorkeeper.certify(peer, number, name)
      }
      if (await this.#keys.perform()) {
        await this.#decider.reloadKeys()
      }
    }
    // what is decided meanwhile is not on disk when this returns
    const { slot } = this.#held.state
    await this.#held.flush()
    await this.#decider.forgetBefore(slot)
  }

  /** This home is known to be no older copy of itself, or to be one: only then its votes may be believed */
  async settleEarlierLife (isRestored: boolean): Promise<void> {
    if (isRestored) {
      await this.#decider.abstain()
    }
    this.#decider.allow()
  }

  // -------------------------------------------------------------------------------------------- gatekeeper

  standing = (peer: PeerName): Standing => this.#held.roster().standing(peer)

  acceptsUpdate (author: PeerName, sequence: number): boolean {
    const revoked = this.#held.revocation(author)
    return revoked === undefined ? this.standing(author) === 'member' : sequence <= revoked.lastSequence
  }

  /** An update of this author was let in: a revocation names the newest */
  noteUpdate (author: PeerName, sequence: number): void {
    const newest = Math.max(sequence, this.#sequences.get(author) ?? 0)
    this.#sequences.delete(author)
    this.#sequences.set(author, newest)
    if (this.#sequences.size > MAX_AUTHORS) {
      this.#sequences.delete(this.#sequences.keys().next().value!)
    }
  }

  credentials = (): Uint8Array[] => this.#held.credentials(this.#components.signer.peer)

  grounds = (): Uint8Array[] => this.#held.decisions().slice(-LATEST_DECISIONS).map(({ bytes }) => bytes)

  get set (): RecordDigests {
    return this.#held.set
  }

  take (bytes: Uint8Array, from: PeerName): RecordVerdict {
    const record = readRecord(bytes)
    if (record === undefined) {
      return 'invalid'
    }
    return record.type === 'ballot' ? this.#takeBallot(record, from) : this.#held.takeRecord(record, from)
  }

  /** Passed on like what else is news: members that are no voters carry it to those that are */
  #takeBallot (ballot: Ballot, from: PeerName): RecordVerdict {
    const verdict = this.#decider.receive(ballot)
    if (verdict === 'news') {
      this.#tell(ballot.bytes, from)
    }
    return verdict
  }

  #begin (hello: AdmissionHello): AdmissionSession | AdmissionAnswer {
    return this.#doorkeeper.begin(hello)
  }

  // -------------------------------------------------------------------------------------------- news

  #onNews (record: GovernanceRecord, from: PeerName): void {
    const { signer: { peer: self }, account } = this.#components
    this.#tell(record.bytes, from === self ? undefined : from)
    if (record.type === 'decision') {
      const { slot, act, endorsements } = record
      this.#decider.settled(record)
      account('decision', { slot, act, endorsedBy: endorsements.map(({ author }) => author) })
      this.safeDispatchEvent('decision', { detail: { slot, act } })
    } else if (record.type === 'statement') {
      this.#tellPeople(record)
    }
    if (record.type === 'decision' || from === self) {
      this.#settle()
    } else {
      this.#settleSoon()
    }
  }

  /** What follows from what is held now */
  #settle (): void {
    this.#decider.refresh()
    this.#look()
    this.safeDispatchEvent('change', { detail: undefined })
  }

  /** Statements come by the thousand where two sets are compared: one look serves for many */
  #settleSoon (): void {
    if (!this.#isSettling) {
      this.#isSettling = true
      void this.#components.clock.delay(SETTLE_MS, { signal: this.#abort.signal }).then(() => {
        this.#isSettling = false
        this.#settle()
      }, () => {
        // stopped: nobody asks any more
      })
    }
  }

  #tellPeople ({ author, body }: Extract<GovernanceRecord, { type: 'statement' }>): void {
    if (body.kind === 'request' && this.standing(author) !== 'member' && !this.#asked.has(author)) {
      this.#asked.add(author)
      this.#asked.size > MAX_ASKED && this.#asked.clear()
      this.#components.account('request', { peer: author })
      this.safeDispatchEvent('request', { detail: { peer: author, ...(body.name === undefined ? {} : { name: body.name }) } })
    }
    if (body.kind === 'endorsement') {
      const open = this.owner.acts().find(({ act }) => JSON.stringify(act) === JSON.stringify(body.act))
      open !== undefined && this.safeDispatchEvent('act', { detail: { actId: open.actId, act: open.act, missing: open.missing } })
    }
  }

  /** Says when the own standing is another one than before */
  #look (): void {
    const standing = this.#held.roster().standing(this.#components.signer.peer)
    if (standing !== this.#standing) {
      this.#standing = standing
      this.#components.account('standing', { standing })
      this.safeDispatchEvent('standing', { detail: { standing } })
      this.safeDispatchEvent('change', { detail: undefined })
    }
  }

  #tell (record: Uint8Array, from?: PeerName): void {
    this.safeDispatchEvent('records', { detail: { records: [record], ...(from === undefined ? {} : { from }) } })
  }

  #remind (slot: number): void {
    const now = this.#components.clock.monotonicMs()
    const decision = this.#held.decisions()[slot]
    if (decision !== undefined && now - this.#remindedMs >= REMIND_MS) {
      this.#remindedMs = now
      this.#tell(decision.bytes)
    }
  }

  #warn (code: string, message: string): void {
    this.safeDispatchEvent('warning', { detail: { code, message } })
  }
}
