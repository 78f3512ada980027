import { existsSync } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { reportError } from '../peer/error-report.ts'
import { makeFolder } from '../src/make-folder.ts'
import { makeReportFolder } from '../testnet/report-folder.ts'

let folder: string
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'gv-folder-')) })
afterEach(async () => { await rm(folder, { recursive: true }) })

describe('a folder', () => {
  it('is made with those above it, and may be there already, also made by two at once', async () => {
    const path = join(folder, 'a', 'b', 'c')
    await Promise.all([makeFolder(path, { mode: 0o700 }), makeFolder(path, { mode: 0o700 })])
    await makeFolder(path)
    expect((await stat(path)).mode & 0o777).toBe(0o700)
  })

  it('is made by many at once, whoever of them makes the one above', async () => {
    for (let round = 0; round < 100; round++) {
      const path = join(folder, String(round), 'b', 'c', 'd')
      await Promise.all(Array.from({ length: 6 }, async () => makeFolder(path)))
      expect((await stat(path)).isDirectory()).toBe(true)
    }
  })

  it('is refused where a file has its name, or is above it', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(makeFolder(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(makeFolder(join(folder, 'file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' })
  })

  it.runIf(existsSync('/proc'))('that cannot be made is told, and not tried for ever', async () => {
    await expect(makeFolder('/proc/grapevine')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(makeFolder('/proc/grapevine/report')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(makeReportFolder('/proc/grapevine/report')).rejects.toMatchObject({ name: 'FolderError' })
  })
})

describe('too many open files', () => {
  it.each(['Error', 'StoreCorruptError', 'LedgerWriteError', 'ListenError'])('are the machine\'s limit, and no bug or damage: %s', (name) => {
    const err = Object.assign(new Error('it failed', { cause: Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' }) }), { name })
    expect(reportError(err)).toMatchObject({ code: 'GRAPEVINE_E_TOO_MANY_FILES', exit: 9 })
  })
})
