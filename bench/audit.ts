/**
 * What an audit costs and what it can show
 *
 *     npm run bench:audit
 *
 * The built-in demo on generated digits, medians of runs with other canaries, coins and noise, on three threads.
 * `without its noise` is the row above it with the noise left out, though the ledger still promises its epsilon: what
 * an audit is for. Where the lower bound is not above the promise there, an audit could not tell.
 */
import { Worker } from 'node:worker_threads'
import { median } from '../src/aggregators/median.ts'
import { presetDocument } from '../src/presets.ts'
import { noiseForEpsilon } from '../src/privacy/accounting/noise-for-epsilon.ts'
import { AUDIT_DEFAULTS } from '../src/audit/run-audit.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { AuditedJob, AuditJob } from './laboratory/audit-worker.ts'

const RUNS = 3
const THREADS = 3

interface Training extends Pick<AuditJob, 'document' | 'isSilent'> {
  name: string
}

const demo = presetDocument('digits-private')

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

/** In the order in which they finished. Rejects when one throws */
async function runAll (jobs: readonly AuditJob[]): Promise<AuditedJob[]> {
  const finished: AuditedJob[] = []
  const pending = [...jobs]
  await Promise.all(Array.from({ length: Math.min(THREADS, jobs.length) }, async () => new Promise<void>((resolve, reject) => {
    const worker = new Worker(new URL('./laboratory/audit-worker.js', import.meta.url))
    const next = (): void => {
      const job = pending.shift()
      if (job === undefined) {
        void worker.terminate().then(() => { resolve() })
      } else {
        worker.postMessage(job)
      }
    }
    worker.on('error', reject)
    worker.on('message', (result: AuditedJob) => {
      finished.push(result)
      next()
    })
    next()
  })))
  return finished
}

function row (name: string, runs: readonly AuditedJob[]): Record<string, unknown> {
  const of = (what: (run: AuditedJob) => number): number => median(runs.map(what))
  return {
    training: name,
    'epsilon at most': of(({ promised }) => promised).toFixed(2),
    'epsilon at least': of(({ bound }) => bound).toFixed(2),
    'called a bug': `${runs.filter(({ isViolation }) => isViolation).length} of ${RUNS}`,
    'canaries AUC': of(({ canariesAuc }) => canariesAuc).toFixed(3),
    'TPR at FPR 1 %': `${(100 * of(({ canariesRate }) => canariesRate)).toFixed(1)} %`,
    'its cap': `${(100 * of(({ cappedRate }) => cappedRate)).toFixed(1)} %`,
    'LiRA AUC': of(({ modelAuc }) => modelAuc).toFixed(3),
    seconds: of(({ seconds }) => seconds).toFixed(1)
  }
}

const trainings = [1, 8].flatMap((epsilon): Training[] => {
  const document = spending(epsilon)
  return [{ name: `epsilon ${epsilon}`, document, isSilent: false }, { name: 'without its noise', document, isSilent: true }]
}).concat({ name: 'no privacy', document: { ...demo, privacy: { mechanism: 'none' } }, isSilent: false })

const jobs = trainings.flatMap(({ document, isSilent }, row) => Array.from({ length: RUNS }, (_, run): AuditJob => ({ row, document, isSilent, run })))
const finished = await runAll(jobs)
console.log(`${AUDIT_DEFAULTS.canaries} canaries, ${AUDIT_DEFAULTS.examples} examples, ${AUDIT_DEFAULTS.rounds} rounds, medians of ${RUNS} runs, ${THREADS} at a time`)
console.table(trainings.map(({ name }, at) => row(name, finished.filter(({ job }) => job.row === at))))
