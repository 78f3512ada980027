/**
 * What an audit costs and what it can show
 *
 *     npm run bench:audit
 *
 * The built-in demo on generated digits, medians of runs with other canaries, coins and noise. `without its noise` is the row above
 * it with the noise left out, though the ledger still promises its epsilon: what an audit is for. Where the lower bound is not
 * above the promise there, an audit could not tell.
 */
import { median } from '../src/aggregators/median.ts'
import { presetDocument } from '../src/presets.ts'
import { noiseForEpsilon } from '../src/privacy/accounting/noise-for-epsilon.ts'
import { claimedEpsilon } from '../src/privacy/audit/audit-report.ts'
import { AUDIT_DEFAULTS, runAudit } from '../src/privacy/audit/run-audit.ts'
import { createSecureNoise } from '../src/privacy/noise/secure-noise.ts'
import type { FederationDocument } from '../src/federation.ts'
import type { NoiseSource } from '../src/privacy/noise/noise-source.ts'

const RUNS = 3
const TEST_EXAMPLES = 2000
const FALSE_POSITIVES = 0.01

const demo = presetDocument('digits-private')
const honest = createSecureNoise()
const silent: NoiseSource = { sample: honest.sample, addGaussian: () => {} }

/** The demo, which spends this epsilon in an audit, give or take how many canaries are in */
function spending (epsilon: number): FederationDocument {
  const { privacy, training: { batchSize, steps } } = demo
  if (privacy.mechanism === 'none') {
    throw new TypeError('the demo has no privacy')
  }
  const sampleRate = batchSize / (AUDIT_DEFAULTS.examples + AUDIT_DEFAULTS.canaries / 2)
  const noiseMultiplier = noiseForEpsilon({ epsilon, delta: privacy.delta, sampleRate, steps: AUDIT_DEFAULTS.rounds * steps!, accountant: 'pld' })
  return { ...demo, privacy: { ...privacy, noiseMultiplier } }
}

async function measure (training: string, document: FederationDocument, noise: NoiseSource): Promise<Record<string, unknown>> {
  const rows: number[][] = []
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now()
    const report = await runAudit({
      document,
      data: { kind: 'digits', seed: 1, trainExamples: AUDIT_DEFAULTS.examples, testExamples: TEST_EXAMPLES },
      backend: 'wasm',
      seed: `bench ${run}`,
      noise
    })
    const { canaries: { lowerBound, attack }, inference: { likelihoodRatio }, claim } = report
    const rate = attack.operatingPoints.find(({ limit }) => limit === FALSE_POSITIVES)!.truePositiveRate
    rows.push([claimedEpsilon(claim), lowerBound, attack.auc, 100 * rate, likelihoodRatio.auc, report.verdict === 'violation' ? 1 : 0, (performance.now() - start) / 1000])
  }
  const [promised, bound, auc, rate, modelAuc, , seconds] = rows[0]!.map((_, column) => median(rows.map((row) => row[column]!)))
  return {
    training,
    'epsilon at most': promised!.toFixed(2),
    'epsilon at least': bound!.toFixed(2),
    'called a bug': `${rows.reduce((sum, row) => sum + row[5]!, 0)} of ${RUNS}`,
    'canaries AUC': auc!.toFixed(3),
    'TPR at FPR 1 %': `${rate!.toFixed(1)} %`,
    'LiRA AUC': modelAuc!.toFixed(3),
    seconds: seconds!.toFixed(1)
  }
}

const rows: Array<Record<string, unknown>> = []
for (const epsilon of [1, 8]) {
  rows.push(await measure(`epsilon ${epsilon}`, spending(epsilon), honest))
  rows.push(await measure('without its noise', spending(epsilon), silent))
}
rows.push(await measure('no privacy', { ...demo, privacy: { mechanism: 'none' } }, honest))
console.log(`${AUDIT_DEFAULTS.canaries} canaries, ${AUDIT_DEFAULTS.examples} examples, ${AUDIT_DEFAULTS.rounds} rounds, medians of ${RUNS} runs`)
console.table(rows)
