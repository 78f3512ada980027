/**
 * `grapevine init`: makes the home of a new peer and checks that it will be able to train
 */
import { join } from 'node:path'
import { checkNodeSettings } from '../check-settings.ts'
import { commandLine } from '../command-line.ts'
import { HomeExistsError, UsageError } from '../errors.ts'
import { federationName } from '../federation-name.ts'
import { formatCount, splitText } from '../format.ts'
import { membershipChoice, voterProblem } from '../founding-membership.ts'
import { founding, namesDocument, refuseFounding } from '../founding.ts'
import { hasPeer, readFoundingDocument } from '../home.ts'
import { membershipLines } from '../membership-text.ts'
import { dataPartition, dataSource } from '../node-init.ts'
import { unmadeOnFailure } from '../new-home.ts'
import { prepareHome } from '../prepare-home.ts'
import { recordInLog } from '../record-in-log.ts'
import { readingProgress, withProgress } from '../reading-progress.ts'
import { formatPromise } from '../privacy-text.ts'
import { showPictures } from '../picture-view.ts'
import { showTable } from '../table-view.ts'
import { showTexts } from '../text-view.ts'
import { givenWeights } from '../weights-file.ts'
import { initialWeights, WEIGHTS_FILE, weightsText } from '../weights-text.ts'
import type { VerbContext } from '../context.ts'
import type { FederationName } from '../federation-name.ts'
import type { InitialWeights } from '../weights-text.ts'
import type { Founding } from '../fitted-document.ts'
import type { MembershipChoice } from '../founding-membership.ts'
import type { PreparedHome } from '../prepare-home.ts'
import type { TableSchema } from '../../src/data/table-schema.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { DatasetSource, TrainerDescription } from '../../src/interface.ts'
import type { PrivacySettings } from '../../src/federation/privacy-settings.ts'
import type { Settings } from '../settings.ts'
import type { Terminal } from '../terminal.ts'

export async function init (context: VerbContext): Promise<number> {
  const { home, settings, terminal } = context
  if (await hasPeer(home)) {
    return await existing(context)
  }
  await checkNodeSettings(home, settings)
  const planned = joins(settings) ? undefined : await plan(context)
  if (planned === undefined) {
    await checkBackend(context)
  }
  const prepared = await preparedOnce(home, async () => prepareHome(home, settings, { document: undefined, ...planned }))
  if (prepared === undefined) {
    return await existing(context)
  }
  await recordFounding(home, terminal, prepared)
  announce(terminal, home, prepared, await foundedOf(prepared.document, planned, settings))
  const problem = prepared.document === undefined ? undefined : await voterProblem(prepared.document, home)
  if (problem !== undefined) {
    terminal.warn(problem)
  }
  showNext(terminal, context, { invites: prepared.document?.membership !== undefined && problem === undefined })
  return 0
}

async function recordFounding (home: string, terminal: Terminal, { peer, document }: PreparedHome): Promise<void> {
  await recordInLog(home, terminal, 'key', { made: 'identity', peer })
  if (document !== undefined) {
    if (document.membership?.voters.some((voter) => voter.peer === peer) === true) {
      await recordInLog(home, terminal, 'key', { made: 'voting-key', epoch: 0 })
    }
    const { id } = await federationName(document)
    await recordInLog(home, terminal, 'founded', { federation: id, name: document.name })
  }
}

/** Throws UsageError for settings of a new federation where none is founded */
function joins (settings: Settings): boolean {
  if (settings.bootstrap === undefined || namesDocument(settings)) {
    return false
  }
  refuseFounding(settings)
  refuseWeights(settings)
  return true
}

interface Planned extends Pick<Founding, 'document' | 'table' | 'computed'> {
  weights: Uint8Array | undefined
  membership: MembershipChoice | undefined
  training: TrainerDescription
}

/** The federation that is to be founded, shown to its founder, and tried */
async function plan ({ settings, terminal }: VerbContext): Promise<Planned> {
  const found = await withProgress(terminal, async (onRead) => founding(settings, onRead))
  const { document, table, computed, remarks = [] } = found
  const membership = membershipChoice(found, settings)
  const weights = found.weights ?? await givenWeights(document, settings)
  await showTold(terminal, found)
  remarks.forEach((remark) => { terminal.warn(remark) })
  const training = await checkTraining(document, { settings, weights, data: await dataSource(settings), terminal })
  return { document, table, computed, weights, membership, training }
}

