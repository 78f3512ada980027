/**
 * The end of a testnet in a few aligned lines
 */
import { bytes, counts, milliseconds, percent, plural, points, significant } from './format.ts'
import { facts } from './facts.ts'
import { spentText } from './privacy-text.ts'
import type { PhaseTimes } from '../src/round/round-events.ts'
import type { TestnetReport } from './interface.ts'

const NAME_WIDTH = 20
const VALUE_WIDTH = 12

/** `train 0.41 s  wait 12 ms …`, phases of no time left out */
function phaseText (phases: PhaseTimes): string {
  const entries = Object.entries(phases) as Array<[keyof PhaseTimes, number]>
  return entries.filter(([, ms]) => ms >= 0.05).map(([name, ms]) => `${name.slice(0, -2)} ${milliseconds(ms)}`).join('  ')
}

function gainText (gain: number): string {
  return gain < 0 ? `gossip lost ${points(-gain).slice(1)}` : `gossip gained ${points(gain)}`
}

type Row = (name: string, value: string, detail?: string) => string

function figureRows (figures: TestnetReport['summary']['figures'], row: Row): string[] {
  if (figures === undefined) {
    return []
  }
  const { majorityAccuracy, balancedAccuracy, auc, r2, meanAbsoluteError } = figures
  return [
    ...(balancedAccuracy === null ? [] : [row('balanced accuracy', percent(balancedAccuracy), `mean; the majority class alone has accuracy ${percent(majorityAccuracy)}${auc === null ? '' : `; AUC ${significant(auc)}`}`)]),
    ...(meanAbsoluteError === null ? [] : [row('R2', significant(r2), `mean; absolute error ${significant(meanAbsoluteError)} in the target's unit`)])
  ]
}

/** Of classes the accuracy, of a number its R2, beside that of training alone */
function scoreRows ({ summary }: TestnetReport, row: Row): string[] {
  const { meanAccuracy, worstAccuracy, aloneMeanAccuracy, figures, aloneFigures } = summary
  if (figures !== undefined && figures.meanAbsoluteError !== null) {
    return [
      ...figureRows(figures, row),
      row('R2 alone', significant(aloneFigures?.r2 ?? null), aloneFigures === undefined ? 'not measured' : `mean; absolute error ${significant(aloneFigures.meanAbsoluteError)}${errorText(figures.meanAbsoluteError, aloneFigures.meanAbsoluteError)}`)
    ]
  }
  const gained = meanAccuracy === null || aloneMeanAccuracy === null ? '' : gainText(meanAccuracy - aloneMeanAccuracy)
  return [
    row('accuracy', percent(meanAccuracy), `mean; worst peer ${percent(worstAccuracy)}`),
    row('accuracy alone', percent(aloneMeanAccuracy), aloneMeanAccuracy === null ? 'not measured' : `mean; ${gained}`),
    ...figureRows(figures, row)
  ]
}

function errorText (together: number, alone: number | null): string {
  if (alone === null || alone === 0) {
    return ''
  }
  const change = 100 * (together - alone) / alone
  return `; gossip made it ${Math.abs(change).toFixed(0)} % ${change > 0 ? 'larger' : 'smaller'}`
}

/** Lines without an end, for a terminal */
export function summaryLines (report: TestnetReport): string[] {
  const { summary } = report
  const row = (name: string, value: string, detail = ''): string => `  ${name.padEnd(NAME_WIDTH)}${value.length < VALUE_WIDTH ? value.padEnd(VALUE_WIDTH) : `${value}  `}${detail}`.trimEnd()
  return [
    row('peers', `${summary.finished} of ${summary.peers}`, `honest peers finished ${plural(report.configuration.rounds, 'round')}`),
    ...scoreRows(report, row),
    row('consensus distance', significant(summary.consensusDistance), 'between the final models'),
    row('sent', bytes(summary.bytesSentPerPeerPerRound), 'per peer and round'),
    row('round', milliseconds(summary.secondsPerRound * 1000), phaseText(summary.phases)),
    row('not training', percent(summary.nonTrainingShare), 'encode + publish + aggregate + persist, of the round'),
    row('privacy', summary.privacy === null ? 'none' : summary.privacy.mechanism, summary.privacy === null ? 'what peers sent tells neighbours about the examples' : spentText(summary.privacy)),
    row('rejected', String(Object.values(summary.rejected).reduce((sum, count) => sum + count, 0)), `${counts(summary.rejected)}${summary.late === 0 ? '' : `; late ${summary.late}`}`),
    ...facts(report).map((fact) => `  ${fact}`)
  ]
}
