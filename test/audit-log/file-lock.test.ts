/**
 * The lock of the audit log: of holders that died, and of holders that live
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FileLockedError, withFileLock } from '../../src/audit-log/file-lock.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapevine-file-lock-'))
  file = join(folder, 'lock')
})
afterEach(async () => rm(folder, { recursive: true }))

/** A pid that was just given back */
function deadPid (): number {
  return spawnSync(process.execPath, ['-e', '']).pid
}

describe('withFileLock', () => {
  it('lets one work at a time, also after a holder and one that was breaking its lock died', async () => {
    const pid = deadPid()
    await writeFile(file, `${pid} ${hostname()} first\n`)
    await writeFile(`${file}.first`, `${pid} ${hostname()} second\n`)
    let inside = 0
    let most = 0
    await Promise.all(Array.from({ length: 20 }, async () => withFileLock(file, async () => {
      inside++
      most = Math.max(most, inside)
      await new Promise(setImmediate)
      inside--
    })))
    expect(most).toBe(1)
    expect(await readdir(folder)).toEqual([])
  })

  it('waits for a holder that lives, or of whom nothing is known, and leaves its lock', async () => {
    for (const holder of [`${process.ppid} ${hostname()}`, `${deadPid()} other.host`]) {
      await writeFile(file, `${holder} token\n`)
      await expect(withFileLock(file, async () => 'in', { timeoutMs: 20 })).rejects.toThrow(FileLockedError)
      expect(await readdir(folder)).toEqual(['lock'])
    }
  })

  it('is free again when the work fails', async () => {
    await expect(withFileLock(file, async () => { throw new Error('no') })).rejects.toThrow('no')
    expect(await withFileLock(file, async () => 'in')).toBe('in')
  })
})