/** What a document that was made to fit data tells everyone, before it is founded */
async function showTold (terminal: Terminal, { document, table, rareRows, pictures, texts, computed }: Founding): Promise<void> {
  if (table !== undefined) {
    const { DEFAULT_RARE_ROWS } = await import('../../src/data/table-schema.ts')
    showTable(terminal, { name: document.name, table, rareRows: rareRows ?? DEFAULT_RARE_ROWS })
  }
  if (pictures === true) {
    showPictures(terminal, document)
  }
  if (texts === true) {
    showTexts(terminal, document, computed)
  }
}

/** Undefined when another process has made the home since it was looked for */
async function preparedOnce (home: string, prepare: () => Promise<PreparedHome>): Promise<PreparedHome | undefined> {
  try {
    return await unmadeOnFailure(home, prepare)
  } catch (err) {
    if (err instanceof HomeExistsError) {
      return undefined
    }
    throw err
  }
}

/** Of a document that nobody knows yet nothing can be checked */
function refuseWeights ({ weights }: Settings): void {
  if (weights !== undefined) {
    throw new UsageError('--weights is checked against the document of a federation, which this peer does not know yet: give it to the first grapevine start')
  }
}

type Founded = FederationName & { membership: FederationDocument['membership'], weights: InitialWeights | undefined, training: TrainerDescription, table: TableSchema | undefined, computed: readonly string[], promise: PrivacyPromise }

async function foundedOf (document: FederationDocument | undefined, planned: Planned | undefined, settings: Settings): Promise<Founded | undefined> {
  if (document === undefined || planned === undefined) {
    return undefined
  }
  const { table, computed = [], training } = planned
  return { ...await federationName(document), membership: document.membership, weights: await initialWeights(document), training, table, computed, promise: await promiseOf(document, training, settings) }
}

interface PrivacyPromise {
  settings: PrivacySettings
  /** Rounds until the limit, on these data and with nothing spent before; undefined without a mechanism */
  rounds: number | undefined
}

async function promiseOf (document: FederationDocument, { trainExamples }: TrainerDescription, { epsilonLimit: limit }: Settings): Promise<PrivacyPromise> {
  const { privacy: settings } = document
  if (settings.mechanism === 'none') {
    return { settings, rounds: undefined }
  }
  const { forecast } = await import('../../src/privacy/forecast.ts')
  const { roundCharge } = await import('../../src/privacy/mechanism.ts')
  return { settings, rounds: forecast({ settings, charge: roundCharge(document, trainExamples)!, totals: [], limit }).roundsLeft }
}

function announce (terminal: Terminal, home: string, { settings, peer, configFile }: PreparedHome, founded: Founded | undefined): void {
  const { data = 'digits' } = settings
  terminal.event('init', { home, created: true, peer, config: configFile, data, ...eventOf(founded) })
  terminal.field('Home', `${home} (only you can read it)`)
  terminal.field('Identity', peer)
  terminal.field('Settings', configFile)
  if (founded === undefined) {
    terminal.field('Data', `${data}; checked when the peer knows its federation, never sent`)
    return
  }
  const { training } = founded
  terminal.field('Data', `${data}: ${formatCount(training.trainExamples)} examples to train, ${formatCount(training.testExamples)} to test${splitText(training.split)}; never sent${founded.table === undefined && founded.computed.length === 0 ? '' : ', but for what is told above'}`)
  for (const remark of training.remarks ?? []) {
    terminal.warn(remark)
  }
  terminal.field('Federation', `"${founded.name}", ${formatCount(training.parameterCount)} parameters`)
  terminal.field('', founded.id)
  showMembership(terminal, home, { membership: founded.membership, peer })
  if (founded.weights !== undefined) {
    terminal.field('Weights', weightsText(founded.weights))
    terminal.field('', `every other member needs ${join(home, WEIGHTS_FILE)}: no peer sends it (grapevine join ADDRESS --weights FILE)`)
  }
  terminal.field('Privacy', formatPromise(founded.promise.settings))
  if (founded.promise.rounds !== undefined) {
    terminal.field('', `enough for ${formatCount(founded.promise.rounds)} rounds on these data, if nothing was spent on them before`)
  }
  terminal.field('Training', backendLine(training))
}

