/**
 * The audit log: its chain, edits, cuts, kills, two writers and a full disk
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FileAuditLog, openAuditLog } from '../../src/audit-log/audit-log.ts'
import { EMPTY_HEAD, hashLine, makeLine } from '../../src/audit-log/entry.ts'
import { verifyLog } from '../../src/audit-log/verify.ts'
import type { LogHandle } from '../../src/audit-log/audit-log.ts'
import type { AuditEntry } from '../../src/audit-log/entry.ts'

const APPEND_OFTEN = fileURLToPath(new URL('fixtures/append-often.mjs', import.meta.url))
const MODULE = new URL('../../dist/src/audit-log/audit-log.js', import.meta.url).href

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapevine-audit-log-'))
  path = join(folder, 'audit.jsonl')
})
afterEach(() => rm(folder, { recursive: true }))

async function writeThree (): Promise<string> {
  const log = openAuditLog(folder, () => 1000)
  await Promise.all([
    log.append('founded', { name: 'x', federation: 'f' }),
    log.append('decision', { slot: 0, act: { peer: 'p', do: 'appoint', voters: [{ votingKey: 'k', peer: 'p' }] }, endorsedBy: ['p'] }),
    log.append('export', { version: '\u001b[2J\n' })
  ])
  await log.close()
  return log.head.hash
}

/** What it said it appended before it ended, or was killed after so many */
async function appended (name: string, count: number, { killAfter = Infinity } = {}): Promise<number> {
  const child = spawn(process.execPath, [APPEND_OFTEN, MODULE, folder, name, String(count)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let lines = 0
  child.stdout.on('data', (bytes: Buffer) => {
    lines += bytes.toString().split('\n').length - 1
    if (lines >= killAfter) {
      child.kill('SIGKILL')
    }
  })
  await once(child, 'close')
  return lines
}

describe('audit log', () => {
  it('chains entries that were appended at once', async () => {
    const anchor = await writeThree()
    expect(await verifyLog(path, { anchor })).toMatchObject({ entries: 3, tornBytes: 0, hasAnchor: true, head: { seq: 2, hash: anchor } })
  })

  it('has a known answer, which another program computed', async () => {
    expect(await writeThree()).toBe('4e966bab7b4312f108f1c75d977946951c1914253545ac8a168fe8d2f1fd5a56')
    expect((await readFile(path, 'utf8')).split('\n')[1]).toBe('{"at":1000,"detail":{"act":{"do":"appoint","peer":"p","voters":[{"peer":"p","votingKey":"k"}]},"endorsedBy":["p"],"slot":0},"kind":"decision","previous":"5d59b9ace60cb1ba6b1bb1eef40a1642f7969a4acf8e5d02ea9164ae6b71d39c","seq":1}')
  })

  it('refuses fields that a kind has not, and what is too deep, too long or no JSON', async () => {
    const log = openAuditLog(folder, () => 1000)
    await expect(log.append('request', { peer: 'p', secret: 's' } as never)).rejects.toThrow(TypeError)
    await expect(log.append('gossip' as never, {} as never)).rejects.toThrow(TypeError)
    await expect(log.append('request', { peer: [[[[['p']]]]] })).rejects.toThrow(TypeError)
    await expect(log.append('request', { peer: NaN })).rejects.toThrow(TypeError)
    await expect(log.append('request', { peer: 'p'.repeat(70_000) })).rejects.toThrow(RangeError)
    expect(await readFile(path, 'utf8')).toBe('')
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

  it('cuts the rest of a last line, wherever the file ends, and keeps an entry that lost only its newline', async () => {
    await writeThree()
    const bytes = await readFile(path)
    for (let length = 0; length < bytes.length; length++) {
      await writeFile(path, bytes.subarray(0, length))
      await openAuditLog(folder, () => 2000).append('joined', {})
      const whole = bytes[length] === 10 ? length + 1 : bytes.subarray(0, length).lastIndexOf(10) + 1
      const now = await readFile(path)
      expect(now.subarray(0, whole)).toEqual(bytes.subarray(0, whole))
      expect(now.subarray(whole).toString()).toMatch(/^[^\n]*"joined"[^\n]*\n$/)
    }
  })

  it('appends nothing to a damaged log, or to one that became shorter', async () => {
    await writeThree()
    const log = openAuditLog(folder, () => 1000)
    await log.append('joined', {})
    const bytes = await readFile(path)
    await writeFile(path, bytes.subarray(0, bytes.indexOf(10) + 1))
    await expect(log.append('joined', {})).rejects.toThrow('cut off its end')
    bytes[20]! ^= 1
    await writeFile(path, bytes)
    await expect(openAuditLog(folder, () => 1000).append('joined', {})).rejects.toThrow('line 1')
    expect(await readFile(path)).toEqual(bytes)
  })

  it('leaves nothing half-written where the disk is full, and goes on later', async () => {
    let room = 10
    const log = new FileAuditLog(path, () => 1000, async (file): Promise<LogHandle> => {
      const handle = await open(file, 'a+').then(async (made) => { await made.close(); return open(file, 'r+') })
      return {
        stat: async () => handle.stat(),
        write: async (bytes, offset, length, position) => {
          const taken = Math.min(length, room)
          room -= taken
          if (taken === 0) {
            throw new Error('ENOSPC')
          }
          return handle.write(bytes, offset, taken, position)
        },
        truncate: async (length) => handle.truncate(length),
        sync: async () => handle.sync(),
        close: async () => handle.close()
      }
    })
    await expect(log.append('founded', {})).rejects.toThrow('ENOSPC')
    expect((await readFile(path)).length).toBe(0)
    room = 1000
    await log.append('founded', {})
    expect(await verifyLog(path)).toMatchObject({ entries: 1, tornBytes: 0 })
  })

  it('takes entries of two processes at once', async () => {
    expect(await Promise.all([appended('one', 40), appended('other', 40)])).toEqual([40, 40])
    expect(await verifyLog(path)).toMatchObject({ entries: 80, tornBytes: 0 })
    expect(await readdir(folder)).toEqual(['audit.jsonl'])
  })

  it('keeps what was acknowledged when its writer is killed, thirty times', async () => {
    const said: number[] = []
    for (let kill = 0; kill < 30; kill++) {
      said.push(await appended(`life ${kill}`, 1000, { killAfter: 1 + kill % 5 }))
    }
    await openAuditLog(folder, () => 1000).append('joined', {})
    const lives = new Map<string, number>()
    const { damage, tornBytes } = await verifyLog(path, {
      onEntry: ({ detail: { name = '' } }) => {
        const life = /^life \d+/.exec(name as string)?.[0] ?? ''
        lives.set(life, (lives.get(life) ?? 0) + 1)
      }
    })
    expect([damage, tornBytes]).toEqual([undefined, 0])
    said.forEach((count, kill) => { expect(lives.get(`life ${kill}`)).toBeGreaterThanOrEqual(count) })
  }, 20_000)

  it('checks a hundred thousand entries in memory that does not grow with them', async () => {
    const lines: Buffer[] = []
    let head = EMPTY_HEAD
    for (let seq = 0; seq < 100_000; seq++) {
      const entry: AuditEntry = { seq, at: seq, kind: 'admission', detail: { peer: 'p'.repeat(52), number: seq, invitation: 'i'.repeat(32) }, previous: head.hash }
      const line = makeLine(entry)
      head = { seq, hash: hashLine(line) }
      lines.push(line, Buffer.from('\n'))
    }
    await writeFile(path, Buffer.concat(lines))
    let most = 0
    const before = process.memoryUsage().arrayBuffers
    expect(await verifyLog(path, { onEntry: ({ seq }) => { most = seq % 1000 === 0 ? Math.max(most, process.memoryUsage().arrayBuffers - before) : most } })).toMatchObject({ entries: 100_000, head })
    expect(most).toBeLessThan(16 * 1024 * 1024)
  })
})
