/**
 * The settings of a testnet with every default filled in
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseFederation } from '../src/federation/document.ts'
import { requireEnoughNeighbours } from './enough-neighbours.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { TestnetInit } from './interface.ts'

/**
 * Many peers share one machine. Garbage of a round is kept in 2 MiB until it is collected, instead of 16 that are never
 * given back: a tenth less memory for each peer, at the same processor time
 */
const SMALL_HEAP = ['--max-semi-space-size=2']

const DEFAULT_TIMEOUT_MS = 1_800_000
/** A timer of Node's ends at once when it is to run for longer */
const MAX_TIMEOUT_MS = 0x7fffffff

/** Every default filled in */
export type TestnetSettings = Required<Omit<TestnetInit, 'federation' | 'homes' | 'preset' | 'weights'>> & {
  document: FederationDocument
  cores: number
  homes: string | undefined
  weights: string | undefined
  preset: string | undefined
}

/**
 * Throws InvalidFederationError, and RangeError when a number is out of its range, or peers would have too few
 * neighbours for their rule
 */
export function settingsOf (init: TestnetInit): TestnetSettings {
  requireWhole('peers', init.peers)
  requireWhole('rounds', init.rounds)
  if (init.timeoutMs !== undefined && !(init.timeoutMs > 0 && init.timeoutMs <= MAX_TIMEOUT_MS)) {
    throw new RangeError(`timeoutMs must be above 0 and at most ${MAX_TIMEOUT_MS}, not ${init.timeoutMs}`)
  }
  const { federation, ...given } = init
  const cores = availableParallelism()
  const settings = {
    partition: { strategy: 'iid' as const },
    seed: 1,
    backend: 'auto' as const,
    threads: Math.max(1, Math.floor(cores / init.peers)),
    evaluateEvery: 1,
    byzantine: [],
    kill: [],
    restart: [],
    alone: true,
    timeoutMs: DEFAULT_TIMEOUT_MS,
    command: [process.execPath, ...SMALL_HEAP, fileURLToPath(new URL('../peer/main.js', import.meta.url))],
    environment: {},
    ...given,
    document: parseFederation(federation),
    cores,
    homes: init.homes === undefined ? undefined : resolve(init.homes),
    weights: init.weights === undefined ? undefined : resolve(init.weights),
    preset: init.preset
  } satisfies TestnetSettings
  requireEnoughNeighbours(settings)
  return settings
}

function requireWhole (name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`${name} must be a whole number from 1, not ${value}`)
  }
}
