/**
 * The first bytes of the formats that are read, as their specifications give them; no decoder is loaded by it
 */

/** Latin-1 */
export const SIGNATURES = {
  /** Of the eight of the specification those that a transfer as text leaves whole: the decoder asks for the others */
  png: '\x89PNG',
  jpeg: '\xff\xd8\xff',
  parquet: 'PAR1',
  encryptedParquet: 'PARE',
  gzip: '\x1f\x8b',
  npy: '\x93NUMPY',
  zip: 'PK\x03\x04',
  emptyZip: 'PK\x05\x06'
} as const

/** Bytes that tell each of them from all others */
export const SIGNATURE_BYTES = Math.max(...Object.values(SIGNATURES).map(({ length }) => length))

/** False for fewer bytes than the signature has */
export function beginsAs (format: keyof typeof SIGNATURES, bytes: Uint8Array): boolean {
  const signature = SIGNATURES[format]
  return bytes.length >= signature.length && [...signature].every((character, i) => bytes[i] === character.charCodeAt(0))
}
