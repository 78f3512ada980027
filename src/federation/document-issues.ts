/**
 * What is wrong with a document, in plain words: zod's own name its types and patterns
 */
import * as z from 'zod'
import { closest } from '../closest.ts'
import { quoted } from '../quoted.ts'

/** Problems that a message lists; a stranger's document may have thousands */
const MAX_ISSUES = 5

/** A path that needs no quotes */
const PLAIN_PATH = /^[\w./-]{1,128}$/

/** Dotted path of every field, e.g. `training.batchSize` */
function fieldPaths (type: z.core.$ZodType, path = ''): string[] {
  if (type instanceof z.ZodObject) {
    return Object.entries(type.shape).flatMap(([key, field]) => {
      const own = path === '' ? key : `${path}.${key}`
      return [own, ...fieldPaths(field as z.core.$ZodType, own)]
    })
  }
  if (type instanceof z.ZodDiscriminatedUnion) {
    return type.options.flatMap((option) => fieldPaths(option, path))
  }
  return type instanceof z.ZodArray ? fieldPaths(type.element, path) : []
}

function lastName (path: string): string {
  return path.slice(path.lastIndexOf('.') + 1)
}

/** The full path of a field of this name elsewhere, else a near one of the same object, else a near one elsewhere */
function suggestion (schema: z.core.$ZodType, parent: string, key: string): string | undefined {
  const own = parent === '' ? key : `${parent}.${key}`
  const paths = [...new Set(fieldPaths(schema))].filter((path) => path !== own)
  const siblings = paths.filter((path) => path === (parent === '' ? lastName(path) : `${parent}.${lastName(path)}`)).map(lastName)
  const named = (name: string | undefined): string | undefined => paths.find((path) => lastName(path) === name)
  return named(key) ?? closest(key, siblings) ?? named(closest(key, paths.map(lastName)))
}

function unknownFieldMessage (schema: z.core.$ZodType, { path, keys }: z.core.$ZodIssueUnrecognizedKeys): string {
  const parent = path.filter((part) => typeof part === 'string').join('.')
  const named = keys.slice(0, MAX_ISSUES).map((key) => {
    const near = suggestion(schema, parent, key)
    return `${quoted([...path.map(String), key].join('.'))}${near === undefined ? '' : ` (did you mean "${near}"?)`}`
  })
  return `unknown field ${named.join(', ')}${keys.length > MAX_ISSUES ? ` and ${keys.length - MAX_ISSUES} more` : ''}`
}

const TYPES: Readonly<Record<string, string>> = {
  object: 'an object', record: 'an object', array: 'a list', string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false'
}

function typeWords ({ expected, input }: z.core.$ZodIssueInvalidType): string {
  return `must be ${TYPES[expected] ?? expected}${input === undefined ? ', and is missing' : ''}`
}

function choiceWords (choices: readonly unknown[]): string {
  return `must be ${choices.length === 1 ? '' : 'one of '}${choices.map((choice) => JSON.stringify(choice)).join(', ')}`
}

const LENGTH_UNITS: Readonly<Record<string, [one: string, many: string]>> = { string: ['character', 'characters'], array: ['entry', 'entries'] }

function boundWords (issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const [bound, inclusive, exclusive] = issue.code === 'too_small' ? [issue.minimum, 'at least', 'more than'] : [issue.maximum, 'at most', 'less than']
  const comparison = issue.exact === true ? 'exactly' : issue.inclusive === false ? exclusive : inclusive
  const units = LENGTH_UNITS[issue.origin]
  return units === undefined ? `must be ${comparison} ${bound}` : `must have ${comparison} ${bound} ${units[bound === 1 ? 0 : 1]}`
}

/** Zod's own words name its types and patterns */
function plainWords (issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type': return typeWords(issue)
    case 'invalid_value': return choiceWords(issue.values)
    case 'too_small':
    case 'too_big': return boundWords(issue)
    case 'invalid_union': return 'options' in issue && issue.options !== undefined ? choiceWords(issue.options) : issue.message
    default: return issue.message
  }
}

function issueMessage (schema: z.core.$ZodType, issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return unknownFieldMessage(schema, issue)
  }
  return `${pathText(issue.path)}: ${plainWords(issue)}`
}

/** The keys of `model.constants` are the author's, all others are those of the schema */
function pathText (path: readonly PropertyKey[]): string {
  const text = path.map(String).join('.')
  return text === '' ? 'document' : PLAIN_PATH.test(text) ? text : quoted(text)
}

/** A line for every issue, and for every unknown field one */
export function issueLines (schema: z.core.$ZodType, issues: readonly z.core.$ZodIssue[]): string[] {
  return issues.flatMap((issue) => issue.code === 'unrecognized_keys'
    ? issue.keys.map((key) => unknownFieldMessage(schema, { ...issue, keys: [key] }))
    : [issueMessage(schema, issue)])
}

/** One line that names every offending field, with a suggestion from `schema` for one that it does not know */
export function issuesMessage (schema: z.core.$ZodType, issues: readonly z.core.$ZodIssue[]): string {
  const messages = issues.slice(0, MAX_ISSUES).map((issue) => issueMessage(schema, issue))
  return messages.join('; ') + (issues.length > MAX_ISSUES ? `; and ${issues.length - MAX_ISSUES} more` : '')
}
