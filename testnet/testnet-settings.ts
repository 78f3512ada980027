/**
 * The settings of a testnet with every default filled in
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseFederation } from '../src/federation.ts'
import type { FederationDocument } from '../src/federation.ts'
import type { TestnetInit } from './interface.ts'

const DEFAULT_TIMEOUT_MS = 1_800_000

/** Every default filled in */
export type TestnetSettings = Required<Omit<TestnetInit, 'federation' | 'homes' | 'preset'>> & {
  document: FederationDocument
  cores: number
  homes: string | undefined
  preset: string | undefined
}

/** Throws InvalidFederationError, and RangeError when a number is out of its range */
export function settingsOf (init: TestnetInit): TestnetSettings {
  requireWhole('peers', init.peers)
  requireWhole('rounds', init.rounds)
  const { federation, ...given } = init
  const cores = availableParallelism()
  return {
    partition: { strategy: 'iid' },
    seed: 1,
    backend: 'auto',
    threads: Math.max(1, Math.floor(cores / init.peers)),
    evaluateEvery: 1,
    byzantine: [],
    kill: [],
    restart: [],
    alone: true,
    timeoutMs: DEFAULT_TIMEOUT_MS,
    command: [process.execPath, fileURLToPath(new URL('../peer/main.js', import.meta.url))],
    environment: {},
    ...given,
    document: parseFederation(federation),
    cores,
    homes: init.homes === undefined ? undefined : resolve(init.homes),
    preset: init.preset
  }
}

function requireWhole (name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`${name} must be a whole number from 1, not ${value}`)
  }
}
