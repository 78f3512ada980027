/**
 * Checks of a node's settings before anything is opened: what a program mistyped is told at once, by its name
 */
import { isAbsolute } from 'node:path'
import { closest } from '../closest.ts'
import { BACKEND_NAMES } from '../model/backend-names.ts'
import type { NodeInit } from './node-interface.ts'

const BACKENDS: readonly string[] = ['auto', ...BACKEND_NAMES]
const DATA_KINDS: readonly string[] = ['digits', 'idx', 'csv', 'images', 'npy', 'parquet', 'jsonl', 'text']
const ALONE: readonly string[] = ['wait', 'train']
const STRATEGIES: readonly string[] = ['iid', 'dirichlet', 'shards']

function requireOneOf (what: string, value: unknown, known: readonly string[]): void {
  if (typeof value === 'string' && known.includes(value)) {
    return
  }
  const suggestion = typeof value === 'string' ? closest(value, known) : undefined
  throw new RangeError(`${what} must be one of ${known.join(', ')}, not ${JSON.stringify(value)}${suggestion === undefined ? '' : ` (did you mean "${suggestion}"?)`}`)
}

function requireWhole (what: string, value: number | undefined, minimum: number): void {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= minimum)) {
    throw new RangeError(`${what} must be a whole number of at least ${minimum}, not ${value}`)
  }
}

function requireBytes (what: string, value: unknown): void {
  if (value !== undefined && !(value instanceof Uint8Array)) {
    throw new TypeError(`${what} must be a Uint8Array that holds a safetensors file`)
  }
}

/** Throws RangeError, TypeError, whose message names the setting */
export function checkNodeInit (init: NodeInit): void {
  if (typeof init.home !== 'string' || init.home === '') {
    throw new TypeError(`home must be the path of a folder, not ${JSON.stringify(init.home)}`)
  }
  requireOneOf('data.kind', (init.data as { kind?: unknown } | undefined)?.kind, DATA_KINDS)
  requireOneOf('backend', init.backend ?? 'auto', BACKENDS)
  requireOneOf('alone', init.alone ?? 'wait', ALONE)
  if (init.partition !== undefined) {
    requireOneOf('partition.strategy', init.partition.strategy, STRATEGIES)
  }
  if (init.ledgers !== undefined && !isAbsolute(init.ledgers)) {
    throw new RangeError(`ledgers must be an absolute path, not ${JSON.stringify(init.ledgers)}: from each working folder one dataset would have another budget`)
  }
  requireBytes('weights', init.weights)
  requireWhole('threads', init.threads, 1)
  requireWhole('rounds', init.rounds, 1)
  requireWhole('minMembers', init.minMembers, 1)
  requireWhole('keepVersions', init.keepVersions, 1)
  requireWhole('evaluateEvery', init.evaluateEvery, 1)
  if (init.epsilonLimit !== undefined && !(init.epsilonLimit > 0)) {
    throw new RangeError(`epsilonLimit must be a number above 0, not ${init.epsilonLimit}`)
  }
}
