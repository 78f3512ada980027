/**
 * `grapevine members`: who belongs to an invited federation, who asks to, and what is decided
 */
import { runningPeer } from '../control/running-peer.ts'
import { MEMBERS_ACTIONS } from '../members-actions.ts'
import { requireAction } from '../verb-actions.ts'
import type { VerbContext } from '../context.ts'
import type { ControlClient } from '../control/control-client.ts'
import type { MembersActionName } from '../members-actions.ts'

export type RunMembersAction = (context: VerbContext, client: ControlClient, subjects: readonly string[]) => Promise<void>

const LOADERS: Record<MembersActionName, () => Promise<RunMembersAction>> = {
  list: async () => (await import('./members-list.ts')).listMembers,
  requests: async () => (await import('./members-list.ts')).listRequests,
  acts: async () => (await import('./members-list.ts')).listActs,
  log: async () => (await import('./members-list.ts')).listDecisions,
  approve: async () => (await import('./members-decide.ts')).approve,
  reject: async () => (await import('./members-decide.ts')).reject,
  admit: async () => (await import('./members-decide.ts')).admit,
  revoke: async () => (await import('./members-decide.ts')).revoke,
  appoint: async () => (await import('./members-decide.ts')).appoint,
  dismiss: async () => (await import('./members-decide.ts')).dismiss,
  limit: async () => (await import('./members-decide.ts')).limit
}

/** Throws UsageError, NoHomeError, NotRunningError, GovernanceError */
export async function members (context: VerbContext): Promise<number> {
  const args = context.args.length === 0 ? ['list'] : context.args
  const { name, rest } = requireAction<MembersActionName>('members', MEMBERS_ACTIONS, { ...context, args })
  const run = await LOADERS[name]()
  await run(context, await runningPeer(context.home), rest)
  return 0
}
