/**
 * The last word to a peer whose connection is closed: why
 */
import { ADMISSION_PROTOCOL } from '../support/topics.ts'
import { AdmissionStream, fitting } from './frames.ts'
import type { Connection } from '@libp2p/interface'
import type { RefusalReason } from '../../governance/governance-interface.ts'

/** With what shows it. Rejects when the peer does not take it in time */
export async function tellFarewell (connection: Connection, { reason, records }: { reason: RefusalReason, records: readonly Uint8Array[] }, timeoutMs: number): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs)
  const stream = new AdmissionStream(await connection.newStream([ADMISSION_PROTOCOL], { signal }), signal)
  try {
    await stream.write({ farewell: { reason, records: fitting(records) } })
    // the other side closes its half when it has read it: what is closed sooner may take the word with it
    await stream.readReply().catch(() => {})
  } finally {
    await stream.close().catch(() => {})
  }
}
