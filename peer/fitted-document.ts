/**
 * A document that is made to fit the data of its founder, as the flags decide
 */
import { basename, extname } from 'node:path'
import { UsageError } from './errors.ts'
import { readModelFile } from './model-file.ts'
import { DOCUMENT_SETTINGS } from './document-settings.ts'
import { ARE, refuseGiven } from './given-flags.ts'
import { namingWeights, readWeightsFile } from './weights-file.ts'
import { foundersChoices, TABLE_CHOICES } from './table-choices.ts'
import { quoted } from '../src/quoted.ts'
import type { SettingName, Settings } from './settings.ts'
import type { FoundingChoices, InferredInput, ReadOptions, TextChoices } from '../src/data/data-format.ts'
import type { TableSchema } from '../src/data/table-schema.ts'
import type { FederationDocument, FederationInit } from '../src/federation/document.ts'
import type { DatasetSource } from '../src/interface.ts'

/** Neighbours of each peer unless there are too few */
const DEFAULT_DEGREE = 6
const DEFAULT_RULE = { rule: 'gated-geometric-median', f: 1 }
/** Two peers can have no other: with one neighbour nobody can tell who is wrong */
const RULE_FOR_FEW = { rule: 'mean', f: 0 }

/** Flags that only a document made to fit the data asks for */
export const DOCUMENT_CHOICES = Object.keys(DOCUMENT_SETTINGS) as Array<keyof typeof DOCUMENT_SETTINGS>

const OF_NUMBERS = ['targetRange', 'targetUnit', 'loss'] as const satisfies readonly SettingName[]

export interface Founding {
  document: FederationDocument
  /** Of the table that the document was made from */
  table?: TableSchema | undefined
  /** Values of fewer rows are not named: what the flags or the schema file say. @default DEFAULT_RARE_ROWS */
  rareRows?: number | undefined
  /** The document was made from pictures */
  pictures?: true | undefined
  /** The document was made from texts */
  texts?: true | undefined
  /** What of it was computed from texts or their rows, in words */
  computed?: readonly string[] | undefined
  /** The canonical file of the weights that it starts from */
  weights?: Uint8Array | undefined
  /** It was made to fit the founder's data */
  fitted?: boolean
  /** It stood in a file: whose word it is nobody knows */
  written?: boolean
  /** What its founder must know of it, a line each */
  remarks?: readonly string[]
}

export type FittedSource = Exclude<DatasetSource, { kind: 'digits' }>

/** The columns and the task, as the flags say them. Throws UsageError for flags that do not go together */
export async function fittingChoices (settings: Settings): Promise<FoundingChoices> {
  const { task, targetRange, targetUnit, size, fit } = settings
  const [height, width] = size?.split('x').map(Number) ?? []
  return {
    ...await foundersChoices(settings),
    ...(height === undefined || width === undefined ? {} : { size: { height, width } }),
    text: textChoices(settings),
    ...(fit === 'crop' ? { fit } : {}),
    task,
    target: { unit: targetUnit, ...(targetRange === undefined ? {} : { range: parsedRange(targetRange) }) }
  }
}

function textChoices ({ textColumn, length, vocabulary }: Settings): TextChoices {
  const words = vocabulary !== undefined && /^\d+$/.test(vocabulary) ? Number(vocabulary) : undefined
  if (words === 0) {
    throw new UsageError('--vocabulary 0: a vocabulary has a word at least; without one texts are bytes')
  }
  return { column: textColumn, length, words, ...(words === undefined ? { vocabularyFile: vocabulary } : {}) }
}

function parsedRange (text: string): { min: number, max: number } {
  const [min, max] = text.split(/(?<=\d)\.\.(?=[-\d])/).map(Number) as [number, number]
  if (!(min < max)) {
    throw new UsageError(`--target-range ${text}: the first number must be below the second`)
  }
  return { min, max }
}

/**
 * A small multi-layer perceptron, or the named model, over whatever the data hold
 *
 * Throws UsageError for flags that do not go together or do not fit the data, DatasetError, InvalidFederationError for
 * the model's file
 */
