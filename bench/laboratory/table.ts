/**
 * Tables of the laboratory, for console.table: what was measured, and in brackets what was expected and the difference
 */
import { gridReference } from './reference.ts'
import { publishedAccuracy, ringAccuracy, RING_NETWORKS } from './ring.ts'
import type { RingCell, RingRow } from './ring.ts'
import type { Finished } from './run-cells.ts'

type TableRow = Record<string, string>

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, value) => sum + value, 0) / numbers.length

/** Such as `90.1 (91.5, -1.4)`, in percent */
export function comparison (measured: number, expected: number | undefined): string {
  return expected === undefined
    ? measured.toFixed(1)
    : `${measured.toFixed(1)} (${expected.toFixed(1)}, ${measured >= expected ? '+' : ''}${(measured - expected).toFixed(1)})`
}

export interface GridTable {
  rules: readonly string[]
  attacks: readonly string[]
  /** False where the reference ran something else */
  comparable: boolean
}

/** Mean over the seeds of the honest peers' own models */
export function gridTable (finished: readonly Finished[], { rules, attacks, comparable }: GridTable): TableRow[] {
  return rules.map((rule) => {
    const measured = attacks.map((attack) => finished.filter(({ cell }) => cell.rule === rule && cell.attack === attack).map(({ result }) => 100 * result.accuracy))
    const columns = attacks.map((attack, i): [string, string] =>
      [attack, measured[i]!.length === 0 ? '-' : comparison(mean(measured[i]!), comparable ? gridReference(rule, attack) : undefined)])
    const worst = Math.min(...measured.filter(({ length }) => length > 0).map(mean))
    return { rule, ...Object.fromEntries(columns), worst: worst.toFixed(1) }
  })
}

export interface RingTable {
  rows: readonly RingRow[]
  attacks: readonly string[]
  comparable: boolean
}

/** Mean over the seeds of the accuracy of the honest peers' mean model */
export function ringTable (finished: ReadonlyArray<Finished<RingCell>>, { rows, attacks, comparable }: RingTable): TableRow[] {
  return rows.map((row) => {
    const columns = RING_NETWORKS.flatMap((network) => attacks.map((attack): [string, string] => {
      const measured = finished.filter(({ cell }) => cell.row === row.name && cell.network === network && cell.attack === attack).map(({ result }) => 100 * ringAccuracy(result))
      return [`${network} ${attack}`, comparison(mean(measured), comparable ? publishedAccuracy(row, network, attack) : undefined)]
    }))
    return { rule: row.name, ...Object.fromEntries(columns) }
  })
}
