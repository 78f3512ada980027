/**
 * Settings of a document that is made to fit the data: a part of the one table in settings.ts
 */
import { REGRESSION_LOSSES } from '../src/federation/task.ts'
import { count, filePath, FLAG_ONLY, number, positive, text } from './setting.ts'
import type { Setting, Verb, Z } from './setting.ts'
import type { ZodType } from 'zod'

/** The verbs that make a document from data */
const FITTED: readonly Verb[] = ['init', 'audit']
/** Those that need to know what is predicted, too */
const TASK: readonly Verb[] = [...FITTED, 'schema']

function classWeights (z: Z): ZodType<string[]> {
  return z.array(z.string().max(300).regex(/^.+=\d+(\.\d+)?(e-?\d+)?$/sui)).min(1).max(65_536)
}

function hidden (z: Z): ZodType<string> {
  return z.string().max(256).regex(/^(none|[1-9]\d{0,5}(,[1-9]\d{0,5})*)$/)
}

function freeze (z: Z): ZodType<string> {
  return z.string().max(8192).regex(/^(all-but:)?[\w.-]{1,64}(,[\w.-]{1,64})*$/)
}

const NUMBER = /-?\d+(\.\d+)?(e[+-]?\d+)?/.source

function range (z: Z): ZodType<string> {
  return z.string().max(64).regex(new RegExp(`^${NUMBER}\\.\\.${NUMBER}$`, 'i'))
}

export const DOCUMENT_SETTINGS = {
  task: {
    schema: (z: Z) => z.enum(['classes', 'regression']),
    expects: 'classes or regression',
    value: 'TASK',
    verbs: TASK,
    sources: FLAG_ONLY,
    shownDefault: 'classes; regression where --column makes the label numeric',
    help: 'what a new federation learns from a table: to tell classes, or to predict a number'
  },
  targetRange: {
    schema: range,
    expects: 'MIN..MAX, such as 0..250',
    value: 'MIN..MAX',
    verbs: TASK,
    sources: FLAG_ONLY,
    shownDefault: 'mean and deviation of these data',
    help: 'the range of the number to predict: standardises without a statistic of these data; values outside are refused'
  },
  targetUnit: {
    schema: (z: Z) => z.string().min(1).max(32),
    expects: 'a unit of at most 32 characters',
    value: 'UNIT',
    verbs: TASK,
    sources: FLAG_ONLY,
    help: 'the unit of the number to predict, alike at all members'
  },
  loss: {
    schema: (z: Z) => z.enum(REGRESSION_LOSSES),
    expects: REGRESSION_LOSSES.join(', '),
    value: 'NAME',
    verbs: FITTED,
    sources: FLAG_ONLY,
    shownDefault: 'meanSquaredError',
    help: 'the loss of a number to predict: meanSquaredError, meanAbsoluteError or huber'
  },
  classWeight: {
    schema: classWeights,
    expects: 'NAME=WEIGHT, such as ill=20',
    value: 'NAME=W',
    verbs: FITTED,
    sources: FLAG_ONLY,
    list: true,
    shownDefault: '1',
    help: 'what an example of a class counts for in the loss: stands in the document, never computed from counts'
  },
  model: {
    schema: text,
    expects: 'a JSON file',
    value: 'FILE',
    verbs: FITTED,
    sources: FLAG_ONLY,
    path: filePath,
    shownDefault: 'hidden layers that fit the data',
    help: 'the model of a new federation: LayersModel JSON of TensorFlow.js, or to_json() of Keras 2 or 3'
  },
  freeze: {
    schema: freeze,
    expects: 'names of layers, such as conv_1,conv_2, or all-but:output',
    value: 'LAYERS',
    verbs: FITTED,
    sources: FLAG_ONLY,
    shownDefault: 'what --model says: trainable',
    help: 'layers of a new federation that keep what --weights brings: LAYER,… or all-but:LAYER,…'
  },
  hidden: {
    schema: hidden,
    expects: 'widths, such as 64,32, or none',
    value: 'WIDTHS',
    verbs: FITTED,
    sources: FLAG_ONLY,
    shownDefault: 'two layers that fit the data',
    help: 'widths of the hidden layers of a new federation\'s model'
  },
  epochs: {
    schema: count(1, 1000),
    expects: 'a whole number from 1 to 1000',
    value: 'N',
    verbs: FITTED,
    sources: FLAG_ONLY,
    shownDefault: '1',
    help: 'passes over the own examples in a round of a new federation'
  },
  learningRate: {
    schema: positive(100),
    expects: 'a number above 0, at most 100',
    value: 'RATE',
    verbs: FITTED,
    sources: FLAG_ONLY,
    shownDefault: '0.001',
    help: 'learning rate of a new federation (Adam)'
  },
  peers: {
    schema: count(2, 100_000),
    expects: 'a whole number, at least 2',
    value: 'N',
    verbs: FITTED,
    sources: FLAG_ONLY,
    shownDefault: 'at least 7',
    help: 'how many peers will be there: sets degree and rule of a new federation to what so few can have'
  },
  rule: {
    schema: text,
    expects: 'the name of a rule, such as gated-geometric-median',
    value: 'NAME',
    verbs: FITTED,
    sources: FLAG_ONLY,
    shownDefault: 'gated-geometric-median, or mean for too few peers',
    help: 'how a new federation mixes what neighbours send'
  },
  f: {
    schema: (z: Z) => number(z).pipe(z.int().min(0).max(64)),
    expects: 'a whole number from 0 to 64',
    value: 'F',
    verbs: FITTED,
    sources: FLAG_ONLY,
    shownDefault: '1, or 0 with mean',
    help: 'how many lying neighbours the rule of a new federation must withstand'
  },
  degree: {
    schema: count(1, 64),
    expects: 'a whole number from 1 to 64',
    value: 'K',
    verbs: FITTED,
    sources: FLAG_ONLY,
    shownDefault: '6, or one less than --peers',
    help: 'neighbours of each peer of a new federation'
  }
} as const satisfies Record<string, Setting>
