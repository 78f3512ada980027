/**
 * The privacy of one node, from the ledger of its dataset being opened to it being closed
 */
import { lastLearningRound } from './model/learning-rate.ts'
import { writeDatasetRecord } from './privacy/dataset-record.ts'
import { formatShare } from './privacy/ledger/inherited.ts'
import { ledgerSecret } from './privacy/ledger/similar-ledgers.ts'
import { defaultLedgerRoot, openBudget, requireCharged } from './privacy/open-budget.ts'
import type { Membership } from './enter-federation.ts'
import type { FederationDocument } from './federation.ts'
import type { Clock, PeerName, TrainerDescription } from './interface.ts'
import type { NodeEvents, NodeInit } from './node-interface.ts'
import type { PrivacyBudget, PrivacyStatus } from './privacy/budget.ts'
import type { LedgerReader } from './privacy/ledger/ledger.ts'
import type { OpenBudget } from './privacy/open-budget.ts'

export interface NodePrivacyInit extends Pick<NodeInit, 'home' | 'ledgers' | 'epsilonLimit'> {
  clock: Clock
  onWarning: (detail: NodeEvents['warning']['detail']) => void
}

export class NodePrivacy {
  private readonly init: NodePrivacyInit
  private readonly root: string
  private opened: OpenBudget | undefined
  private who: { federation: string, peer: PeerName } | undefined
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
    return this.opened?.reader
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
    this.who = { federation, peer }
    this.lastPaidRound = lastLearningRound(document.training.optimizer)
    this.warnOfInherited()
  }

  /**
   * A home that published a round without a step spends nothing any more, and may have come to it by a jump: nothing is required
   * of its ledger then. Throws LedgerRollbackError, see `requireCharged`
   */
  requireHomeCharged (published: number | undefined): void {
    this.require(published !== undefined && published > this.lastPaidRound ? undefined : published, 'this home published')
  }

  /** Neighbours hold more than this home knows of: it may have rounds before it that it trained already. Throws LedgerRollbackError */
  requireHeldCharged (published: number | undefined): void {
    this.require(published === undefined ? undefined : Math.min(published, this.lastPaidRound), 'neighbours hold')
  }

  private require (published: number | undefined, source: string): void {
    if (this.opened !== undefined && this.who !== undefined) {
      requireCharged(this.opened.reader, { ...this.who, published, source })
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

  private warnOfInherited (): void {
    for (const { fingerprint, share } of this.opened?.inherited ?? []) {
      this.init.onWarning({ code: 'similar-data', message: `these data and the set ${fingerprint.slice(0, 12)}… have ${formatShare(share)} of the smaller one's examples in common: what was spent there counts here, too` })
    }
  }
}
