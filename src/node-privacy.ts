/**
 * The privacy of one node, from the ledger of its dataset being opened to it being closed
 */
import { join } from 'node:path'
import { lastLearningRound } from './model/learning-rate.ts'
import { writeDatasetRecord } from './privacy/dataset-record.ts'
import { ledgerSecret } from './privacy/ledger/similar-ledgers.ts'
import { defaultLedgerRoot, openBudget, requireCharged, requireHomeCharged } from './privacy/open-budget.ts'
import type { Membership } from './enter-federation.ts'
import type { FederationDocument } from './federation.ts'
import type { Clock, PeerName, TrainerDescription } from './interface.ts'
import type { NodeEvents, NodeInit } from './node-interface.ts'
import type { PrivacyBudget, PrivacyStatus } from './privacy/budget.ts'
import type { LedgerReader } from './privacy/ledger/ledger.ts'
import type { OpenBudget, Published } from './privacy/open-budget.ts'

export interface NodePrivacyInit extends Pick<NodeInit, 'home' | 'ledgers' | 'epsilonLimit'> {
  clock: Clock
  onWarning: (detail: NodeEvents['warning']['detail']) => void
}

export class NodePrivacy {
  private readonly init: NodePrivacyInit
  private readonly root: string
  private opened: OpenBudget | undefined
  private who: Pick<Published, 'federation' | 'peer' | 'home' | 'location'> | undefined
  /** Later rounds of the federation take no step and are not charged */
  private lastPaidRound = Infinity
  private lastStatus: PrivacyStatus | null = null

  constructor (init: NodePrivacyInit) {
    this.init = init
    this.root = init.ledgers ?? defaultLedgerRoot()
  }

  /** Undefined without a privacy mechanism, or before it is open */
  get budget (): PrivacyBudget | undefined {
    return this.opened?.budget
  }

  get ledger (): LedgerReader | undefined {
    return this.opened?.ledger
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
    const { root, init: { home, clock, epsilonLimit: limit } } = this
    await writeDatasetRecord(home, { federation, peer, fingerprint: dataset.fingerprint, examples: trainExamples, ledgers: root })
    this.opened = await openBudget({ document, federation, peer, exampleCount: trainExamples, dataset, root, clock, limit })
    this.who = { federation, peer, home, location: join(root, dataset.fingerprint) }
    this.lastPaidRound = lastLearningRound(document.training.optimizer)
    this.warnOfSimilar()
  }

  /** Throws LedgerRollbackError, see `requireHomeCharged` of open-budget.ts */
  requireHomeCharged (published: number | undefined): void {
    const { opened, who, lastPaidRound } = this
    if (opened !== undefined && who !== undefined) {
      requireHomeCharged(opened.ledger, { ...who, published, lastPaidRound })
    }
  }

  /** Neighbours hold more than this home knows of: it may have rounds before it that it trained already. Throws LedgerRollbackError */
  requireHeldCharged (published: number | undefined): void {
    const { opened, who, lastPaidRound } = this
    if (opened !== undefined && who !== undefined) {
      requireCharged(opened.ledger, { ...who, published: published === undefined ? undefined : Math.min(published, lastPaidRound), source: 'neighbours hold' })
    }
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

  private warnOfSimilar (): void {
    for (const { fingerprint, share } of this.opened?.similar ?? []) {
      this.init.onWarning({ code: 'similar-data', message: `${Math.round(100 * share)} % of these examples were trained on under another fingerprint (${fingerprint.slice(0, 12)}…): what was spent there is not in this budget, see grapevine privacy ledger` })
    }
  }
}