export async function fittedDocument (source: FittedSource, settings: Settings, options: ReadOptions = {}): Promise<Founding> {
  const { inferInput } = await import('../src/data/data-formats.ts')
  const { encodeFederation, parseFederation } = await import('../src/federation/document.ts')
  const { newModelField } = await import('../src/federation/model-schema.ts')
  const choices = await fittingChoices(settings)
  const inferred = await inferInput(source, choices, options)
  refuseOtherTask(inferred, settings)
  const { aggregation, degree, remarks } = await meshFor(settings)
  const { model, weights } = await modelFor(inferred, settings)
  const document: FederationInit = {
    format: newModelField(model) === undefined ? 1 : 2,
    name: federationName(source),
    model,
    training: { epochs: settings.epochs ?? 1, batchSize: 32, optimizer: { name: 'adam', learningRate: settings.learningRate ?? 0.001 } },
    aggregation,
    codec: { name: 'int8' },
    topology: { degree },
    round: { deadlineMs: 15_000, staleness: 1 },
    privacy: { mechanism: 'none' }
  }
  const parsed = usage(() => parseFederation(document))
  usage(() => { encodeFederation(parsed) }, settings.vocabulary === undefined ? '' : '; a vocabulary of fewer words makes it smaller (--vocabulary)')
  const { inspectTopology } = await import('../src/model/topology.ts')
  usage(() => inspectTopology(parsed.model))
  return { document: parsed, table: inferred.schema, rareRows: choices.rareRows, weights, fitted: true, ...shownOf(inferred), remarks }
}

/** What its founder must see */
function shownOf ({ input, computed }: InferredInput): Pick<Founding, 'pictures' | 'texts' | 'computed'> {
  return input.kind === 'text' ? { texts: true, computed } : input.kind === 'image' && input.resize !== undefined ? { pictures: true } : {}
}

/** What flags led to is told as theirs */
function usage<T> (work: () => T, hint = ''): T {
  try {
    return work()
  } catch (err) {
    throw (err as Error).name === 'InvalidFederationError' ? new UsageError((err as Error).message + hint, { cause: err }) : err
  }
}

/** Throws UsageError for flags that are for another task than these data have */
export function refuseOtherTask ({ input, target }: InferredInput, settings: Settings): void {
  if (input.kind !== 'table') {
    const these = `these data are ${input.kind === 'image' ? 'pictures' : 'texts'} with classes`
    if (settings.task === 'regression') {
      throw new UsageError(`--task regression predicts a number that a table holds, and ${these}`)
    }
    refuseGiven(settings, input.kind === 'image' ? ['label', ...TABLE_CHOICES] : [], ARE, `for columns of a table, and ${these}`)
  }
  if (target === undefined) {
    refuseGiven(settings, OF_NUMBERS, ARE, 'for a number to predict, and the label has classes here (--task regression predicts a number)')
  } else {
    refuseGiven(settings, ['classWeight'], ARE, 'for classes, and a number is predicted here')
  }
}

interface MadeModel {
  model: FederationDocument['model']
  weights: Uint8Array | undefined
}

async function modelFor ({ input, labels, target }: InferredInput, settings: Settings): Promise<MadeModel> {
  const weights = classWeights(settings, labels)
  const model = {
    seed: 1,
    input,
    labels,
    ...(target === undefined ? {} : { target }),
    ...(weights === undefined ? {} : { classWeights: weights })
  }
  const { weights: path, freeze } = settings
  if (freeze !== undefined && path === undefined) {
    throw new UsageError('--freeze keeps layers at the weights that --weights brings: give both')
  }
  const file = path === undefined ? undefined : await readWeightsFile(path)
  const { topology, loss } = await namingWeights(path, async () => layersFor(model, settings, file))
  const made = { ...model, topology, loss: settings.loss ?? loss }
  return file === undefined ? { model: made, weights: undefined } : namingWeights(path, async () => startingFrom(file, made, freeze))
}

/** The model with its weights described, and with the named layers frozen */
async function startingFrom (file: Uint8Array, model: FederationDocument['model'], freeze: string | undefined): Promise<MadeModel> {
  const { importWeights } = await import('../src/model/initial-weights.ts')
  const { modelLayers } = await import('../src/model/topology.ts')
  const { weightShapes } = await import('../src/model/layer.ts')
  const { withFrozen } = await import('./frozen-layers.ts')
  const { description, bytes } = importWeights(model, file)
  const weighted = modelLayers(model).filter((layer) => weightShapes(layer).length > 0)
  const topology = freeze === undefined ? model.topology : withFrozen(model.topology, weighted, freeze)
  return { model: { ...model, topology, weights: description }, weights: bytes }
}

