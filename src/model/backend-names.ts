/**
 * The tensor backends by name, where loading them would be too much
 */
import type { BackendName } from '../interface.ts'

/** In the order in which they are tried */
export const BACKEND_NAMES: readonly BackendName[] = ['wasm', 'tensorflow', 'cpu']
