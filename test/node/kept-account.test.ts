/**
 * What a governor accounts for, in the audit log
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openAuditLog } from '../../src/audit-log/audit-log.ts'
import { verifyLog } from '../../src/audit-log/verify.ts'
import { keepAccount } from '../../src/node/kept-account.ts'

let folder: string

beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'grapevine-account-')) })
afterEach(async () => rm(folder, { recursive: true }))

it('is written in order, before it is closed; a secret is refused, and told once', async () => {
  const warnings: string[] = []
  const { account, joined, close } = keepAccount(openAuditLog(folder, () => 1000), (message) => { warnings.push(message) })
  joined('federation', 'joined')
  account('invitation', { made: 'id', uses: 1, expiresAt: 2000 })
  account('invitation', { made: 'id', secret: 'secret' })
  account('invitation', { made: 'id', token: 'token' })
  account('decision', { slot: 0, act: { do: 'admit', peer: 'p', name: undefined }, endorsedBy: ['p'] })
  await close()
  const kinds: string[] = []
  await verifyLog(join(folder, 'audit.jsonl'), { onEntry: ({ kind }) => { kinds.push(kind) } })
  expect(kinds).toEqual(['joined', 'invitation', 'decision'])
  expect(warnings).toHaveLength(1)
})

it('warns once, and throws nothing, where the log is damaged', async () => {
  await writeFile(join(folder, 'audit.jsonl'), 'damage\n')
  const warnings: string[] = []
  const { account, close } = keepAccount(openAuditLog(folder, () => 1000), (message) => { warnings.push(message) })
  account('standing', { standing: 'member' })
  account('standing', { standing: 'member' })
  await close()
  expect(warnings).toEqual([expect.stringContaining('line 1')])
})
