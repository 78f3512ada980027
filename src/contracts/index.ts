/**
 * What every implementation of a port must do, as suites for whoever writes one: `grapevine/contracts`
 *
 *   import { networkContract, useTestRunner } from 'grapevine/contracts'
 *   useTestRunner({ describe, it, beforeAll, beforeEach, afterAll, afterEach, expect })
 *   networkContract('mine', { create, destroy, maxPayloadBytes: 1_048_576, maxStepBytes: 131_072 })
 *
 * They run inside a test runner (test-runner.ts), and need the package `fast-check`.
 */
export { useTestRunner } from './test-runner.ts'
export { aggregatorContract } from './aggregator.ts'
export { codecContract } from './codec.ts'
export { identityCrashContract } from './identity-crash.ts'
export { ledgerCrashContract } from './ledger-crash.ts'
export { networkContract } from './network.ts'
export { replicasContract } from './replicas.ts'
export { storeContract } from './store.ts'
export { storeCrashContract } from './store-crash.ts'
export { trainerContract } from './trainer.ts'
export type { Expect, Matchers, TestRunner } from './test-runner.ts'
export type { NetworkContract } from './network.ts'
export type { StoreContractInit, StoreHome } from './store.ts'
export type { CrashHome, Cut } from './crash.ts'
export type { TrainerContractInit } from './trainer.ts'
