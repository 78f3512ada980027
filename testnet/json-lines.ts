/**
 * Lines of a child's output, with a bound on the length of one line
 */
import type { Readable } from 'node:stream'

const MAX_LINE_CHARACTERS = 4_194_304

/** Calls `onLine` for each line until the stream ends; a line that is too long is dropped as a whole */
export function readLines (stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  let skipping = false
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      if (!skipping && line.trim() !== '') {
        onLine(line)
      }
      skipping = false
    }
    if (rest.length > MAX_LINE_CHARACTERS) {
      rest = ''
      skipping = true
    }
  })
  stream.on('end', () => {
    if (!skipping && rest.trim() !== '') {
      onLine(rest)
    }
  })
}
