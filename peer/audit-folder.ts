/**
 * The folder of `audit --report`: made before the training, filled after it
 */
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../src/make-folder.ts'
import { rocCorners } from '../src/audit/membership.ts'
import { auditChart } from './audit-chart.ts'
import { writeWhole } from './home.ts'
import type { AuditReport } from '../src/audit/audit-report.ts'
import type { MembershipReport } from '../src/audit/membership.ts'

/** For its owner only: what an audit finds is as private as the data. Throws the file system's errors */
export async function makeAuditFolder (folder: string): Promise<void> {
  await makeFolder(folder, { mode: 0o700 })
  await access(folder, constants.W_OK)
}

/** audit.json and audit.svg, each as a whole or not at all. Returns the picture's path */
export async function writeAudit (folder: string, report: AuditReport): Promise<string> {
  const chart = join(folder, 'audit.svg')
  await writeWhole(join(folder, 'audit.json'), `${JSON.stringify(auditRecord(report, { withPoints: true }))}\n`)
  await writeWhole(chart, auditChart(report))
  return chart
}

/** The report as JSON takes it: without thresholds, which may be infinite, and with the curves only where asked for */
export function auditRecord (report: AuditReport, { withPoints }: { withPoints: boolean }): object {
  const { claim, canaries, inference, ...rest } = report
  const attack = (found: MembershipReport): object => attackRecord(found, withPoints)
  return {
    ...rest,
    claim: claim === null || withPoints ? claim : { epsilon: claim.epsilon, delta: claim.delta },
    canaries: { ...canaries, attack: attack(canaries.attack) },
    inference: { members: inference.members, loss: attack(inference.loss), likelihoodRatio: attack(inference.likelihoodRatio) }
  }
}

function attackRecord ({ points, operatingPoints, ...rest }: MembershipReport, withPoints: boolean): object {
  return {
    ...rest,
    operatingPoints: operatingPoints.map(({ threshold: _, ...point }) => point),
    // pairs of false and true positive rate, where the curve turns
    ...(withPoints ? { points: rocCorners(points).map(({ falsePositiveRate, truePositiveRate }) => [falsePositiveRate, truePositiveRate]) } : {})
  }
}
