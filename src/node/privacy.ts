/**
 * The privacy of one node, from the ledger of its dataset being opened to it being closed
 */
import { join } from 'node:path'
import { lastLearningRound } from '../federation/learning-rate.ts'
import { readDatasetRecord, writeDatasetRecord } from '../ledger/dataset-record.ts'
import { formatShare, lastRoundOf } from '../ledger/inherited.ts'
import { findLacks, headsAfter, missingEntries, requireContinued } from '../ledger/known-heads.ts'
import { defaultLedgerRoot, openBudget, requireCharged, requireHomeCharged } from '../ledger/open-budget.ts'
import { ledgerSecret } from '../ledger/similar-ledgers.ts'
import { trainedRounds } from '../ledger/trained-rounds.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { PeerName, TrainerDescription } from '../interface.ts'
import type { DatasetRecord } from '../ledger/dataset-record.ts'
import type { CountedLedgers } from '../ledger/known-heads.ts'
import type { LedgerReader } from '../ledger/ledger.ts'
import type { OpenBudget, Published } from '../ledger/open-budget.ts'
import type { PrivacyBudget, PrivacyStatus } from '../privacy/budget.ts'
import type { Membership } from './enter-federation.ts'
import type { AccountPartInit, PrivacyAccount } from './node-parts.ts'

export type NodePrivacyInit = Omit<AccountPartInit, 'trace'> & Partial<Pick<AccountPartInit, 'trace'>>

export class NodePrivacy implements PrivacyAccount {
  private readonly init: NodePrivacyInit
  private rootFolder: string | undefined
  private opened: OpenBudget | undefined
  private record: DatasetRecord | undefined
  /** Later rounds of the federation take no step and are not charged */
  private lastPaidRound = Infinity
  private lastStatus: PrivacyStatus | null = null

  constructor (init: NodePrivacyInit) {
    this.init = init
  }

  /** Folder of all ledgers of this user. Throws StateFolderError */
  private get root (): string {
    this.rootFolder ??= this.init.ledgers ?? defaultLedgerRoot()
    return this.rootFolder
  }

  /** Undefined without a privacy mechanism, or before it is open */
  get budget (): PrivacyBudget | undefined {
    return this.opened?.budget
  }

  get ledger (): LedgerReader | undefined {
    return this.opened?.reader
  }

  /**
   * The newest round of this federation that this peer charged to train it, so that it may have signed it; 0 when there
   * is none
   */
  async trainedRound (): Promise<number> {
    const { opened, record } = this
    if (opened === undefined || record === undefined) {
      return 0
    }
    const rounds = [await trainedRounds(opened.ledger), ...opened.inherited.map(({ lastTrained }) => lastTrained)]
    return lastRoundOf(rounds.map((lastRound) => ({ lastRound })))(record.federation, record.peer) ?? 0
  }

  /** What the sketches of this user's datasets are made with; undefined without a privacy mechanism */
  async sketchSecret ({ privacy }: FederationDocument): Promise<Uint8Array | undefined> {
    return privacy.mechanism === 'none' ? undefined : await ledgerSecret(this.root)
  }

  /** Before anything can be trained or sent. Throws as `openBudget` does, and the file system's errors */
  async open ({ document, id: federation }: Membership, { dataset, trainExamples }: TrainerDescription, peer: PeerName): Promise<void> {
    if (dataset === undefined) {
      return
    }
    const { root, init: { home, clock, trace, epsilonLimit: limit } } = this
    const known = (await readDatasetRecord(home))?.heads ?? {}
    await this.write({ federation, peer, fingerprint: dataset.fingerprint, examples: trainExamples, ledgers: root, heads: known })
    this.opened = await openBudget({ document, federation, peer, exampleCount: trainExamples, dataset, root, clock, limit, known, trace, onCharged: async () => this.remember() })
    this.lastPaidRound = lastLearningRound(document.training.optimizer)
    this.warnOfInherited()
  }

  /**
   * The ledgers must hold what this home published and what it knows of them; then it knows them as they are
   *
   * Throws LedgerRollbackError, see `requireHomeCharged` of open-budget.ts and `requireContinued`
   */
  async requireHomeCharged (published: number | undefined): Promise<void> {
    const { opened, counted, record, who, lastPaidRound, root, init: { home } } = this
    if (opened !== undefined && counted !== undefined && who !== undefined) {
      const lacks = await findLacks(record?.heads ?? {}, counted)
      requireHomeCharged(opened.reader, { ...who, published, lastPaidRound, lacking: missingEntries(lacks) })
      requireContinued(lacks, { root, home })
      await this.remember()
    }
  }

  /**
   * Neighbours hold more than this home knows of: it may have rounds before it that it trained already. Throws
   * LedgerRollbackError
   */
  requireHeldCharged (published: number | undefined): void {
    const { opened, who, lastPaidRound } = this
    if (opened !== undefined && who !== undefined) {
      requireCharged(opened.reader, { ...who, published: published === undefined ? undefined : Math.min(published, lastPaidRound), source: 'neighbours hold' })
    }
  }

  private get who (): Pick<Published, 'federation' | 'peer' | 'home' | 'location'> | undefined {
    const { record, root, init: { home } } = this
    return record === undefined ? undefined : { federation: record.federation, peer: record.peer, home, location: join(root, record.fingerprint) }
  }

  private get counted (): CountedLedgers | undefined {
    const { opened, record, root } = this
    return opened === undefined || record === undefined ? undefined : { root, fingerprint: record.fingerprint, ledger: opened.ledger, inherited: opened.inherited }
  }

  private async remember (): Promise<void> {
    const { counted, record } = this
    if (counted !== undefined && record !== undefined) {
      await this.write({ ...record, heads: headsAfter(record.heads ?? {}, counted) })
    }
  }

  private async write (record: DatasetRecord): Promise<void> {
    await writeDatasetRecord(this.init.home, record)
    this.record = record
  }

  status (): PrivacyStatus | null {
    return this.opened?.budget.status() ?? this.lastStatus
  }

  /** A closed ledger says nothing more: what it said last is kept for who looks afterwards */
  async close (): Promise<void> {
    const { opened } = this
    try {
      this.lastStatus = this.status()
    } finally {
      this.opened = undefined
      await opened?.ledger.close()
    }
  }

  private warnOfInherited (): void {
    for (const { fingerprint, share } of this.opened?.inherited ?? []) {
      this.init.onWarning({ code: 'similar-data', message: `these data and the set ${fingerprint.slice(0, 12)}… have ${formatShare(share)} of the smaller one's examples in common: what was spent there counts here, too` })
    }
  }
}
