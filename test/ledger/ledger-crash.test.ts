/**
 * The files of a ledger at every point of a charge
 */
import { ledgerCrashContract } from '../../src/contracts/ledger-crash.ts'
import { createLedger } from '../../src/ledger/ledger.ts'
import { createOnDisk } from '../../src/store/level-folder.ts'
import { CutFolders, watched } from '../cut-folders.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { LevelDatabase } from '../../src/store/level-folder.ts'

const FINGERPRINT = '5e'.repeat(32)

async function opened (root: string, createDatabase?: (location: string) => LevelDatabase): Promise<Ledger> {
  const ledger = createLedger({ root, fingerprint: FINGERPRINT, clock: { now: () => 1_000 }, ...(createDatabase === undefined ? {} : { createDatabase }) })
  await ledger.open()
  return ledger
}

ledgerCrashContract('classic-level', async () => {
  const cuts = await CutFolders.create(async (folder) => opened(folder))
  const part = await opened(cuts.folder, (location) => watched(createOnDisk(location), async (at) => cuts.atWrite(at, FINGERPRINT)))
  return { part, during: cuts.during, remove: cuts.remove }
})
