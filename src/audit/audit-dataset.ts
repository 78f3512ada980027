/**
 * The audit of one dataset in memory: canaries in, training, attacks
 */
import { InvalidFederationError } from '../errors.ts'
import { isRegression } from '../federation/task.ts'
import { loadBackend } from '../model/backend.ts'
import { chooseBackend } from '../model/choose-backend.ts'
import { splitPlan } from '../model/frozen-prefix.ts'
import { initialParameters } from '../model/initial-parameters.ts'
import { LocalTraining } from '../model/local-training.ts'
import { modelLayers, planModel } from '../model/topology.ts'
import { createAccountants } from '../privacy/accounting/accountants.ts'
import { accountFor, epsilonsOf } from '../privacy/budget.ts'
import { roundCharge } from '../privacy/mechanism.ts'
import { createSecureNoise } from '../privacy/noise/secure-noise.ts'
import { seededRandom } from '../seeded-random.ts'
import { AUDIT_CONFIDENCE, auditCaps, auditError } from './audit-report.ts'
import { auditView } from './audit-view.ts'
import { auditedRounds } from './audited-rounds.ts'
import { createCanaries, tossCoins, withCanaries } from './canaries.ts'
import { inferenceGroups, inferMembership } from './membership-inference.ts'
import { membershipReport } from './membership.ts'
import { ObservedModel } from './observed-model.ts'
import { auditOneRun, oneRunLowerBound } from './one-run.ts'
import { privacyProfile } from './privacy-profile.ts'
import type { Dataset, Examples } from '../data/examples.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { BackendName, Random } from '../interface.ts'
import type { ChosenBackend } from '../model/choose-backend.ts'
import type { ModelWeights } from '../model/canonical-weights.ts'
import type { NoiseSource } from '../privacy/noise/noise-source.ts'
import type { AuditClaim, AuditReport } from './audit-report.ts'
import type { AuditView } from './audit-view.ts'
import type { AuditedRounds } from './audited-rounds.ts'
import type { AuditOptions } from './run-audit.ts'

/** Side of the squares, in pixels, that filters do not average away */
const FILTERED_GRAIN = 2

/** Share of the canaries that are guessed on either side: fixed before any score is seen */
const GUESSED_SHARE = 0.2

/**
 * What the gradients of canaries are clipped to where the mechanism does not clip them and only their directions count
 */
const UNIT_NORM = 1

/** Forward, gradient of the inputs, gradient of the weights */
const PASSES = 3

export interface DatasetAuditInit {
  document: FederationDocument
  /** Where the document has `model.weights` */
  weights?: ModelWeights | undefined
  /** `train`: the own examples that take part */
  dataset: Dataset
  backend: BackendName | 'auto'
  rounds: number
  canaryCount: number
  seed: number | string
  /** @default the secure source */
  noise?: NoiseSource | undefined
}

interface Experiment {
  canaries: Examples
  included: Uint8Array
  /** With the canaries that are in */
  dataset: Dataset
}

/** Throws DatasetError, BackendError, InvalidFederationError, TrainingError, and the signal's reason */
export async function auditDataset (init: DatasetAuditInit, { signal, onProgress }: AuditOptions = {}): Promise<AuditReport> {
  const { document, dataset, rounds, seed, weights } = init
  if (isRegression(document.model)) {
    throw new InvalidFederationError('an audit guesses from classes, and this federation predicts a number: it cannot be audited yet')
  }
  const random = (what: string): Random => seededRandom(`audit/${seed}/${what}`)
  // what the data cannot do shows before the training, not after
  const groups = inferenceGroups(dataset, random('groups'))
  const experiment = createExperiment(init, random('canaries'))
  const { canaryCount } = init
  const view = auditView(document, { exampleCount: experiment.dataset.train.count, expectedCount: dataset.train.count + canaryCount / 2, rounds, canaryCount })
  const { training, backend } = await prepareTraining({ ...init, document: view.document }, experiment.dataset)
  const model = new ObservedModel(document.model, await loadBackend(backend), weights)
  const run = await auditedRounds({
    ...view,
    document,
    train: (parameters, options) => training.train(parameters, options),
    evaluate: (parameters) => training.evaluate(parameters),
    parameters: initialParameters(document.model, weights),
    rounds,
    project: model.gradientProjections(experiment.canaries, scoredNorm(document, view)),
    labels: experiment.canaries.labels
  }, { ...(signal === undefined ? {} : { signal }), onRound: (round) => { onProgress?.({ round, rounds }) } })
  const claim = claimFor(document, experiment.dataset.train.count, run.trainedRounds)
  const canaries = canaryFinding({ ...run, ...view }, experiment.included, claim?.delta ?? 0)
  return {
    format: 1,
    mechanism: document.privacy.mechanism,
    backend,
    rounds,
    steps: run.steps,
    examples: dataset.train.count,
    accuracy: run.accuracy,
    claim,
    caps: auditCaps(claim),
    canaries,
    inference: {
      members: groups.members.count,
      ...inferMembership(groups, document.model.loss, (examples) => model.logits(examples, run.parameters))
    },
    verdict: claim === null ? 'none' : auditError({ claim, canaries }) === undefined ? 'ok' : 'violation'
  }
}

