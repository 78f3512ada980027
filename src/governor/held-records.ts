/**
 * What this node holds of who belongs and who decides: in memory, on disk, and what follows from it
 *
 * Own statements are on disk before anybody hears of them. Those of others are written soon after: they can be had
 * again.
 */
import { verifyCertificate } from '../consensus/certificate.ts'
import { MAX_WELCOME_BYTES, MAX_WELCOME_RECORDS } from '../governance/governance-interface.ts'
import { credentialsFor, graceMs, guestLimit, initialState, rosterAt, voidReason } from '../governance/roster.ts'
import { RecordSet } from '../governance/record-set.ts'
import { makeDecision, readRecord } from '../governance/statements.ts'
import { openActs } from './open-acts.ts'
import type { Act, Decision, DepartureBody, GovernanceRecord, MembershipSettings, RecordDigests, RecordVerdict, RequestBody, Statement, Voter, VotingKeyBody } from '../governance/governance-interface.ts'
import type { GovernanceState, Roster, VerifyCertificate } from '../governance/roster.ts'
import type { PeerName } from '../interface.ts'
import type { GovernorComponents } from './governor-interface.ts'
import type { TalliedAct } from './open-acts.ts'

const PREFIX = 'record/'
/** Others' records are written together when nothing came for this long */
const WRITE_BEHIND_MS = 200
/** Standings follow from the time, too: what was worked out holds this long */
const ROSTER_MS = 1_000
/** Certificates are renewed when less than half of their life is left */
const RENEWAL_SHARE = 0.5
const DAY_MS = 86_400_000

export interface HeldRecordsInit {
  federation: string
  settings: MembershipSettings
  /** A record was taken up that was not held before */
  onNews: (record: Statement | Decision, from: PeerName) => void
  onWriteFailure: (err: Error) => void
}

/** The value of an agreement is the id of an act */
const verify: VerifyCertificate = (certificate, { value, ...slot }) => verifyCertificate(certificate, { ...slot, value: Buffer.from(value).toString('hex') })

export class HeldRecords {
  readonly #components: Pick<GovernorComponents, 'clock' | 'store' | 'signer'>
  readonly #init: HeldRecordsInit
  readonly #set: RecordSet
  #roster: { roster: Roster, changes: number, atMs: number } | undefined
  #acts: { acts: TalliedAct[], changes: number } | undefined
  /** Acts that enough voters endorsed in the slot in hand: one that may be chosen stays so, whatever is evicted */
  #pinned: { slot: number, acts: Map<string, TalliedAct> } = { slot: 0, acts: new Map() }
  #unwritten = new Map<string, Uint8Array | undefined>()
  #writing: Promise<void> = Promise.resolve()
  #isScheduled = false

  constructor (components: Pick<GovernorComponents, 'clock' | 'store' | 'signer'>, init: HeldRecordsInit) {
    this.#components = components
    this.#init = init
    this.#set = new RecordSet(initialState(init.federation, init.settings), verify)
  }

