/**
 * The findings of an audit as lines for people
 */
import { claimedEpsilon } from '../src/audit/audit-report.ts'
import { formatDelta, formatEpsilon } from './privacy-text.ts'
import type { AuditCaps, AuditReport } from '../src/audit/audit-report.ts'
import type { MembershipReport } from '../src/audit/membership.ts'

/** A title, none where a line goes on, and a text */
export type Field = readonly [title: string, text: string]

const HEAD = ['attack', 'AUC', 'TPR at FPR 0.1 %', 'TPR at FPR 1 %'] as const

/** Three digits, not rounded up as what is promised: 3.2049 -> `3.20` */
function formatBound (epsilon: number): string {
  return epsilon === 0 ? '0' : epsilon.toPrecision(3)
}

/** The claim, the lower bound beside it, and what each of them means */
export function boundLines ({ claim, canaries }: AuditReport): Field[] {
  const { lowerBound, highestBound, correct, guesses, confidence, included } = canaries
  const promised = claim === null
    ? 'nothing: this federation has no privacy (epsilon infinite)'
    : `epsilon at most ${formatEpsilon(claim.epsilon.pld)} (pld) or ${formatEpsilon(claim.epsilon.rdp)} (rdp) for each example, delta ${formatDelta(claim.delta)}, for exactly this run`
  return [
    ['Promised', promised],
    ['Found', `epsilon at least ${formatBound(lowerBound)} (${formatRate(confidence)} confidence, delta ${claim === null ? '0' : formatDelta(claim.delta)}): ${correct} of ${guesses} guesses right`],
    ['', `which of ${canaries.canaries} canaries were trained on (${included} were). All right would show at least ${formatBound(highestBound)}`],
    ['', 'One run bounds from below, and loosely: to stay under the promise is no proof of it, to exceed it would be a bug']
  ]
}

/** What the audit says in the end */
export function verdictText ({ verdict, claim, canaries: { highestBound } }: AuditReport): string {
  switch (verdict) {
    case 'ok': return highestBound > claimedEpsilon(claim)
      ? 'no contradiction: the attacks stay below what privacy allows'
      : `no contradiction, but so few canaries could not show one (${formatBound(highestBound)} at most): audit fewer --rounds, or with more --canaries`
    case 'violation': return 'violation: more leaks than privacy allows, which is a bug'
    case 'none': return 'nothing is promised, so nothing can be broken: what leaks here leaks to every neighbour'
  }
}

/** Attacks, a coin below them, and the cap above */
export function attackLines ({ inference, canaries, caps, claim }: AuditReport): string[] {
  const rows = [
    HEAD,
    ['guessing', '0.500', formatRate(0.001), formatRate(0.01)],
    row('loss threshold, final model', inference.loss),
    row('LiRA, final model', inference.likelihoodRatio),
    row('canaries, all updates', canaries.attack),
    claim === null ? ['no cap: nothing is promised', '', '', ''] : ['cap, whole privacy profile', ...capCells(caps)]
  ]
  const widths = HEAD.map((_, column) => rows.reduce((most, cells) => Math.max(most, cells[column]!.length), 0))
  return rows.map((cells) => cells.map((cell, column) => column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)).join('   ').trimEnd())
}

function row (name: string, { auc, operatingPoints }: MembershipReport): string[] {
  return [name, auc.toFixed(3), ...operatingPoints.map(({ isResolved, truePositiveRate }) => isResolved ? formatRate(truePositiveRate) : 'too few')]
}

function capCells ({ auc, operatingPoints }: AuditCaps): string[] {
  return [auc.toFixed(3), ...operatingPoints.map(({ truePositiveRate }) => formatRate(truePositiveRate))]
}

/** 0.0013 -> `0.13 %`, 0.208 -> `20.8 %`: small ones are of interest */
function formatRate (rate: number): string {
  return `${Number((100 * rate).toPrecision(3))} %`
}