/** Who decides, and what the document tells of them */
function showMembership (terminal: Terminal, home: string, { membership, peer }: { membership: FederationDocument['membership'], peer: string }): void {
  membershipLines(membership).forEach((line, i) => { terminal.field(i === 0 ? 'Membership' : '', line) })
  if (membership !== undefined) {
    terminal.field('', `the document tells ${membership.voters.length === 1 ? 'the id and the public voting key of its voter' : 'the ids and the public voting keys of its voters'} to whoever reads it, and has no word on who else belongs`)
    membership.voters.some((voter) => voter.peer === peer) && terminal.field('', `a voter's private keys stay here: identity.key and voting.0.key in ${home}. Who gets both decides in your place (docs/membership.md)`)
  }
}

function eventOf (founded: Founded | undefined): object {
  if (founded === undefined) {
    return { federation: null, trainer: null, privacy: null }
  }
  const { id, name, membership = { admission: 'open' }, training: { layout: _, ...trainer }, weights, table, promise } = founded
  return { federation: { id, name }, membership, ...(weights === undefined ? {} : { weights }), ...(table === undefined ? {} : { table }), trainer, privacy: { ...promise.settings, ...(promise.rounds === undefined ? {} : { rounds: promise.rounds }) } }
}

/** Explains what is there; success only if that was asked for */
async function existing ({ home, settings, terminal }: VerbContext): Promise<number> {
  const document = await readFoundingDocument(home)
  const about = `${home} holds a peer already${document === undefined ? '' : ` (federation "${document.name}")`}`
  if (settings.ifMissing !== true) {
    throw new HomeExistsError(about)
  }
  terminal.event('init', { home, created: false, federation: document === undefined ? null : await federationName(document) })
  terminal.line(`${about}: nothing to do`)
  return 0
}

/** Loads the real data into the real model and takes the real step that decides on a backend */
async function checkTraining (document: FederationDocument, { settings, data, weights, terminal }: Pick<VerbContext, 'settings' | 'terminal'> & { data: DatasetSource, weights?: Uint8Array | undefined }): Promise<TrainerDescription> {
  const { createWorkerTrainer } = await import('../../src/model/worker-trainer.ts')
  const partition = dataPartition(settings)
  const trainer = createWorkerTrainer({
    document,
    weights,
    data,
    backend: settings.backend ?? 'auto',
    threads: settings.threads ?? 1,
    onRead: readingProgress(terminal),
    ...(partition === undefined ? {} : { partition })
  })
  terminal.progress('reading the data, trying the training backends')
  try {
    return await trainer.start()
  } finally {
    terminal.progress('')
    await trainer.stop()
  }
}

/** Who joins later has no document yet: any model shows whether the named backend is there at all */
async function checkBackend ({ settings: { backend, threads }, terminal }: VerbContext): Promise<void> {
  if (backend !== undefined && backend !== 'auto') {
    const { presetDocument } = await import('../../src/presets.ts')
    const settings = { backend, ...(threads === undefined ? {} : { threads }) }
    await checkTraining(presetDocument('digits'), { settings, data: { kind: 'digits', seed: 1, trainExamples: 64, testExamples: 16 }, terminal })
  }
}

function backendLine ({ backend, stepMs }: TrainerDescription): string {
  const others = Object.entries(stepMs).filter(([name]) => name !== backend).map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`)
  const own = stepMs[backend]
  return `${backend}${own === undefined ? '' : `, ${own.toFixed(1)} ms a step`}${others.length === 0 ? '' : ` (${others.join(', ')})`}`
}

function showNext (terminal: Terminal, { home, origins }: Pick<VerbContext, 'home' | 'origins'>, { invites }: { invites: boolean }): void {
  const where = origins.home !== undefined ? ['--home', home] : []
  const next = [['start'], ...(invites ? [['invite', '--name', 'NAME']] : []), ['status']].map((words) => commandLine(['grapevine', ...words, ...where]))
  const why = (line: string): string => line.startsWith('grapevine invite') ? `${line}   (while it runs: a token for each peer to come)` : line
  terminal.line('')
  next.forEach((line, i) => { terminal.line(`${i === 0 ? 'Next: ' : '      '}${why(line)}`) })
}
