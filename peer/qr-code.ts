/**
 * A text as a QR code of block characters
 *
 * For a terminal that writes light on dark; most cameras read the other way round, too.
 */

/** Two rows of modules in each line. Throws RangeError for a text that no QR code holds */
export async function qrCodeLines (text: string): Promise<string[]> {
  const { renderUnicodeCompact } = await import('uqr')
  try {
    return renderUnicodeCompact(text, { ecc: 'L', border: 2 }).split('\n')
  } catch (err) {
    throw new RangeError(`a text of ${text.length} characters fits no QR code`, { cause: err })
  }
}
