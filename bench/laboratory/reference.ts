/**
 * Grid A as an independent reference implementation (PyTorch, seed 0) gave it
 */
import { GRID_ATTACKS } from './attack-name.ts'

const ROWS: Readonly<Record<string, ReadonlyArray<number | undefined>>> = {
  alone: [40.4],
  mean: [93.9, 9.8, 9.8, 9.8, 25.0, 91.9, 53.8],
  'gated-geometric-median': [93.2, 91.5, 92.1, 92.2, 86.2, 93.1, 93.5],
  'geometric-median': [93.2, 91.2, 89.8, 92.2, 82.8, 92.7, 81.9],
  'trimmed-mean': [90.6, 87.0, 85.2, 93.0, 88.7, 86.6, 85.2],
  'nnm+trimmed-mean': [89.7, 88.9, 94.2, 89.9, 83.0, 94.1, 94.2],
  'nnm+geometric-median': [90.7, 89.6, 94.0, 81.0, 92.8, 94.1, undefined],
  'cs-plus': [93.5, 88.4, 87.2, 91.4, 76.1, 92.4, 77.8],
  'multi-krum': [89.2, 83.7, 94.1, 83.0, 73.0, 94.0, 94.2],
  median: [87.4, 83.1, 70.3, 84.5, 82.4, 84.3, 81.6],
  'clipped-gossip': [93.9, 75.0, 77.5, 91.1, 29.6, 92.0, 53.6],
  ubar: [67.8, 57.0, 59.4, 61.2, 45.7, 66.5, undefined],
  krum: [67.2, 68.5, 66.4, 57.3, 61.6, 9.3, 66.9],
  balance: [40.7, 34.7, 42.9, 44.3, 42.7, 42.8, undefined]
}

/** Accuracy in percent; undefined where it is not known */
export function gridReference (rule: string, attack: string): number | undefined {
  const column = GRID_ATTACKS.indexOf(attack)
  return Object.hasOwn(ROWS, rule) && column !== -1 ? ROWS[rule]![column] : undefined
}
