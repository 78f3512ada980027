/**
 * The line that says how far the reading of the data has come
 */
import type { Terminal } from './terminal.ts'

/** For `onRead` of whatever reads. The line is taken away by whoever began to read */
export function readingProgress (terminal: Pick<Terminal, 'progress'>): (share: number) => void {
  return (share) => { terminal.progress(`reading the data: ${Math.floor(100 * share)} %`) }
}

/** The same, and the line goes when `read` has done its work */
export async function withProgress<T> (terminal: Pick<Terminal, 'progress'>, read: (onRead: (share: number) => void) => Promise<T>): Promise<T> {
  try {
    return await read(readingProgress(terminal))
  } finally {
    terminal.progress('')
  }
}
