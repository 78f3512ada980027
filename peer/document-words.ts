/**
 * A federation document in people's words, section by section
 */
import { quoted } from '../src/quoted.ts'
import { formatBytes, formatCount } from './format.ts'
import { membershipLines } from './membership-text.ts'
import { formatPromise } from './privacy-text.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { DocumentNames } from '../src/federation/federation-id.ts'
import type { Layer } from '../src/model/layer.ts'

/** Names of classes in a sentence */
const MAX_NAMES = 8

const BYTES_OF_A_NUMBER = { float32: 4, float16: 2, int8: 1 } as const satisfies Record<FederationDocument['codec']['name'], number>

/** What follows from a document, beside its fields */
export interface DocumentFacts {
  names: DocumentNames
  /** Of its canonical encoding */
  bytes: number
  layers: ReadonlyArray<{ layer: Layer, parameters: number, frozen: number }>
  /** That learn and are sent */
  parameterCount: number
  inputs: number
  /** That the rule needs to withstand f of them */
  neighboursNeeded: number
}

export interface Section {
  title: string
  /** Whether the field belongs here */
  has: (path: string) => boolean
  lines: string[]
}

/** Throws InvalidFederationError where the topology is none */
export async function documentFacts (document: FederationDocument): Promise<DocumentFacts> {
  const { encodeFederation } = await import('../src/federation/document.ts')
  const { documentNames } = await import('../src/federation/federation-id.ts')
  const { inputShape } = await import('../src/federation/input-shape.ts')
  const { modelLayers, inspectTopology } = await import('../src/model/topology.ts')
  const { elements, parameterShapes, weightShapes } = await import('../src/model/layer.ts')
  const { minimumNeighbours, ruleChain } = await import('../src/aggregators/rules.ts')
  const { model, aggregation: { rule, f } } = document
  const count = (shapes: ReturnType<typeof weightShapes>): number => shapes.reduce((sum, { shape }) => sum + elements(shape), 0)
  const bytes = encodeFederation(document)
  return {
    names: documentNames(bytes),
    bytes: bytes.byteLength,
    layers: modelLayers(model).map((layer) => ({ layer, parameters: count(parameterShapes(layer)), frozen: count(weightShapes(layer)) - count(parameterShapes(layer)) })),
    parameterCount: inspectTopology(model).parameterCount,
    inputs: elements(inputShape(model.input)),
    neighboursNeeded: minimumNeighbours(ruleChain(rule), f)
  }
}

