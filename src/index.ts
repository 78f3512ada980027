/**
 * Grapevine's public API
 */
import './promise-with-resolvers.ts'

export { createNode } from './node.ts'
export { parseFederation, encodeFederation, decodeFederation, federationId } from './federation.ts'
export { convolutionalTopology, denseTopology, inspectTopology } from './model/topology.ts'
export { exportLayersModel } from './model/export.ts'
export { auditError } from './privacy/audit/audit-report.ts'
export { runAudit } from './privacy/audit/run-audit.ts'
export { PRESET_NAMES, presetDocument } from './presets.ts'
export * from './errors.ts'
export type { FederationDocument, FederationInit, ModelInput, OptimizerSettings } from './federation.ts'
export type { ConvolutionalTopologyInit, DenseTopologyInit, ModelInspection } from './model/topology.ts'
export type { ExportLayersModelInit } from './model/export.ts'
export type { AuditCaps, AuditClaim, AuditReport } from './privacy/audit/audit-report.ts'
export type { AuditInit, AuditOptions, AuditProgress } from './privacy/audit/run-audit.ts'
export type { MembershipReport, OperatingPoint, RocPoint } from './privacy/audit/membership.ts'
export type { PresetName } from './presets.ts'
export type { MeshLimits } from './mesh-limits.ts'
export type * from './node-interface.ts'
export type * from './interface.ts'
