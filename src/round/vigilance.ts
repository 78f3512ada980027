/**
 * What a node makes of its neighbours' conduct: counts refusals, suspects who stands apart, holds the worst back
 */
import { Quarantine } from './quarantine.ts'
import { RejectionCounter } from './rejection-counter.ts'
import { Suspicion } from './suspicion.ts'
import type { PeerName, RejectionReason } from '../interface.ts'
import type { RoundReport } from './round-events.ts'
import type { InboxEntry } from './inbox.ts'
import type { Mixed, MixInput } from './mix.ts'

export type Conduct = Pick<RoundReport, 'rejected' | 'rejectedPeers' | 'suspects' | 'quarantined'>

/** What a round brought */
export interface Judged extends Pick<MixInput, 'entries'> {
  /** The model that neighbours decode from the own update, d elements */
  own: Float32Array
  /** Strangers are no suspects */
  neighbours: ReadonlyArray<{ peer: PeerName }>
  /** The newest own model that neighbours took part in, where all peers add noise of their own */
  shared?: Float32Array | undefined
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

  /** Judges a round: every update that came, also those held back, and whom the rule left out */
  judge ({ own, entries, neighbours, shared }: Judged, excluded: Mixed['excluded']): void {
    for (const { peer, reason } of excluded) {
      this.reject(peer, reason)
    }
    const refused = this.rejections.judged(neighbours)
    this.suspicion.observe(own, entries.map(({ update, parameters }) => ({ peer: update.author, parameters })), refused, shared)
    this.quarantine.observe([...entries.map(({ update }) => update.author), ...refused])
  }

  /** Of the round that ends; the counts begin anew */
  report (): Conduct {
    return { ...this.rejections.drain(), suspects: this.suspicion.suspects(), quarantined: this.quarantine.levels() }
  }
}
