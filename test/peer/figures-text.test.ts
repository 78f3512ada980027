import { describe, expect, it } from 'vitest'
import { classTable, figureFields } from '../../peer/figures-text.ts'
import { formatScore } from '../../peer/format.ts'
import type { ClassFigures, RegressionFigures } from '../../src/interface.ts'

const skewed: ClassFigures = {
  kind: 'classes',
  balancedAccuracy: 0.5,
  auc: 0.7314,
  averagePrecision: 0.2,
  baseline: { label: 'healthy', accuracy: 0.98, balancedAccuracy: 0.5, averagePrecision: 0.02 }
}

const number: RegressionFigures = {
  kind: 'regression',
  unit: 'mmol/l',
  meanSquaredError: 4,
  meanAbsoluteError: 1.23456,
  r2: 0.81,
  baseline: { mean: 10, median: 9, meanSquaredError: 20, meanAbsoluteError: 3.5, r2: -0.01 }
}

describe('figures as text', () => {
  it('say in a round line what the majority class alone gets, where classes are skewed', () => {
    expect(formatScore({ accuracy: 0.98, figures: skewed })).toBe('accuracy 98.0 % (the majority class alone 98.0 %)  balanced 50.0 %  AUC 0.731')
  })

  it('leave a round line short where classes are not skewed, and for peers without figures', () => {
    expect(formatScore({ accuracy: 0.9, figures: { ...skewed, baseline: { ...skewed.baseline, accuracy: 0.55 } } })).toBe('accuracy 90.0 %')
    expect(formatScore({ accuracy: null })).toBe('accuracy -')
  })

  it('give a number its unit and the mean beside it', () => {
    expect(formatScore({ accuracy: null, figures: number })).toBe('R2 0.810 (the mean alone -0.010)  error 1.235 mmol/l')
    expect(figureFields({ accuracy: null, figures: number }).map(([title, text]) => `${title}: ${text}`)).toEqual([
      'R2: 0.810; the mean of the training targets alone: -0.010',
      'Abs. error: 1.235 mmol/l mean; their median alone: 3.5 mmol/l',
      'Sq. error: 4 mean (root 2 mmol/l); their mean alone: 20'
    ])
  })

  it('put a baseline beside each figure of classes, and list the classes', () => {
    const figures: ClassFigures = {
      ...skewed,
      logLoss: 0.3,
      calibrationError: 0.05,
      baseline: { ...skewed.baseline, logLoss: 0.1 },
      classes: [{ label: 'ill', examples: 2, predicted: 0, recall: 0 }, { label: 'healthy', examples: 98, predicted: 100, recall: 1, precision: 0.98 }]
    }
    expect(figureFields({ accuracy: 0.98, figures }).map(([title, text]) => `${title}: ${text}`)).toEqual([
      'Accuracy: 98.0 %; the majority class alone: 98.0 % ("healthy")',
      'Balanced: 50.0 %; the majority class alone: 50.0 %',
      'AUC: 0.731; without inputs: 0.500',
      'Avg. prec.: 0.200; without inputs: 0.020',
      'Log loss: 0.300; the shares of the classes alone: 0.100',
      'Calibration: 5.0 % expected error of the stated probabilities',
      'Classes: class      examples   recall  precision',
      ': "healthy"        98  100.0 %     98.0 %',
      ': "ill"             2    0.0 %          -'
    ])
  })

  it('list twenty classes of many, and keep a hostile name on its line', () => {
    const lines = classTable(Array.from({ length: 30 }, (_, i) => ({ label: i === 0 ? '\u001b[2Ja\nb' : `${i}`, examples: 30 - i, predicted: 1 })))
    expect(lines).toHaveLength(22)
    expect(lines.at(-1)).toBe('and 10 classes of fewer examples: --json has all')
    expect(lines.join('\n').split('\n')).toHaveLength(22)
    expect(lines[1]).not.toContain('\u001b')
  })
})
