/**
 * Whether a value is plain data that JSON and dag-cbor both hold: null, booleans, finite numbers, text, lists, objects
 *
 * Walked with a list of its own instead of recursion: what it judges may come from a stranger, nested to exhaust the
 * stack of everything that recurses later, or from a caller, with a cycle in it.
 */

export interface PlainLimits {
  /** Lists and objects inside each other */
  maxDepth: number
  /** Values in all: every one takes at least a byte when it is encoded */
  maxValues: number
}

interface Visit {
  value: unknown
  depth: number
}

function isRecord (value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function isScalar (value: unknown): boolean {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
}

/** An integer that is not safe would be another number after a round trip, or a BigInt */
function isUnsafeInteger (value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
}

/** The values directly inside; undefined where `value` holds something else than plain data */
function childrenOf (value: unknown): unknown[] | undefined {
  if (isScalar(value)) {
    return isUnsafeInteger(value) ? undefined : []
  }
  if (Array.isArray(value)) {
    return value as unknown[]
  }
  if (typeof value !== 'object' || value === null || !isRecord(value) || Object.hasOwn(value, '__proto__')) {
    return undefined
  }
  // a field that is undefined is one that is left out
  return Object.values(value).filter((field) => field !== undefined)
}

function describe (value: unknown): string {
  if (typeof value === 'number') {
    return Number.isInteger(value) ? 'an integer over 2^53' : 'a number that is not finite'
  }
  if (typeof value !== 'object' || value === null) {
    return `a value of type ${typeof value}`
  }
  return Object.hasOwn(value, '__proto__') ? 'a field named __proto__' : 'an object that is neither a list nor plain'
}

/** What is wrong with `value`, or undefined when it is plain and within the limits */
export function plainValueProblem (value: unknown, { maxDepth, maxValues }: PlainLimits): string | undefined {
  const open: Visit[] = [{ value, depth: 0 }]
  let count = 0
  for (let visit = open.pop(); visit !== undefined; visit = open.pop()) {
    const children = childrenOf(visit.value)
    if (children === undefined) {
      return `it holds ${describe(visit.value)}`
    }
    count += children.length
    if (count > maxValues) {
      return `it holds more than ${maxValues} values`
    }
    if (children.length > 0 && visit.depth >= maxDepth) {
      return `it is nested more than ${maxDepth} deep`
    }
    for (const child of children) {
      open.push({ value: child, depth: visit.depth + 1 })
    }
  }
  return undefined
}
