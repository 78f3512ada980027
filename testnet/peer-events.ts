/**
 * The lines that the peer program prints with --json, as far as a testnet needs them
 */
import * as z from 'zod'
import { quoted } from '../src/quoted.ts'
import type { PhaseTimes, RoundPhase } from '../src/round/round-events.ts'

const count = z.int().min(0)
const duration = z.number().min(0)
/** Milliseconds since 1970, or ISO 8601 */
const time = z.union([z.number(), z.iso.datetime().transform((text) => Date.parse(text))])
const counts = z.record(z.string(), count)
const phases = ['train', 'encode', 'publish', 'wait', 'aggregate', 'evaluate', 'persist'] as const satisfies readonly RoundPhase[]

const phaseTimes = z.object({
  trainMs: duration, encodeMs: duration, publishMs: duration, waitMs: duration, aggregateMs: duration, evaluateMs: duration, persistMs: duration
}) satisfies z.ZodType<PhaseTimes>

/** JSON has no Infinity: null where a mechanism promises nothing */
const epsilon = z.number().min(0).nullable()

const privacyStatus = z.object({
  mechanism: z.enum(['dp-sgd', 'update-level']),
  scope: z.enum(['example', 'dataset']),
  epsilon: z.object({ rdp: epsilon, pld: epsilon }),
  delta: z.number().gt(0).lt(1),
  accountant: z.enum(['pld', 'rdp']),
  limit: z.number().gt(0),
  exhausted: z.boolean()
})

/** Those of a round; the baseline's class is a name of the document */
const figures = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('classes'),
    balancedAccuracy: z.number(),
    auc: z.number().optional(),
    averagePrecision: z.number().optional(),
    baseline: z.object({ label: z.string(), accuracy: z.number(), balancedAccuracy: z.number(), averagePrecision: z.number().optional() })
  }),
  z.object({
    kind: z.literal('regression'),
    unit: z.string().optional(),
    meanSquaredError: z.number(),
    meanAbsoluteError: z.number(),
    r2: z.number().optional(),
    baseline: z.object({ mean: z.number(), median: z.number(), meanSquaredError: z.number(), meanAbsoluteError: z.number(), r2: z.number().optional() })
  })
])

const known = z.discriminatedUnion('type', [
  z.object({ type: z.literal('listening'), time, peer: z.string(), addresses: z.array(z.string()) }),
  z.object({ type: z.literal('joined'), time, federation: z.string(), how: z.enum(['founded', 'joined', 'resumed']), round: count, backend: z.enum(['tensorflow', 'wasm', 'cpu']) }),
  z.object({ type: z.literal('neighbours:change'), time, neighbours: z.array(z.object({ peer: z.string(), live: z.boolean() })) }),
  z.object({ type: z.literal('round:waiting'), time, round: count, needed: count }),
  z.object({ type: z.literal('mesh:ready'), time, members: count, neighbours: count }),
  z.object({ type: z.literal('round:start'), time, round: count }),
  z.object({ type: z.literal('round:phase'), time, round: count, phase: z.enum(phases) }),
  z.object({
    type: z.literal('round:end'),
    time,
    round: count,
    accepted: count,
    rejected: counts,
    rejectedPeers: z.record(z.string(), counts),
    late: count,
    keptOwn: z.boolean(),
    /** JSON has no NaN: null when training diverged */
    trainLoss: z.number().nullable(),
    loss: z.number().nullable(),
    accuracy: z.number().min(0).max(1).nullable(),
    /** A peer of an earlier version has none */
    figures: figures.optional(),
    neighbourDistance: duration.nullable(),
    suspects: z.record(z.string(), z.number()),
    quarantined: z.record(z.string(), z.number()),
    banned: z.array(z.string()),
    bytesSent: count,
    bytesReceived: count,
    durationMs: duration,
    phases: phaseTimes,
    examples: count,
    privacy: privacyStatus.nullable()
  }),
  z.object({ type: z.literal('privacy:exhausted'), time, round: count, status: privacyStatus }),
  z.object({ type: z.literal('stopped'), time, reason: z.enum(['rounds', 'budget', 'request', 'error']), round: count })
])

export type PeerEvent = z.output<typeof known>
export type RoundFigures = z.output<typeof figures>
export type PeerPrivacy = z.output<typeof privacyStatus>
export type RoundEnd = Extract<PeerEvent, { type: 'round:end' }>

const READ = new Set(known.options.map((option) => option.shape.type.value as string))

/**
 * One line: `event` for those a testnet reads, `line` in any case; undefined when it is not a JSON object with a type
 */
export function parsePeerLine (text: string): { line: Record<string, unknown> & { type: string }, event: PeerEvent | undefined, problem?: string } | undefined {
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch {
    return undefined
  }
  if (line === null || typeof line !== 'object' || !('type' in line) || typeof line.type !== 'string') {
    return undefined
  }
  const typed = line as Record<string, unknown> & { type: string }
  if (!READ.has(typed.type)) {
    return { line: typed, event: undefined }
  }
  const parsed = known.safeParse(typed)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return { line: typed, event: undefined, problem: `${typed.type}: ${quoted(issue!.path.join('.'))}: ${issue!.message}` }
  }
  return { line: typed, event: parsed.data }
}
