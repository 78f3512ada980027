/**
 * The body of a request to the control endpoint
 */
import type { IncomingMessage } from 'node:http'

export const MAX_BODY_BYTES = 65_536

/** Undefined when it is no JSON, does not say that it is, is too long, or breaks off */
export async function readBody (request: IncomingMessage): Promise<{ value: unknown } | undefined> {
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
    return undefined
  }
  const pieces: Buffer[] = []
  let size = 0
  try {
    // not by `for await`: leaving that early would destroy the connection before the answer
    await new Promise<void>((resolve, reject) => {
      request.on('data', (piece: Buffer) => {
        size += piece.byteLength
        if (size > MAX_BODY_BYTES) {
          reject(new RangeError('too long'))
        } else {
          pieces.push(piece)
        }
      })
      request.on('end', resolve).on('error', reject).on('close', () => { reject(new Error('broken off')) })
    })
    return { value: JSON.parse(Buffer.concat(pieces).toString('utf8')) }
  } catch {
    return undefined
  }
}
