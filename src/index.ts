/**
 * Grapevine's public API
 */
import './promise-with-resolvers.ts'

export { createNode } from './node.ts'
export { parseFederation, encodeFederation, decodeFederation, federationId } from './federation.ts'
export * from './errors.ts'
export type { FederationDocument, FederationInit, ModelInput, OptimizerSettings } from './federation.ts'
export type * from './node-interface.ts'
export type * from './interface.ts'