  /** Takes up what earlier runs kept: decisions in their order first, for the rest stands on them */
  async load (entries: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const records = [...entries].filter(([key]) => key.startsWith(PREFIX)).map(([, bytes]) => readRecord(bytes)).filter((record) => record !== undefined)
    const decisions = records.filter((record) => record.type === 'decision').sort((a, b) => a.slot - b.slot)
    const now = this.#components.clock.now()
    decisions.forEach((decision) => this.#set.offer(decision, now))
    // a certificate may stand on one that comes later
    let left: GovernanceRecord[] = records.filter(({ type }) => type === 'statement')
    for (let before = Infinity; left.length < before;) {
      before = left.length
      left = left.filter((statement) => !['news', 'known'].includes(this.#set.offer(statement, now).verdict))
    }
  }

  get set (): RecordDigests {
    return this.#set.digests
  }

  get state (): GovernanceState {
    return this.#set.state
  }

  roster (): Roster {
    const { clock } = this.#components
    const atMs = clock.monotonicMs()
    const { changes } = this.#set
    if (this.#roster === undefined || this.#roster.changes !== changes || atMs - this.#roster.atMs >= ROSTER_MS) {
      this.#roster = { roster: rosterAt(this.state, this.#set.statements(), clock.now(), this.#init.settings), changes, atMs }
    }
    return this.#roster.roster
  }

  // -------------------------------------------------------------------------------------------- what comes in

  take (bytes: Uint8Array, from: PeerName): RecordVerdict {
    const record = readRecord(bytes)
    return record === undefined ? 'invalid' : this.takeRecord(record, from)
  }

  takeRecord (record: GovernanceRecord, from: PeerName): RecordVerdict {
    const { verdict, added, removed } = this.#set.offer(record, this.#components.clock.now())
    added.forEach(({ id, bytes }) => this.#unwritten.set(`${PREFIX}${id}`, bytes))
    removed.forEach((id) => this.#unwritten.set(`${PREFIX}${id}`, undefined))
    if (added.length + removed.length > 0) {
      this.#writeSoon()
      added.forEach((news) => { this.#init.onNews(news, from) })
    }
    return verdict
  }

  /** A statement of this node. On disk before others hear of it. Throws what the store throws: then it was not said */
  async add (statement: Statement): Promise<RecordVerdict> {
    await this.#components.store.putGovernance(new Map([[`${PREFIX}${statement.id}`, statement.bytes]]))
    return this.takeRecord(statement, this.#components.signer.peer)
  }

  /** The agreement of the slot in hand chose this act */
  decide (actId: string, certificate: Uint8Array): void {
    const tallied = this.#pin().get(actId)
    if (tallied !== undefined) {
      const { federation, epoch, slot } = this.state
      this.takeRecord(makeDecision({ federation, epoch, slot, act: tallied.act, endorsements: tallied.endorsements, certificate }), this.#components.signer.peer)
    }
  }

  // -------------------------------------------------------------------------------------------- what follows from it

  decisions (): Decision[] {
    return this.#set.decisions()
  }

  /** What somebody wants and nobody decided, oldest first */
  acts (): TalliedAct[] {
    if (this.#acts?.changes !== this.#set.changes) {
      this.#acts = { acts: openActs(this.state, this.#set.statements()), changes: this.#set.changes }
    }
    return this.#acts.acts
  }

  /** Ids of the acts that enough voters endorsed, now or before in this slot: 64 hex digits */
  admissible (): string[] {
    return [...this.#pin().keys()]
  }

  #pin (): ReadonlyMap<string, TalliedAct> {
    const { slot } = this.state
    if (this.#pinned.slot !== slot) {
      this.#pinned = { slot, acts: new Map() }
    }
    const { acts } = this.#pinned
    this.acts().filter(({ missing, actId }) => missing === 0 && !acts.has(actId)).forEach((act) => acts.set(act.actId, act))
    return acts
  }

  /** What ballots are about: epoch, slot and voters, as the decisions have them */
  get ballots (): Pick<GovernanceState, 'epoch' | 'slot' | 'voters'> {
    return this.state
  }

  /** Why an act may not be decided now, or should not be; undefined: it may */
  problemOf (act: Act): string | undefined {
    return voidReason(this.state, act) ?? this.#foreignKey(act)
  }

  /** Whoever proposes an act could name keys of its own for others: only what a voter said itself is a key of it */
  #foreignKey (act: Act): string | undefined {
    const { epoch, voters } = this.state
    const isOwn = ({ peer, votingKey }: Voter): boolean => this.votingKeyOf(peer, epoch + 1) === votingKey || voters.some((voter) => voter.peer === peer && voter.votingKey === votingKey)
    const wrong = 'voters' in act ? act.voters.find((voter) => !isOwn(voter)) : undefined
    return wrong === undefined ? undefined : `it names a voting key for ${wrong.peer} that this peer did not hear from it: whoever proposed it may lie, or the key is on its way`
  }

  /** This peer named a key for this epoch, or more than one */
  hasNamedKey (peer: PeerName, epoch: number): boolean {
    return this.#statements<VotingKeyBody>('voting-key').some(({ author, body }) => author === peer && body.epoch === epoch)
  }

  /** Those of peers that are no members, oldest first */
  requests (): Array<Statement<RequestBody>> {
    const roster = this.roster()
    return this.#statements<RequestBody>('request').filter(({ author }) => roster.standing(author) !== 'member').sort((a, b) => a.body.at - b.body.at)
  }

  /** The key with which a peer would vote in this epoch; undefined where it named none, or two */
  votingKeyOf (peer: PeerName, epoch: number): string | undefined {
    const named = new Set(this.#statements<VotingKeyBody>('voting-key').filter(({ author, body }) => author === peer && body.epoch === epoch).map(({ body }) => body.votingKey))
    return named.size === 1 ? [...named][0] : undefined
  }

  /** What an admission must name to take back a member by decision that left */
  departureOf (peer: PeerName): { departure?: number } {
    const slots = this.#statements<DepartureBody>('departure').filter(({ author }) => author === peer).map(({ body }) => body.slot)
    return this.state.admitted.has(peer) && slots.length > 0 ? { departure: Math.max(...slots) } : {}
  }

  revocation (peer: PeerName): { lastSequence: number } | undefined {
    return this.state.revoked.get(peer)
  }

  /** How many guests this node may have */
  guestLimit (): number {
    return guestLimit(this.state, this.#components.signer.peer)
  }

  ownGuests (): Array<{ peer: PeerName, number: number, issuedAt: number, expiresAt: number, name?: string }> {
    return this.roster().guestsOf(this.#components.signer.peer).map(({ body: { peer, number, issuedAt, expiresAt, name } }) => ({ peer, number, issuedAt, expiresAt, ...(name === undefined ? {} : { name }) }))
  }

  /** Own guests in good standing, or in the grace after it, whose certificate is more than half over */
  dueForRenewal (): Array<{ peer: PeerName, number: number, name?: string }> {
    const roster = this.roster()
    const now = this.#components.clock.now()
    const latest = this.#init.settings.certificateDays * DAY_MS
    return this.ownGuests().filter(({ peer, expiresAt }) => expiresAt - now < RENEWAL_SHARE * latest && expiresAt + graceMs(this.#init.settings) > now &&
      roster.member(peer)?.inviter === this.#components.signer.peer)
  }

  /** Proves a peer's standing to whoever knows the first document, and most of the decisions where they are many */
  credentials (peer: PeerName): Uint8Array[] {
    return credentialsFor(peer, { state: this.state, roster: this.roster(), decisions: this.#set.decisions() })
  }

  /** What somebody who was let in begins with: all decisions in order, then its own certificates and this node's */
  welcome (peer: PeerName): Uint8Array[] {
    const { signer } = this.#components
    const chains = [peer, signer.peer].flatMap((name) => this.roster().chain(name)).map(({ bytes }) => bytes)
    const distinct = [...new Map(chains.map((bytes) => [Buffer.from(bytes).toString('base64'), bytes])).values()]
    const room = MAX_WELCOME_BYTES - distinct.reduce((sum, { byteLength }) => sum + byteLength, 0)
    let size = 0
    const decisions = this.decisions().map(({ bytes }) => bytes).slice(0, MAX_WELCOME_RECORDS - distinct.length)
    return [...decisions.filter(({ byteLength }) => (size += byteLength) <= room), ...distinct]
  }

  #statements<Body extends Statement['body']> (kind: Body['kind']): Array<Statement<Body>> {
    return this.#set.statements().filter(({ body }) => body.kind === kind) as unknown as Array<Statement<Body>>
  }

  // -------------------------------------------------------------------------------------------- disk

  #writeSoon (): void {
    if (!this.#isScheduled) {
      this.#isScheduled = true
      void this.#components.clock.delay(WRITE_BEHIND_MS).then(async () => this.flush()).catch((err: unknown) => {
        this.#init.onWriteFailure(err instanceof Error ? err : new TypeError(String(err)))
      })
    }
  }

  /** Resolves when all that is held is on disk. What could not be written is tried again with the next */
  async flush (): Promise<void> {
    this.#isScheduled = false
    const write = this.#writing.catch(() => {}).then(async () => {
      const batch = this.#unwritten
      this.#unwritten = new Map()
      try {
        batch.size > 0 && await this.#components.store.putGovernance(batch)
      } catch (err) {
        this.#unwritten = new Map([...batch, ...this.#unwritten])
        throw err
      }
    })
    this.#writing = write
    return write
  }
}
