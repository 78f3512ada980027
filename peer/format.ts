/**
 * Numbers and rounds as text for people
 */
import { quoted } from '../src/quoted.ts'
import { formatSpent } from './privacy-text.ts'
import type { Figures, ModelVersion, RegressionFigures, TestSplit } from '../src/interface.ts'
import type { NodeEvents } from '../src/node/node-interface.ts'
import type { RoundReport } from '../src/round/round-events.ts'

/** Peers that one line names */
const MAX_MISSING = 4

/** Where one class is more frequent than this, accuracy alone says little: round lines say more then */
const SKEWED = 0.6

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** Decimal units: 33100 -> `33.1 kB` */
export function formatBytes (bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.95 && unit < BYTE_UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unit]}`
}

/** 1240 -> `1.24 s`, 754000 -> `12 min 34 s` */
export function formatDuration (ms: number): string {
  const seconds = ms / 1000
  if (seconds < 9.995) {
    return `${seconds.toFixed(2)} s`
  }
  if (seconds < 59.95) {
    return `${seconds.toFixed(1)} s`
  }
  const whole = Math.round(seconds)
  if (whole < 3600) {
    return `${Math.floor(whole / 60)} min ${whole % 60} s`
  }
  const minutes = Math.floor(whole / 60)
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 1440)} d ${Math.floor(minutes / 60) % 24} h`
}

/** 0.8414 -> `84.1 %` */
export function formatShare (share: number | null | undefined): string {
  return share === null || share === undefined ? '-' : `${(share * 100).toFixed(1)} %`
}

export function formatLoss (loss: number | null | undefined): string {
  return loss === null || loss === undefined ? '-' : loss.toFixed(3)
}

export function formatFigure (value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(3)
}

export function withUnit (value: number, { unit }: Pick<RegressionFigures, 'unit'>): string {
  return unit === undefined ? brief(value) : `${brief(value)} ${unit}`
}

/** Four digits */
export function brief (value: number): string {
  return String(Number(value.toPrecision(4)))
}

/** With a space between thousands */
export function formatCount (count: number): string {
  return count.toString().replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** The two ends of a long id */
export function shortId (id: string): string {
  return id.length <= 16 ? id : `${id.slice(0, 8)}…${id.slice(-5)}`
}

/** Of how many neighbours updates took part in a version: `2`, `alone`, or `taken over` from them as a whole */
export function mixedWith ({ metrics, mixed }: Pick<ModelVersion, 'metrics' | 'mixed'>): string {
  return mixed ? String(metrics.accepted ?? 'taken over') : 'alone'
}

/** `version 1687c0211e46 (round 4, mixed)` */
export function formatVersion ({ id, round, mixed }: Pick<ModelVersion, 'id' | 'round' | 'mixed'>): string {
  return `version ${id.slice(0, 12)} (round ${round}, ${mixed ? 'mixed' : 'trained alone'})`
}

/** `distance-gate 2, norm 1`; empty when nothing was refused */
function formatReasons (rejected: RoundReport['rejected']): string {
  return Object.entries(rejected).map(([reason, count]) => `${reason} ${count}`).join(', ')
}

export interface Score {
  accuracy?: number | null | undefined
  figures?: Figures | undefined
}

/**
 * The score of a line: `accuracy 84.1 %`, with the figures that matter where classes are skewed, or those of a number.
 * Peers of earlier versions, and rounds of then, have no figures
 */
export function formatScore ({ accuracy, figures }: Score): string {
  if (figures?.kind === 'regression') {
    return `R2 ${formatFigure(figures.r2)} (the mean alone ${formatFigure(figures.baseline.r2)})  error ${withUnit(figures.meanAbsoluteError, figures)}`
  }
  if (figures === undefined || !(figures.baseline.accuracy > SKEWED)) {
    return `accuracy ${formatShare(accuracy)}`
  }
  const auc = figures.auc === undefined ? '' : `  AUC ${formatFigure(figures.auc)}`
  return `accuracy ${formatShare(accuracy)} (the majority class alone ${formatShare(figures.baseline.accuracy)})  balanced ${formatShare(figures.balancedAccuracy)}${auc}`
}

/** One line for one finished round */
export function formatRound (report: RoundReport): string {
  const rejected = Object.values(report.rejected).reduce((sum, count) => sum + count, 0)
  const reasons = rejected === 0 ? '' : ` (${formatReasons(report.rejected)})`
  const parts = [
    `round ${report.round}`,
    formatScore(report),
    `loss ${formatLoss(report.loss ?? report.trainLoss)}${report.loss === null ? ' in training' : ''}`,
    `accepted ${report.accepted}`,
    `rejected ${rejected}${reasons}`,
    `late ${report.late}`,
    `sent ${formatBytes(report.bytesSent)}`,
    `received ${formatBytes(report.bytesReceived)}`,
    formatSpent(report.privacy),
    formatPhases(report)
  ]
  return `${parts.join('  ')}${report.keptOwn ? '  kept the own model' : ''}`
}

/** One line for a round that does not begin: `round 12 waits for neighbours: 2 needed, missing 12D3KooW…x5e3q` */
export function formatWaiting ({ round, needed, missing }: NodeEvents['round:waiting']['detail']): string {
  const names = missing.slice(0, MAX_MISSING).map(shortId).join(', ')
  const others = missing.length > MAX_MISSING ? ` and ${missing.length - MAX_MISSING} more` : ''
  return `round ${round} waits, costing nothing: the rule needs ${needed} neighbour${needed === 1 ? '' : 's'}` +
    `${missing.length === 0 ? ', and no other is known' : `; not there or not ready: ${names}${others}`}`
}

/** One line for a round that was mixed after it had ended with the own model kept */
export function formatLateMix ({ round, accepted, accuracy, loss, figures }: NodeEvents['round:mixed']['detail']): string {
  return `round ${round}  ${formatScore({ accuracy, figures })}  loss ${formatLoss(loss)}  accepted ${accepted}, late and without another charge`
}

/** `1.24 s (train 0.90, wait 0.20, evaluate 0.10, other 0.04)` */
function formatPhases ({ durationMs, phases }: RoundReport): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(2)
  const other = Math.max(0, durationMs - phases.trainMs - phases.waitMs - phases.evaluateMs)
  return `${formatDuration(durationMs)} (train ${seconds(phases.trainMs)}, wait ${seconds(phases.waitMs)}, evaluate ${seconds(phases.evaluateMs)}, other ${seconds(other)})`
}

/** What test examples a figure is of, where the peer itself told them from the training examples; else nothing */
export function splitText (split: TestSplit | undefined): string {
  switch (split?.by) {
    case undefined:
    case 'rows': return ''
    case 'groups': return ` (whole groups of ${quoted(split.column)})`
    case 'file': return ' (a file of their own)'
  }
}
