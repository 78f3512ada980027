import type { AdmissionWish } from './node-parts.ts'
export async function enterByWish (_wish: AdmissionWish): Promise<{ bytes: Uint8Array, records: readonly Uint8Array[] }> { throw new RangeError('soon') }
