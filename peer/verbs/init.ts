/**
 * `grapevine init`: makes the home of a new peer and checks that it will be able to train
 */
import { join } from 'node:path'
import { checkNodeSettings } from '../check-settings.ts'
import { HomeExistsError, UsageError } from '../errors.ts'
import { federationName } from '../federation-name.ts'
import { formatCount, splitText } from '../format.ts'
import { founding, namesDocument, refuseFounding } from '../founding.ts'
import { hasPeer, readFoundingDocument } from '../home.ts'
import { dataPartition, dataSource } from '../node-init.ts'
import { unmadeOnFailure } from '../new-home.ts'
import { prepareHome } from '../prepare-home.ts'
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
  const joins = settings.bootstrap !== undefined && !namesDocument(settings)
  if (joins) {
    refuseFounding(settings)
    refuseWeights(settings)
  }
  const { document, table, rareRows, pictures, texts, computed, weights: started, remarks = [] } = joins ? {} : await withProgress(terminal, async (onRead) => founding(settings, onRead))
  const weights = started ?? (document === undefined ? undefined : await givenWeights(document, settings))
  if (document !== undefined) {
    await showTold(terminal, { document, table, rareRows, pictures, texts, computed })
  }
  remarks.forEach((remark) => { terminal.warn(remark) })
  const training = document === undefined ? undefined : await checkTraining(document, { settings, weights, data: await dataSource(settings), terminal })
  if (document === undefined) {
    await checkBackend(context)
  }
  const prepared = await preparedOnce(home, async () => prepareHome(home, settings, { document, weights }))
  if (prepared === undefined) {
    return await existing(context)
  }
  announce(terminal, home, prepared, await foundedOf(document, training, { table, computed }, settings))
  showNext(terminal, home, context.origins.home !== undefined)
  return 0
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

type Founded = FederationName & { weights: InitialWeights | undefined, training: TrainerDescription, table: TableSchema | undefined, computed: readonly string[], promise: PrivacyPromise }

async function foundedOf (document: FederationDocument | undefined, training: TrainerDescription | undefined, { table, computed = [] }: Pick<Founding, 'table' | 'computed'>, settings: Settings): Promise<Founded | undefined> {
  return document === undefined || training === undefined ? undefined : { ...await federationName(document), weights: await initialWeights(document), training, table, computed, promise: await promiseOf(document, training, settings) }
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

function eventOf (founded: Founded | undefined): object {
  if (founded === undefined) {
    return { federation: null, trainer: null, privacy: null }
  }
  const { id, name, training: { layout: _, ...trainer }, weights, table, promise } = founded
  return { federation: { id, name }, ...(weights === undefined ? {} : { weights }), ...(table === undefined ? {} : { table }), trainer, privacy: { ...promise.settings, ...(promise.rounds === undefined ? {} : { rounds: promise.rounds }) } }
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

function showNext (terminal: Terminal, home: string, named: boolean): void {
  const where = named ? ` --home ${home}` : ''
  terminal.line('')
  terminal.line(`Next: grapevine start${where}`)
  terminal.line(`      grapevine status${where}`)
}
