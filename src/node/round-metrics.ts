/**
 * The numbers of a round for a metrics sink, by name and unit (docs/architecture.md, Parts)
 */
import type { Figures } from '../interface.ts'
import type { RoundReport } from '../round/round-events.ts'
import type { MetricsSink } from './node-parts.ts'

export class RoundMetrics {
  private readonly sink: MetricsSink
  private readonly onFailure: (err: unknown) => void
  private readonly totals = new Map<string, number>()

  constructor (sink: MetricsSink, onFailure: (err: unknown) => void) {
    this.sink = sink
    this.onFailure = onFailure
  }

  /** Never throws: a sink that does is no reason to lose a round */
  round (report: RoundReport): void {
    try {
      this.tell(report)
    } catch (err) {
      this.onFailure(err)
    }
  }

  private tell (report: RoundReport): void {
    const { phases, privacy, rejected } = report
    this.gauge('round', report.round)
    this.gauge('round_duration_seconds', report.durationMs / 1_000)
    for (const [phase, ms] of Object.entries(phases) as Array<[string, number]>) {
      this.gauge('round_phase_seconds', ms / 1_000, { phase: phase.replace(/Ms$/, '') })
    }
    this.gauge('round_updates_accepted', report.accepted)
    this.gauge('round_neighbours_late', report.late)
    this.gauge('model_train_loss', report.trainLoss)
    this.gauge('model_loss', report.loss)
    this.gauge('model_accuracy_ratio', report.accuracy)
    this.figures(report.figures)
    this.gauge('model_neighbour_distance', report.neighbourDistance)
    this.gauge('peers_suspected', Object.keys(report.suspects).length)
    this.gauge('peers_quarantined', Object.keys(report.quarantined).length)
    this.gauge('peers_banned', report.banned.length)
    for (const [accountant, epsilon] of Object.entries(privacy?.epsilon ?? {})) {
      this.gauge('privacy_epsilon', epsilon, { accountant })
    }
    this.gauge('privacy_epsilon_limit', privacy?.limit)
    this.total('network_sent_bytes_total', report.bytesSent)
    this.total('network_received_bytes_total', report.bytesReceived)
    for (const [reason, count] of Object.entries(rejected)) {
      this.total('updates_rejected_total', count, { reason })
    }
  }

  private figures (figures: Figures | undefined): void {
    if (figures?.kind === 'classes') {
      this.gauge('model_balanced_accuracy_ratio', figures.balancedAccuracy)
      this.gauge('model_auc_ratio', figures.auc)
    } else {
      this.gauge('model_r2_ratio', figures?.r2)
    }
  }

  /** What is not known is left as it was */
  private gauge (name: string, value: number | null | undefined, labels?: Readonly<Record<string, string>>): void {
    if (typeof value === 'number' && Number.isFinite(value)) {
      this.sink.set(name, value, labels)
    }
  }

  private total (name: string, more: number, labels?: Readonly<Record<string, string>>): void {
    const key = `${name} ${JSON.stringify(labels ?? {})}`
    const sum = (this.totals.get(key) ?? 0) + more
    this.totals.set(key, sum)
    this.sink.set(name, sum, labels)
  }
}
