/**
 * Tables of private training, for console.table
 */
import { epsilonsOf, RECIPES, REFERENCES } from './private-recipes.ts'
import { comparison } from './table.ts'
import type { PrivateCell, RecipeName } from './private-recipes.ts'
import type { Finished } from './run-cells.ts'

type TableRow = Record<string, string>
type Runs = ReadonlyArray<Finished<PrivateCell>>

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, value) => sum + value, 0) / numbers.length

function percentages (runs: Runs, of: 'accuracy' | 'worst'): number[] {
  return runs.map(({ result }) => 100 * result[of])
}

/** Such as `96.0 (89.4, +6.6)`, or `-` where nothing was run */
function measured (numbers: readonly number[], expected: number | undefined): string {
  return numbers.length === 0 ? '-' : comparison(mean(numbers), expected)
}

function epsilon (value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : '-'
}

/** Worst: the peer that has the least in any of the runs */
function row (runs: Runs, recipe: RecipeName, examples: number): TableRow {
  const spent = epsilonsOf(recipe, examples)
  return {
    worst: runs.length === 0 ? '-' : Math.min(...percentages(runs, 'worst')).toFixed(1),
    noise: String(RECIPES[recipe].noiseMultiplier),
    'epsilon PLD': epsilon(spent.pld),
    'epsilon RDP': epsilon(spent.rdp)
  }
}

export interface PrivateTable {
  recipes: readonly RecipeName[]
  /** Examples of each peer */
  examples: number
  /** False where the reference ran something else */
  comparable: boolean
}

/** Mean over seeds and peers of the accuracy on all test examples, in percent (reference, difference) */
export function privateTable (finished: Runs, { recipes, examples, comparable }: PrivateTable): TableRow[] {
  return recipes.map((recipe) => {
    const of = (rule: string): Runs => finished.filter(({ cell }) => cell.recipe === recipe && cell.rule === rule)
    const { alone, gossip, goal } = REFERENCES[recipe]
    return {
      training: recipe,
      alone: measured(percentages(of('alone'), 'accuracy'), comparable ? alone : undefined),
      gossip: measured(percentages(of('mean'), 'accuracy'), comparable ? gossip : undefined),
      goal: goal === undefined || !comparable ? '-' : String(goal),
      ...row(of('mean'), recipe, examples)
    }
  })
}

/** The runs with a robust rule, one row for each attack */
export function attackTable (finished: Runs, { examples }: PrivateTable): TableRow[] {
  const robust = finished.filter(({ cell }) => cell.byzantine > 0)
  return [...new Set(robust.map(({ cell }) => cell.attack))].map((attack) => {
    const runs = robust.filter(({ cell }) => cell.attack === attack)
    const { recipe, rule } = runs[0]!.cell
    return { training: recipe, rule, attack, accuracy: measured(percentages(runs, 'accuracy'), undefined), ...row(runs, recipe, examples) }
  })
}