export function documentSections (document: FederationDocument, facts: DocumentFacts): Section[] {
  const under = (...prefixes: string[]) => (path: string): boolean => prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}.`))
  return [
    { title: 'Federation', has: under('format', 'epoch', 'name'), lines: federationLines(document, facts) },
    { title: 'Membership', has: under('membership'), lines: membershipLines(document.membership) },
    { title: 'Task', has: under('model.labels', 'model.target', 'model.loss', 'model.classWeights'), lines: taskLines(document) },
    { title: 'Input', has: under('model.input'), lines: inputLines(document, facts) },
    { title: 'Model', has: under('model.topology', 'model.constants', 'model.weights', 'model.seed'), lines: modelLines(document, facts) },
    { title: 'Training', has: under('training'), lines: trainingLines(document) },
    { title: 'Mixing', has: under('aggregation'), lines: mixingLines(document, facts) },
    { title: 'Topology', has: under('topology'), lines: topologyLines(document) },
    { title: 'Exchange', has: under('codec', 'round'), lines: exchangeLines(document, facts) },
    { title: 'Privacy', has: under('privacy'), lines: privacyLines(document) }
  ]
}

function federationLines ({ name, epoch, format }: FederationDocument, { names, bytes }: DocumentFacts): string[] {
  return [
    `${quoted(name)}, ${names.federation}`,
    ...(epoch === undefined
      ? ['the first document of its federation: its id is the federation\'s, and a part of every topic and signature']
      : [`document ${names.document}, which says that it is change ${epoch.number} of that federation`]),
    `format ${format}, ${formatCount(bytes)} bytes as it is sent; whoever joins reads all of it`
  ]
}

function listed (names: readonly string[]): string {
  return names.slice(0, MAX_NAMES).map(quoted).join(', ') + (names.length > MAX_NAMES ? `, … (${formatCount(names.length)})` : '')
}

function taskLines ({ model: { labels, target, loss, input } }: FederationDocument): string[] {
  if (target === undefined) {
    return [`tells ${formatCount(labels.length)} classes apart: ${listed(labels)}; loss ${loss}`]
  }
  const of = input.kind === 'table' ? ` ${quoted(input.label)}` : ''
  const unit = target.unit === undefined ? '' : ` in ${quoted(target.unit)}`
  const range = [target.min === undefined ? undefined : `from ${target.min}`, target.max === undefined ? undefined : `to ${target.max}`].filter((words) => words !== undefined).join(' ')
  return [`predicts the number${of}${unit}${range === '' ? '' : `, ${range}`}; loss ${loss}`]
}

function inputLines ({ model: { input } }: FederationDocument, { inputs }: DocumentFacts): string[] {
  switch (input.kind) {
    case 'image': {
      const [height, width, channels] = input.shape
      return [`pictures of ${height} x ${width} pixels, ${channels === 1 ? '1 channel (grey)' : `${channels} channels`}, ${input.bits ?? 8} bits; others are ${input.resize === undefined ? 'refused' : `${input.fit === 'crop' ? 'cut to their middle and ' : ''}resized`}`]
    }
    case 'text': {
      const tokens = input.tokens === 'bytes' ? 'bytes' : `words, of which ${formatCount(input.vocabulary?.length ?? 0)} have a number of their own`
      return [`texts: the first ${formatCount(input.length)} ${tokens}`]
    }
    case 'table': {
      const numeric = input.columns.filter(({ kind }) => kind === 'numeric').length
      const group = input.group === undefined ? '' : `; rows of one ${quoted(input.group)} stay together`
      return [`rows of a table: ${formatCount(numeric)} columns of numbers and ${formatCount(input.columns.length - numeric)} of values make ${formatCount(inputs)} inputs; ${quoted(input.label)} is what is learnt${group}`]
    }
  }
}

function modelLines ({ model: { weights } }: FederationDocument, { layers, parameterCount }: DocumentFacts): string[] {
  const start = weights === undefined ? [] : [`starts from a file of ${formatCount(weights.bytes)} bytes that no peer sends, of SHA-256 ${weights.sha256}: ask the founder for it (--weights FILE); the seed has no effect`]
  return [
    ...start,
    `${formatCount(parameterCount)} parameters that learn and are sent, in ${formatCount(layers.length)} layers:`,
    ...layers.map(({ layer, parameters, frozen }) => {
      const activation = 'activation' in layer ? `, ${layer.activation}` : ''
      const counted = frozen > 0 ? `${formatCount(frozen)} weights that ${weights === undefined ? 'stand in the document' : 'are in that file'} and do not learn` : `${formatCount(parameters)} parameters`
      return `  ${layer.name}: ${layer.kind}${activation}, ${layer.input.join(' x ')} -> ${layer.output.join(' x ')}, ${counted}`
    })
  ]
}

function trainingLines ({ training: { epochs, steps, batchSize, optimizer } }: FederationDocument): string[] {
  const length = epochs === undefined ? `${formatCount(steps ?? 0)} ${steps === 1 ? 'step' : 'steps'}` : `${epochs === 1 ? 'one pass' : `${formatCount(epochs)} passes`} over the own examples`
  const { name, learningRate, decayRounds } = optimizer
  return [`a round is ${length} in batches of ${formatCount(batchSize)}, by ${name === 'sgd' ? 'stochastic gradient descent' : 'Adam'} with learning rate ${learningRate}${decayRounds === undefined ? '' : `, which falls to zero after ${formatCount(decayRounds)} rounds`}`]
}

function liars (count: number): string {
  return count === 1 ? '1 liar' : `${count} liars`
}

/** What a rule withstands, and what none does */
export function mixingLines ({ aggregation: { rule, f, quarantine }, topology: { degree } }: FederationDocument, { neighboursNeeded }: Pick<DocumentFacts, 'neighboursNeeded'>): string[] {
  if (rule.split('+').at(-1) === 'mean' || f === 0) {
    return [`${rule}, f = ${f}: trusts everybody. It withstands nobody who lies and no broken peer: a single one can make the model what it wants`]
  }
  return [
    `${rule} withstands ${liars(f)} among the neighbours of a peer: of these it needs ${neighboursNeeded}, and has ${degree}`,
    'it does not withstand more of them (a sparse mesh may have fewer than the degree suggests: grapevine status), many ids of one liar, data that are false but plausible, or a patient backdoor',
    ...(quarantine === false ? ['what suspicious neighbours send is mixed, too'] : [`what the most suspicious neighbours send is held back, ${f} at most`])
  ]
}

function topologyLines ({ topology: { degree, resample = 0 } }: FederationDocument): string[] {
  return [`each peer exchanges with ${degree === 1 ? 'one neighbour' : `${degree} neighbours`}${resample === 0 ? ', who stay' : `, about ${resample} of whom change every round`}; ${degree + 1} members or fewer all exchange with each other`]
}

function exchangeLines ({ codec, round: { deadlineMs, staleness } }: FederationDocument, { parameterCount }: DocumentFacts): string[] {
  return [`an update is about ${formatBytes(parameterCount * BYTES_OF_A_NUMBER[codec.name])} (${codec.name}); a peer waits ${deadlineMs / 1000} s at most for those of its neighbours, and takes them up to ${staleness === 1 ? '1 round' : `${staleness} rounds`} late`]
}

function privacyLines ({ privacy }: FederationDocument): string[] {
  if (privacy.mechanism === 'none') {
    return [formatPromise(privacy)]
  }
  const hidden = privacy.mechanism === 'dp-sgd' ? 'each single example of a peer' : 'a peer\'s dataset as a whole'
  return [
    formatPromise(privacy),
    `hides ${hidden} in everything that the peer sends, trusting nobody. Not hidden: this document, what is shown on the own screen, time, and the number of examples (docs/privacy.md)`
  ]
}
