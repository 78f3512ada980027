/**
 * The audit log: its chain, edits, cuts and a full disk
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FileAuditLog, openAuditLog } from '../../src/audit-log/audit-log.ts'
import { EMPTY_HEAD } from '../../src/audit-log/entry.ts'
import { verifyLog } from '../../src/audit-log/verify.ts'

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapevine-audit-log-'))
  path = join(folder, 'audit.jsonl')
})
afterEach(() => rm(folder, { recursive: true }))

async function writeThree (): Promise<string> {
  const { log } = await openAuditLog(path, () => 1000)
  await Promise.all([log.append('founded', { b: 1, a: 'x' }), log.append('key', { act: 'made' }), log.append('export', { name: '\u001b[2J\n' })])
  await log.close()
  return log.head.hash
}

describe('audit log', () => {
  it('chains entries that were appended at once', async () => {
    const anchor = await writeThree()
    expect(await verifyLog(path, { anchor })).toMatchObject({ entries: 3, tornBytes: 0, hasAnchor: true, head: { seq: 2, hash: anchor } })
  })

  it('finds an edit of any byte beside a head noted earlier', async () => {
    const anchor = await writeThree()
    const bytes = await readFile(path)
    for (let at = 0; at < bytes.length; at++) {
      const edited = Buffer.from(bytes)
      edited[at]! ^= 1
      await writeFile(path, edited)
      const { damage, hasAnchor } = await verifyLog(path, { anchor })
      expect(damage !== undefined || !hasAnchor, `byte ${at}`).toBe(true)
    }
  })

  it('cuts an incomplete last line, wherever the file ends', async () => {
    await writeThree()
    const bytes = await readFile(path)
    for (let length = 0; length < bytes.length; length++) {
      await writeFile(path, bytes.subarray(0, length))
      const { log, cutBytes } = await openAuditLog(path, () => 2000)
      await log.close()
      const kept = bytes.subarray(0, length).lastIndexOf(10) + 1
      expect([cutBytes, await readFile(path)]).toEqual([length - kept, bytes.subarray(0, kept)])
    }
  })

  it('leaves nothing half-written where the disk is full, and goes on later', async () => {
    let file = Buffer.alloc(0)
    let room = 10
    const log = new FileAuditLog({
      write: (bytes, offset, length, position) => {
        const taken = Math.min(length, room)
        room -= taken
        file = Buffer.concat([file.subarray(0, position), bytes.subarray(offset, offset + taken)])
        return taken === 0 ? Promise.reject(new Error('ENOSPC')) : Promise.resolve({ bytesWritten: taken })
      },
      truncate: (length) => { file = file.subarray(0, length); return Promise.resolve() },
      sync: () => Promise.resolve(),
      close: () => Promise.resolve()
    }, { head: EMPTY_HEAD, size: 0 }, () => 1000)
    await expect(log.append('founded', {})).rejects.toThrow('ENOSPC')
    expect(file.length).toBe(0)
    room = 1000
    await log.append('founded', {})
    await writeFile(path, file)
    expect(await verifyLog(path)).toMatchObject({ entries: 1, tornBytes: 0 })
  })
})
