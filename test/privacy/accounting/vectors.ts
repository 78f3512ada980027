import { readFileSync } from 'node:fs'

/** Made with Google's dp_accounting; the file says which version and settings */
export interface Vectors {
  rdp_single_order: Array<{ q: number, sigma: number, alpha: number, rdp_lib: number, rdp_quadrature: number }>
  eps: Array<{
    sigma: number
    q: number
    steps: number
    delta: number
    eps_rdp: number
    order: number
    eps_pld: number
    eps_exact_gaussian?: number
    eps_rdp_integer_orders_2_64: number
    order_int: number
  }>
}

export const VECTORS = JSON.parse(readFileSync(new URL('../../fixtures/dp_vectors.json', import.meta.url), 'utf8')) as Vectors

/** |actual - expected| / expected */
export function relativeError (actual: number, expected: number): number {
  return actual === expected ? 0 : Math.abs(actual - expected) / Math.abs(expected)
}
