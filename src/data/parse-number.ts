/** Strict: no hexadecimal, no Infinity, no empty text, all of which Number() accepts */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** Undefined when the text is not a finite decimal number */
export function parseNumber (text: string): number | undefined {
  const value = NUMBER.test(text) ? Number(text) : NaN
  return Number.isFinite(value) ? value : undefined
}
