/**
 * What a federation document that was made from pictures tells everyone, as lines for people
 */
import { quoted } from '../src/quoted.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { Terminal } from './terminal.ts'

/** Classes that are listed; the rest are counted */
const MAX_LISTED = 32

/** Shown before a federation is founded */
export function showPictures (terminal: Terminal, { name, model: { input, labels } }: FederationDocument): void {
  if (input.kind !== 'image') {
    return
  }
  const [height, width, channels] = input.shape
  const more = labels.length > MAX_LISTED ? `, … (${labels.length})` : ''
  terminal.field('Pictures', `${height} x ${width} pixels, ${channels === 1 ? 'grey' : 'colour'}, ${input.bits ?? 8} bits; others are ${input.fit === 'crop' ? 'cut to their middle and ' : ''}resized`)
  terminal.field('Told', `whoever joins reads that in the federation document, its name ${quoted(name)} and the classes ${labels.slice(0, MAX_LISTED).map(quoted).join(', ')}${more}: no picture, no pixel's mean, no number of pictures`)
}
