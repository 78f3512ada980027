/**
 * `grapevine privacy plan`: the noise that so many rounds would take. Needs no home: the document of one gives the
 * defaults
 */
import { DEFAULT_PRESET } from '../founding.ts'
import { UsageError } from '../errors.ts'
import { formatCount } from '../format.ts'
import { hasPeer, requirePeer } from '../home.ts'
import { formatCharge, readHome } from '../privacy-account.ts'
import { formatBothEpsilons, formatDelta, whyTheyDiffer } from '../privacy-text.ts'
import { scopeOf } from '../../src/privacy/budget.ts'
import { readDatasetRecord } from '../../src/ledger/dataset-record.ts'
import { epsilonsAfter } from '../../src/privacy/forecast.ts'
import { roundCharge } from '../../src/privacy/mechanism.ts'
import { DP_SGD_DEFAULTS, plannedPrivacy } from '../../src/privacy/plan.ts'
import type { VerbContext } from '../context.ts'
import type { Settings } from '../settings.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { PrivacyPlan } from '../../src/privacy/plan.ts'
import type { PrivateSettings } from '../../src/federation/privacy-settings.ts'

type Training = FederationDocument['training']

/** What the plan is for, where the flags say nothing else */
interface Defaults {
  privacy: FederationDocument['privacy']
  training: Training
  /** Undefined when nobody has counted them */
  examples: number | undefined
  /** Where it comes from, in words */
  origin: string
}

interface Plan extends PrivacyPlan {
  privacy: PrivateSettings
  training: Training
}

export async function planPrivacy (context: VerbContext): Promise<number> {
  const { terminal } = context
  const defaults = await findDefaults(context)
  const plan = planOf(context.settings, defaults)
  const { training, examples, rounds } = plan
  const planned = noiseOf(plan)
  const charge = roundCharge({ privacy: planned, training }, examples)!
  const after = epsilonsAfter({ settings: planned, charge, totals: [] }, rounds)
  const { mechanism, noiseMultiplier, delta, accountant, clipNorm } = planned
  terminal.event('privacy:plan', {
    mechanism, scope: scopeOf(mechanism), delta, accountant, rounds, examples, noiseMultiplier, clipNorm, sampleRate: charge.sampleRate, stepsPerRound: charge.steps, epsilon: after
  })
  terminal.field('Plan', `noise multiplier ${noiseMultiplier} for ${formatCount(rounds)} round${rounds === 1 ? '' : 's'} of ${mechanism}, ${formatCount(examples)} examples`)
  terminal.field('Spends', formatBothEpsilons(after, planned))
  terminal.field('', formatCharge(charge, { batchSize: training.batchSize, examples }))
  for (const note of notesOf(plan, defaults, whyTheyDiffer(after))) {
    terminal.note(note)
  }
  return 0
}

/** The document of the home, when there is one. Throws NoHomeError for a home that was named and holds no peer */
async function findDefaults ({ home, origins }: VerbContext): Promise<Defaults> {
  if (origins.home === 'flag') {
    await requirePeer(home)
  }
  const document = await hasPeer(home) ? (await readHome(home)).document : undefined
  if (document !== undefined) {
    const { privacy, training } = document
    const has = privacy.mechanism === 'none' ? 'which has no privacy mechanism' : `which has noise multiplier ${privacy.noiseMultiplier}`
    return { privacy, training, examples: (await readDatasetRecord(home))?.examples, origin: `the federation of ${home}, ${has}` }
  }
  const { presetDocument } = await import('../../src/presets.ts')
  const { privacy, training } = presetDocument(DEFAULT_PRESET)
  return { privacy, training, examples: undefined, origin: `the preset ${DEFAULT_PRESET}, as ${home} knows no federation` }
}

/** Throws UsageError for numbers that do not go together */
function planOf ({ epsilon = 1, rounds = 1, batchSize, steps, delta, examples: given }: Settings, { privacy, training: own, examples: counted }: Defaults): Plan {
  const base = privacy.mechanism === 'none' ? DP_SGD_DEFAULTS : privacy
  const examples = given ?? counted
  if (examples === undefined) {
    throw new UsageError('nobody has counted the examples yet: say how many the smallest peer has with --examples COUNT')
  }
  const { epochs, ...rest } = own
  const training: Training = { ...rest, ...(steps === undefined ? { epochs } : { steps }), batchSize: batchSize ?? own.batchSize }
  if (base.mechanism === 'dp-sgd') {
    checkSampling(training.batchSize, examples)
  } else if (batchSize !== undefined || steps !== undefined) {
    throw new UsageError('--batch-size and --steps change nothing: this federation puts its noise (update-level) on the update of a round as a whole')
  }
  return { privacy: { ...base, delta: delta ?? base.delta }, training, epsilon, rounds, examples }
}

function checkSampling (batchSize: number, examples: number): void {
  if (batchSize > examples) {
    throw new UsageError(`a batch of ${formatCount(batchSize)} of ${formatCount(examples)} examples is a sampling rate above 1: say more --examples or a smaller --batch-size`)
  }
}

/** Throws UsageError when there is no such noise */
function noiseOf ({ privacy, training, epsilon, rounds, examples }: Plan): PrivateSettings {
  try {
    return plannedPrivacy({ privacy, training }, { epsilon, rounds, examples })
  } catch (err) {
    throw err instanceof RangeError ? new UsageError(err.message, { cause: err }) : err
  }
}

function notesOf ({ privacy: { delta }, examples }: Plan, { origin }: Defaults, difference: string | undefined): string[] {
  return [
    `for data of which nothing was spent; what no flag says is that of ${origin}`,
    ...(difference === undefined ? [] : [difference]),
    ...(delta * examples < 1 ? [] : [`delta ${formatDelta(delta)} is not below one over the number of examples: it would allow to publish one of them outright`])
  ]
}
