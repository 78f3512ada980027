/**
 * A thread that runs audits one after the other: an entry point, started by audit.ts
 */
import { parentPort } from 'node:worker_threads'
import { claimedEpsilon } from '../../src/audit/audit-report.ts'
import { AUDIT_DEFAULTS, runAudit } from '../../src/audit/run-audit.ts'
import { createSecureNoise } from '../../src/privacy/noise/secure-noise.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { NoiseSource } from '../../src/privacy/noise/noise-source.ts'

const TEST_EXAMPLES = 2000
const FALSE_POSITIVES = 0.01

export interface AuditJob {
  /** Of the table */
  row: number
  document: FederationDocument
  /** Its noise is left out, though the ledger promises its epsilon */
  isSilent: boolean
  /** Of other canaries, coins and noise than other runs */
  run: number
}

export interface AuditedJob {
  job: AuditJob
  promised: number
  bound: number
  isViolation: boolean
  canariesAuc: number
  /** At a false positive rate of 1 % */
  canariesRate: number
  /** The highest that privacy allows there */
  cappedRate: number
  modelAuc: number
  seconds: number
}

const honest = createSecureNoise()
const silent: NoiseSource = { sample: honest.sample, addGaussian: () => {} }

async function audited (job: AuditJob): Promise<AuditedJob> {
  const start = performance.now()
  const { canaries: { lowerBound, attack }, inference: { likelihoodRatio }, caps, claim, verdict } = await runAudit({
    document: job.document,
    data: { kind: 'digits', seed: 1, trainExamples: AUDIT_DEFAULTS.examples, testExamples: TEST_EXAMPLES },
    backend: 'wasm',
    seed: `bench ${job.run}`,
    noise: job.isSilent ? silent : honest
  })
  const rateOf = (points: typeof caps.operatingPoints): number => points.find(({ limit }) => limit === FALSE_POSITIVES)!.truePositiveRate
  return {
    job,
    promised: claimedEpsilon(claim),
    bound: lowerBound,
    isViolation: verdict === 'violation',
    canariesAuc: attack.auc,
    canariesRate: rateOf(attack.operatingPoints),
    cappedRate: rateOf(caps.operatingPoints),
    modelAuc: likelihoodRatio.auc,
    seconds: (performance.now() - start) / 1000
  }
}

parentPort!.on('message', (job: AuditJob) => {
  void audited(job).then((result) => { parentPort!.postMessage(result) })
})
