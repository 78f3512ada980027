/**
 * Figures as text for people: each beside what an answer without any inputs would get
 */
import { quoted } from '../src/quoted.ts'
import { brief, formatCount, formatFigure, formatLoss, formatShare, withUnit } from './format.ts'
import type { ClassFigures, EvaluationResult, FiguresOfClass, RegressionFigures } from '../src/interface.ts'

/** Classes that are listed: the most frequent ones */
const MAX_CLASSES = 20
/** Longer names do not widen the table */
const MAX_NAME = 24

/** What `grapevine evaluate` tells below its first line: a title and a text each. Other trainers may have no figures */
export function figureFields ({ accuracy, figures }: Pick<EvaluationResult, 'accuracy' | 'figures'>): Array<[title: string, text: string]> {
  if (figures === undefined) {
    return []
  }
  return figures.kind === 'classes' ? classFields(accuracy, figures) : numberFields(figures)
}

function classFields (accuracy: number | null, figures: ClassFigures): Array<[string, string]> {
  const { baseline, logLoss, calibrationError, auc, averagePrecision } = figures
  const fields: Array<[string, string] | undefined> = [
    ['Accuracy', `${formatShare(accuracy)}; the majority class alone: ${formatShare(baseline.accuracy)} (${quoted(baseline.label.slice(0, MAX_NAME))})`],
    ['Balanced', `${formatShare(figures.balancedAccuracy)}; the majority class alone: ${formatShare(baseline.balancedAccuracy)}`],
    auc === undefined ? undefined : ['AUC', `${formatFigure(auc)}; without inputs: 0.500`],
    averagePrecision === undefined ? undefined : ['Avg. prec.', `${formatFigure(averagePrecision)}; without inputs: ${formatFigure(baseline.averagePrecision)}`],
    logLoss === undefined ? undefined : ['Log loss', `${formatLoss(logLoss)}; the shares of the classes alone: ${formatLoss(baseline.logLoss)}`],
    calibrationError === undefined ? undefined : ['Calibration', `${formatShare(calibrationError)} expected error of the stated probabilities`]
  ]
  const lines = figures.classes === undefined ? [] : classTable(figures.classes)
  return [...fields.filter((field) => field !== undefined), ...lines.map((line, i): [string, string] => [i === 0 ? 'Classes' : '', line])]
}

/** A line each, under a head: the most frequent first */
export function classTable (classes: readonly FiguresOfClass[]): string[] {
  const listed = [...classes].sort((a, b) => b.examples - a.examples).slice(0, MAX_CLASSES)
  const rows = [
    ['class', 'examples', 'recall', 'precision'],
    ...listed.map(({ label, examples, recall, precision }) => [quoted(label.slice(0, MAX_NAME)), formatCount(examples), formatShare(recall), formatShare(precision)])
  ]
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  const lines = rows.map((row) => row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join('  '))
  return classes.length > listed.length ? [...lines, `and ${formatCount(classes.length - listed.length)} classes of fewer examples: --json has all`] : lines
}

function numberFields (figures: RegressionFigures): Array<[string, string]> {
  const { baseline } = figures
  return [
    ['R2', `${formatFigure(figures.r2)}; the mean of the training targets alone: ${formatFigure(baseline.r2)}`],
    ['Abs. error', `${withUnit(figures.meanAbsoluteError, figures)} mean; their median alone: ${withUnit(baseline.meanAbsoluteError, figures)}`],
    ['Sq. error', `${brief(figures.meanSquaredError)} mean (root ${withUnit(Math.sqrt(figures.meanSquaredError), figures)}); their mean alone: ${brief(baseline.meanSquaredError)}`]
  ]
}
