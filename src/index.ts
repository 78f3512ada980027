/**
 * Grapevine's public API
 */
import './promise-with-resolvers.ts'

export { createNode } from './node.ts'
export { parseFederation, encodeFederation, decodeFederation, federationId } from './federation.ts'
export { convolutionalTopology, denseTopology, inspectTopology } from './model/topology.ts'
export { exportLayersModel } from './model/export.ts'
export { PRESET_NAMES, presetDocument } from './presets.ts'
export { createAccountant } from './privacy/accounting/accountants.ts'
export { noiseForEpsilon } from './privacy/accounting/noise-for-epsilon.ts'
export { stepsWithin } from './privacy/accounting/steps-within.ts'
export * from './errors.ts'
export type { FederationDocument, FederationInit, ModelInput, OptimizerSettings } from './federation.ts'
export type { ConvolutionalTopologyInit, DenseTopologyInit, ModelInspection } from './model/topology.ts'
export type { ExportLayersModelInit } from './model/export.ts'
export type { Accountant, AccountantName, MechanismEvent } from './privacy/accounting/accountant.ts'
export type { PrivacyScope, PrivacyStatus } from './privacy/budget.ts'
export type { PrivacySettings } from './privacy/settings.ts'
export type { PresetName } from './presets.ts'
export type { MeshLimits } from './mesh-limits.ts'
export type * from './node-interface.ts'
export type * from './interface.ts'
