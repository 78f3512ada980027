import type { Algorithm, AlgorithmInit, FederationDocument, ParameterSlot, Trainer } from '../../src/index.ts'

export function gradientTracking (init: AlgorithmInit): Algorithm
export const CURVATURES: readonly number[]
export const TARGETS: readonly number[]
export const OPTIMUM: number
export const federation: FederationDocument
export function quadraticTrainer (index: number, model: { parameterCount: number, layout: readonly ParameterSlot[] }): Trainer
