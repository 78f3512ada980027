/**
 * Settings of `grapevine log`: a part of the table of settings
 */
import { AUDIT_KINDS } from '../src/audit-log/entry.ts'
import { FLAG_ONLY } from './setting.ts'
import type { Setting, Z } from './setting.ts'

export const LOG_SETTINGS = {
  kind: {
    schema: (z: Z) => z.enum(AUDIT_KINDS),
    expects: `one of ${AUDIT_KINDS.join(', ')}`,
    value: 'KIND',
    verbs: ['log'],
    sources: FLAG_ONLY,
    help: 'list entries of this kind only: admission, invitation, decision, key, export and others'
  },
  head: {
    schema: (z: Z) => z.string().regex(/^[0-9a-f]{64}$/),
    expects: 'a hash of 64 hex digits, as grapevine log verify prints it',
    value: 'HASH',
    verbs: ['log'],
    sources: FLAG_ONLY,
    help: 'the head of the audit log that was noted earlier: must be in the chain'
  }
} as const satisfies Record<string, Setting>
