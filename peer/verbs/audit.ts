/**
 * `grapevine audit`: attacks what this peer's training gives away, on this machine. Nothing is sent, no budget is spent
 */
import { randomInt } from 'node:crypto'
import { attackLines, boundLines, verdictText } from '../audit-table.ts'
import { auditRecord, makeAuditFolder, writeAudit } from '../audit-folder.ts'
import { dataSettings } from '../data-settings.ts'
import { ConfigurationError } from '../errors.ts'
import { formatCount, formatDuration, formatShare } from '../format.ts'
import { namesDocument, proposal, refuseFounding } from '../founding.ts'
import { hasPeer } from '../home.ts'
import { openHome } from '../home-reader.ts'
import { dataPartition, dataSource } from '../node-init.ts'
import { givenWeights } from '../weights-file.ts'
import type { VerbContext } from '../context.ts'
import type { Settings } from '../settings.ts'
import type { Terminal } from '../terminal.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { AuditReport } from '../../src/audit/audit-report.ts'

const MAX_SEED = 0x7fffffff

interface Subject {
  document: FederationDocument
  /** Where the document has `model.weights` */
  weights: Uint8Array | undefined
  settings: Settings
}

export async function audit (context: VerbContext): Promise<number> {
  const { terminal, settings: { report: folder } } = context
  const subject = await findSubject(context)
  if (folder !== undefined) {
    await makeAuditFolder(folder)
  }
  const began = performance.now()
  const report = await attackTraining(subject, context)
  const durationMs = performance.now() - began
  terminal.event('audit', { federation: subject.document.name, durationMs, ...auditRecord(report, { withPoints: false }) })
  announce(terminal, subject, report, durationMs)
  if (folder !== undefined) {
    terminal.note(`wrote ${await writeAudit(folder, report)} and audit.json beside it`)
  }
  const { auditError } = await import('../../src/audit/audit-report.ts')
  const error = auditError(report)
  if (error !== undefined) {
    throw error
  }
  return 0
}

/**
 * The document that is named, or that of the home, or without one what `init` would found. Throws NoHomeError for a
 * home that was named, and no data with it
 */
async function findSubject (context: VerbContext): Promise<Subject> {
  const { home, settings, origins, terminal } = context
  if (namesDocument(settings)) {
    return { ...await founded(settings), settings }
  }
  if (!await hasPeer(home) && (settings.data !== undefined || origins.home !== 'flag')) {
    const { document, weights } = await founded(settings)
    terminal.note(`no peer in ${home}: auditing "${document.name}", which grapevine init would found`)
    return { document, weights, settings }
  }
  refuseFounding(settings)
  const reader = await openHome(home)
  try {
    const document = await reader.federation()
    if (document === undefined) {
      throw new ConfigurationError(`the peer of ${home} does not know its federation yet: start it once, or name a document with --preset or --federation`)
    }
    return { document, weights: await keptWeights(home, document, settings), settings: dataSettings(context, reader) }
  } finally {
    await reader.close()
  }
}

async function founded (settings: Settings): Promise<Pick<Subject, 'document' | 'weights'>> {
  const { document, weights } = await proposal(settings)
  return { document, weights: weights ?? await givenWeights(document, settings) }
}

async function keptWeights (home: string, document: FederationDocument, settings: Settings): Promise<Uint8Array | undefined> {
  const { homeWeights } = await import('../../src/node/home-weights.ts')
  return settings.weights === undefined ? homeWeights(home, document.model) : givenWeights(document, settings)
}

async function attackTraining ({ document, weights, settings }: Subject, { origins, terminal }: VerbContext): Promise<AuditReport> {
  const { runAudit } = await import('../../src/audit/run-audit.ts')
  const { setNativeEnvironment } = await import('../../src/model/native-environment.ts')
  const { backend, canaries, sample, rounds, threads } = settings
  const partition = dataPartition(settings)
  const source = await dataSource(settings)
  setNativeEnvironment(threads)
  terminal.note(`auditing ${mechanismOf(document)}, offline: nothing of it leaves this machine, nothing is published, no budget is spent`)
  terminal.progress('reading the data, trying the training backends')
  try {
    return await runAudit({
      document,
      ...(weights === undefined ? {} : { weights }),
      data: source,
      seed: randomInt(MAX_SEED),
      ...(partition === undefined ? {} : { partition }),
      ...(backend === undefined ? {} : { backend }),
      ...(canaries === undefined ? {} : { canaries }),
      ...(sample === undefined ? {} : { examples: sample }),
      // a file or a variable says when a peer stops
      ...(rounds === undefined || origins.rounds !== 'flag' ? {} : { rounds })
    }, { onProgress: ({ round, rounds: all }) => { terminal.progress(`trained round ${round} of ${all}`) } })
  } finally {
    terminal.progress('')
  }
}

function announce (terminal: Terminal, { document, settings }: Subject, report: AuditReport, durationMs: number): void {
  const { rounds, steps, backend, examples, canaries, accuracy, inference, claim } = report
  terminal.field('Audited', `"${document.name}" on ${settings.data ?? 'digits'}: ${mechanismOf(document)}`)
  terminal.field('Run', `${rounds} rounds, ${formatCount(steps)} steps (${backend}), on ${formatCount(examples)} own examples and ${canaries.included} canaries in ${formatDuration(durationMs)}; accuracy ${formatShare(accuracy)}`)
  for (const [title, text] of boundLines(report)) {
    terminal.field(title, text)
  }
  terminal.field('Membership', `${formatCount(inference.members)} of the training examples against as many test examples, class by class`)
  for (const line of attackLines(report)) {
    terminal.field('', line)
  }
  terminal.field('', 'AUC: how often a member looks more like one than another example does. TPR: members that are found')
  terminal.field('', `while so few others are taken for members.${claim === null ? '' : ' No attack gets above the cap, but for the scatter of the sample:'}`)
  if (claim !== null) {
    terminal.field('', 'it comes from the delta at every epsilon, the privacy profile, of which the promise is one pair')
  }
  terminal.field('Verdict', terminal.style(report.verdict === 'violation' ? 'red' : claim === null ? 'yellow' : 'green', verdictText(report)))
}

function mechanismOf ({ privacy }: FederationDocument): string {
  return privacy.mechanism === 'none' ? 'no privacy' : `${privacy.mechanism}, noise multiplier ${privacy.noiseMultiplier}, clip norm ${privacy.clipNorm}`
}
