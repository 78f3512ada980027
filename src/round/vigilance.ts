/**
 * What a node makes of its neighbours' conduct: counts refusals, suspects who stands apart, holds the worst back
 */
import { Quarantine } from './quarantine.ts'
import { RejectionCounter } from './rejection-counter.ts'
import { Suspicion } from './suspicion.ts'
import type { PeerName, RejectionReason } from '../interface.ts'
import type { RoundReport } from './round-events.ts'
import type { InboxEntry } from './inbox.ts'
import type { Mixed } from './mix.ts'
import type { RoundPositions } from './round-positions.ts'

export type Conduct = Pick<RoundReport, 'rejected' | 'rejectedPeers' | 'suspects' | 'quarantined'>

/** What a round brought */
export interface Judged {
  /** Of the model that neighbours decode from the own update, and of every update that came, also of those held back */
  positions: RoundPositions
  /** Strangers are no suspects */
  neighbours: ReadonlyArray<{ peer: PeerName }>
  /** Who speaks against the own model, where all peers add noise of their own */
  contrary: readonly PeerName[]
}

/** Levels that an earlier run stored; what is no level is left out */
function storedLevels (value: unknown): Record<PeerName, number> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  return Object.fromEntries(entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] >= 0 && entry[1] <= 1))
}

export class Vigilance {
  private readonly rejections = new RejectionCounter()
  private readonly suspicion = new Suspicion()
  private readonly quarantine: Quarantine

  /** @param quarantineLimit - Neighbours held back at once, at most; 0: none */
  constructor (quarantineLimit: number) {
    this.quarantine = new Quarantine(this.suspicion, quarantineLimit)
  }

  /** Takes up what the last round's report of an earlier run says */
  restore (report: object | undefined): void {
    const { suspects, quarantined } = (report ?? {}) as { suspects?: unknown, quarantined?: unknown }
    const held = storedLevels(quarantined)
    this.suspicion.restore({ ...held, ...storedLevels(suspects) })
    this.quarantine.restore(Object.keys(held))
  }

  /** Counts an update, or something else, that was refused */
  reject (peer: PeerName, reason: RejectionReason): void {
    this.rejections.add(peer, reason)
  }

  /** Those that may take part, `needed` of them or more where there are as many; what is held back counts as refused */
  admit (entries: readonly InboxEntry[], needed: number): InboxEntry[] {
    const held = new Set(this.quarantine.among(entries.map(({ update }) => update.author), needed))
    held.forEach((peer) => { this.reject(peer, 'quarantined') })
    return entries.filter(({ update }) => !held.has(update.author))
  }

  /** Judges a round, and whom the rule left out */
  judge ({ positions, neighbours, contrary }: Judged, excluded: Mixed['excluded']): void {
    for (const { peer, reason } of excluded) {
      this.reject(peer, reason)
    }
    const refused = this.rejections.judged(neighbours)
    this.suspicion.observe(positions, refused, contrary)
    this.quarantine.observe([...positions.peers, ...refused])
  }

  /** Of the round that ends; the counts begin anew */
  report (): Conduct {
    return { ...this.rejections.drain(), suspects: this.suspicion.suspects(), quarantined: this.quarantine.levels() }
  }
}
