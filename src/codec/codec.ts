/**
 * The codecs by name: parameter vector <-> bytes, pure and independent of the network
 *
 * One file for each codec; frame.ts has what they share. A new codec is one more line here and one more tag there.
 */
import { closest } from '../closest.ts'
import { float16 } from './float16.ts'
import { float32 } from './float32.ts'
import { int8 } from './int8.ts'
import type { CodecName } from './frame.ts'
import type { Codec } from '../interface.ts'

const CODECS: Record<CodecName, Codec> = { float32, float16, int8 }

/** Names that `createCodec` accepts */
export const CODEC_NAMES = Object.keys(CODECS) as CodecName[]

/** The codec that a federation document names. Throws RangeError for a name that does not exist */
export function createCodec (name: string): Codec {
  const known = CODEC_NAMES.find((candidate) => candidate === name)
  if (known === undefined) {
    const suggestion = closest(name, CODEC_NAMES)
    throw new RangeError(`unknown codec "${name}"${suggestion === undefined ? `; known are ${CODEC_NAMES.join(', ')}` : ` (did you mean "${suggestion}"?)`}`)
  }
  return CODECS[known]
}
