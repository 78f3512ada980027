/**
 * `grapevine log`, as a user has it
 */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAuditLog } from '../../src/audit-log/audit-log.ts'
import { OWN_FILES } from '../../peer/home.ts'
import { steering } from '../hostile-text.ts'
import { run } from './program.ts'

let folder: string
let home: string
let file: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapevine-log-'))
  home = join(folder, 'home')
  file = join(home, 'audit.jsonl')
  expect((await run(['init', '--home', home, '--preset', 'digits', '--membership', 'invited'])).exit).toBe(0)
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

async function ask (...args: string[]): Promise<Record<string, unknown>> {
  const { exit, stdout } = await run(['log', ...args, '--home', home, '--json'])
  return { ...JSON.parse(stdout.split('\n')[0]!) as Record<string, unknown>, exit }
}

describe('grapevine log', () => {
  it('tells what init did, in a file for its owner only', async () => {
    const { exit, entries } = await ask()
    expect(exit).toBe(0)
    expect(entries).toMatchObject([{ kind: 'key', detail: { made: 'identity' } }, { kind: 'key', detail: { made: 'voting-key', epoch: 0 } }, { kind: 'founded' }])
    expect((await stat(file)).mode & 0o077).toBe(0)
    expect(OWN_FILES.test('audit.jsonl')).toBe(true)
    expect(OWN_FILES.test('audit.jsonl.lock')).toBe(true)
  })

  it('lists the newest of a kind, and nothing in it steers a terminal', async () => {
    await openAuditLog(home, Date.now).append('request', { peer: '\u001b[2J\u009b2J\u202eevil\r\n0  forged' })
    expect(await ask('show', '--kind', 'key', '--limit', '1')).toMatchObject({ exit: 0, entries: [{ seq: 1 }] })
    const { stdout } = await run(['log', '--kind', 'request', '--home', home])
    expect(steering(stdout.trimEnd())).toBeUndefined()
    expect(stdout).toContain('forged')
    expect(stdout.trimEnd().split('\n')).toHaveLength(1)
  })

  it('writes the log itself, byte for byte', async () => {
    const bytes = await readFile(file, 'utf8')
    expect((await run(['log', 'export', '--home', home])).stdout).toBe(bytes)
    const target = join(folder, 'copy.jsonl')
    expect((await run(['log', 'export', '--output', target, '--home', home])).exit).toBe(0)
    expect(await readFile(target, 'utf8')).toBe(bytes)
  })

  it('finds a head that was noted, and says where it is missing', async () => {
    const { head: { hash } } = await ask('verify') as { head: { hash: string } }
    const bytes = await readFile(file)
    await openAuditLog(home, Date.now).append('export', { round: 1 })
    expect(await ask('verify', '--head', hash)).toMatchObject({ exit: 0, hasHead: true })
    await writeFile(file, bytes.subarray(0, bytes.indexOf(10) + 1))
    const cut = await run(['log', 'verify', '--head', hash, '--home', home])
    expect(cut.exit).toBe(13)
    expect(cut.stderr).toContain('GRAPEVINE_E_AUDIT_LOG_DAMAGED')
    await writeFile(file, bytes)
  })

  it.each(['show', 'verify', 'export'])('%s names the line of a damage, with exit code 13', async (action) => {
    const bytes = await readFile(file)
    const edited = Buffer.from(bytes)
    edited[bytes.indexOf(10) + 30]! ^= 1
    await writeFile(file, edited)
    const { exit, stderr } = await run(['log', action, '--home', home])
    await writeFile(file, bytes)
    expect(exit).toBe(13)
    expect(stderr).toContain('line 2')
  })

  it('refuses what it does not know', async () => {
    expect((await run(['log', 'erase', '--home', home])).exit).toBe(2)
    expect((await run(['log', 'verify', '--kind', 'key', '--home', home])).exit).toBe(2)
    expect((await run(['log', '--head', 'abc', '--home', home])).exit).toBe(2)
    expect((await run(['log', '--home', join(folder, 'nobody')])).exit).toBe(3)
  })
})