async function layersFor (model: Omit<FederationDocument['model'], 'topology' | 'loss'>, settings: Settings, weights: Uint8Array | undefined): Promise<Pick<FederationInit['model'], 'topology' | 'loss'>> {
  const { model: file, hidden } = settings
  if (file !== undefined) {
    if (hidden !== undefined) {
      throw new UsageError('--hidden and --model both say what the layers are: give one of them')
    }
    return readModelFile(file, model, weights)
  }
  if (hidden !== undefined && model.input.kind === 'text') {
    throw new UsageError('--hidden says the layers of a perceptron, and texts begin with an embedding: give other layers with --model')
  }
  const { fittedTopology } = await import('./fitted-model.ts')
  const [outputs, activation, loss] = model.target === undefined ? [model.labels.length, 'softmax', 'categoricalCrossentropy'] as const : [1, 'linear', 'meanSquaredError'] as const
  const widths = hidden === undefined ? undefined : hidden === 'none' ? [] : hidden.split(',').map(Number)
  return { topology: await fittedTopology(model.input, { outputs, activation, hidden: widths }), loss }
}

/** In the order of the labels; undefined when no class has one */
function classWeights ({ classWeight }: Settings, labels: readonly string[]): number[] | undefined {
  if (classWeight === undefined) {
    return undefined
  }
  const weights = new Map(classWeight.map((text): [string, number] => [text.slice(0, text.lastIndexOf('=')), Number(text.slice(text.lastIndexOf('=') + 1))]))
  const unknown = [...weights.keys()].find((name) => !labels.includes(name))
  if (unknown !== undefined || weights.size < classWeight.length) {
    throw new UsageError(unknown === undefined ? 'a class has two weights: give one (--class-weight)' : `--class-weight: there is no class ${quoted(unknown)}; classes are ${labels.slice(0, 8).map(quoted).join(', ')}${labels.length > 8 ? ', …' : ''}`)
  }
  return labels.map((label) => weights.get(label) ?? 1)
}

/** Rule and degree: what the flags say, and for the rest what so many peers can have */
async function meshFor (settings: Settings): Promise<{ aggregation: FederationInit['aggregation'], degree: number, remarks: string[] }> {
  const { unmetPrecondition } = await import('../src/aggregators/rules.ts')
  const degree = degreeFor(settings)
  const aggregation = aggregationFor(settings, unmetPrecondition(DEFAULT_RULE, degree) === undefined)
  return { aggregation, degree, remarks: aggregation.f === 0 ? [defenceless(aggregation.rule, degree, settings)] : [] }
}

function degreeFor ({ peers = Infinity, degree = Math.min(DEFAULT_DEGREE, peers - 1) }: Settings): number {
  if (degree >= peers) {
    throw new UsageError(`--degree ${degree}: each of ${peers} peers can have ${peers - 1} neighbours at most`)
  }
  return degree
}

function aggregationFor ({ rule, f }: Settings, isEnough: boolean): { rule: string, f: number } {
  const name = rule ?? (isEnough ? DEFAULT_RULE.rule : RULE_FOR_FEW.rule)
  return { rule: name, f: f ?? (name === RULE_FOR_FEW.rule ? RULE_FOR_FEW.f : DEFAULT_RULE.f) }
}

function defenceless (rule: string, degree: number, settings: Settings): string {
  const why = settings.rule === undefined && settings.f === undefined ? ', because so few peers can have no other' : ''
  const [neighbours, who] = degree === 1 ? ['1 neighbour', 'the one neighbour'] : [`${degree} neighbours`, 'any neighbour']
  return `rule ${rule}, f = 0, ${neighbours} each${why}: it withstands nobody who lies and no broken peer: what ${who} sends is mixed as it is. For peers that trust each other`
}

/** The name of the file or folder, in the letters that a name may have */
function federationName (source: FittedSource): string {
  const path = source.kind === 'idx' ? source.directory : 'path' in source ? source.path : source.file
  const plain = path.replace(/\.gz$/i, '')
  const name = basename(plain, extname(plain)).replace(/[^\p{L}\p{N} ._-]+/gu, '-').replace(/^[^\p{L}\p{N}]+/u, '').slice(0, 64)
  return name === '' ? 'federation' : name
}
