/**
 * A copy of a cell that is kept: what a row gives is part of the piece of the file that it stood in, and would keep all
 * of that in memory
 */
export function ownText (text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}