function createExperiment ({ document: { model }, dataset, canaryCount }: DatasetAuditInit, random: Random): Experiment {
  const kind = { input: model.input, classes: model.labels.length, grain: modelLayers(model).some(({ kind }) => kind === 'convolution') ? FILTERED_GRAIN : 1 }
  const canaries = createCanaries(kind, canaryCount, random)
  const included = tossCoins(canaryCount, random)
  return { canaries, included, dataset: { train: withCanaries(dataset.train, canaries, included), test: dataset.test } }
}

async function prepareTraining ({ document, backend, seed, noise, weights }: DatasetAuditInit, dataset: Dataset): Promise<Pick<ChosenBackend, 'training' | 'backend'>> {
  const source = document.privacy.mechanism === 'none' ? undefined : noise ?? createSecureNoise()
  const plan = planModel(document.model, weights)
  const { multiplications } = splitPlan(plan)?.trained ?? plan
  return chooseBackend({
    backend,
    prepare: (loaded) => new LocalTraining({ document, dataset, backend: loaded, seed, noise: source, weights }),
    parameters: initialParameters(document.model, weights),
    stepMultiplications: PASSES * multiplications * Math.min(document.training.batchSize, dataset.train.count),
    independentRows: document.privacy.mechanism === 'dp-sgd',
    now: () => performance.now()
  })
}

/** With adaptive clipping, where it starts: how it moves is not public */
function scoredNorm ({ privacy }: FederationDocument, { participation }: AuditView): number {
  const unclipped = participation.sampleRate < 1 ? Infinity : UNIT_NORM
  return privacy.mechanism === 'dp-sgd' ? privacy.clipNorm : unclipped
}

/**
 * The ledger's accounting of these rounds on as many examples, for one example more or less; null when nothing is
 * promised
 */
function claimFor (document: FederationDocument, exampleCount: number, rounds: number): AuditClaim | null {
  const { privacy } = document
  const charge = roundCharge(document, exampleCount)
  if (privacy.mechanism === 'none' || charge === undefined) {
    return null
  }
  const total = { ...charge, steps: rounds * charge.steps }
  const { delta } = privacy
  const accountants = createAccountants()
  return {
    epsilon: epsilonsOf(accountants, [total], { scope: 'example', delta }),
    delta,
    // single examples are promised something by either mechanism
    profile: privacyProfile(accountFor(accountants.pld, [total], 'example')!)
  }
}

function canaryFinding ({ scores, isOftenSampled }: Pick<AuditedRounds, 'scores'> & Pick<AuditView, 'isOftenSampled'>, included: Uint8Array, delta: number): AuditReport['canaries'] {
  const guessedIn = Math.floor(GUESSED_SHARE * scores.length)
  const guessedOut = isOftenSampled ? guessedIn : 0
  const of = (coin: number): Float64Array => scores.filter((_, canary) => included[canary] === coin)
  const bound = { delta, confidence: AUDIT_CONFIDENCE }
  const found = auditOneRun(scores, included, { guessedIn, guessedOut, ...bound })
  return {
    ...found,
    included: of(1).length,
    confidence: AUDIT_CONFIDENCE,
    highestBound: oneRunLowerBound({ ...found, correct: found.guesses }, bound),
    attack: membershipReport({ members: of(1), nonMembers: of(0) })
  }
}
