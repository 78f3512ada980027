/**
 * The actions of `grapevine log`: which flags each takes, and its page of help
 */
import type { VerbAction } from './verb-actions.ts'

export const LOG_ACTIONS = {
  show: { needs: [], takes: ['limit', 'kind'], help: 'the newest entries; "show" may be left out', example: 'show --kind admission --limit 50' },
  verify: { needs: [], takes: ['head'], help: 'walk the chain: is it whole, and does it hold the head that was noted earlier?', example: 'verify --head 9f86d081884c7d65...' },
  export: { needs: [], takes: ['output'], help: 'a copy of the log that was checked, one JSON object a line', example: 'export --output audit.jsonl' }
} as const satisfies Record<string, VerbAction>

export type LogActionName = keyof typeof LOG_ACTIONS
