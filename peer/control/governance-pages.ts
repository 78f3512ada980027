/**
 * The pages of the control endpoint about membership: what the node's owner sees, and does
 */
import { bestAddresses } from '../best-address.ts'
import { GOVERNANCE_PREFIX } from './governance-interface.ts'
import type { ActOutcome, DecisionSummary, GovernanceAnswers, GovernanceChanges, ListedInvitation } from './governance-interface.ts'
import type { Decision, Invitation, NodeGovernance, OpenAct } from '../../src/governance/governance-interface.ts'
import type { GrapevineNode } from '../../src/node/node-interface.ts'
import type { ZodType } from 'zod'

export type GovernedNode = Pick<GrapevineNode, 'governance' | 'describe'>

/** Of the inviter, in a token */
const MAX_ADDRESSES = 4
const MAX_TEXT = 256

const READ: { [Page in keyof GovernanceAnswers]: (governance: NodeGovernance) => GovernanceAnswers[Page] } = {
  status: (governance) => governance.status(),
  requests: (governance) => governance.requests(),
  acts: (governance) => governance.acts(),
  decisions: (governance) => governance.decisions().map(summaryOf),
  invitations: (governance) => governance.invitations().map(withoutSecret)
}

type Change<Page extends keyof GovernanceChanges> = (node: GovernedNode, governance: NodeGovernance, body: GovernanceChanges[Page]['takes']) => Promise<GovernanceChanges[Page]['gives']>

const CHANGE: { [Page in keyof GovernanceChanges]: Change<Page> } = {
  invite: async (node, governance, wish) => {
    const { token, invitation } = await governance.invite({ ...wish, addresses: bestAddresses(node.describe().addresses, MAX_ADDRESSES) })
    return { token, invitation: withoutSecret(invitation) }
  },
  cancel: async (_, governance, { jti }) => {
    await governance.cancelInvitation(jti)
    return null
  },
  approve: async (_, governance, { selector }) => outcomeOf(await governance.approve(selector)),
  reject: async (_, governance, { selector }) => {
    await governance.reject(selector)
    return null
  },
  propose: async (_, governance, wish) => outcomeOf(await governance.propose(wish))
}

/** The page's name where a path leads to one that changes something */
export function changePage (pathname: string): keyof GovernanceChanges | undefined {
  const page = pathname.slice(GOVERNANCE_PREFIX.length)
  return pathname.startsWith(GOVERNANCE_PREFIX) && Object.hasOwn(CHANGE, page) ? page as keyof GovernanceChanges : undefined
}

/** Undefined when there is no such page. Throws GovernanceError in an open federation */
export async function readGovernance (node: GovernedNode, pathname: string): Promise<object | undefined> {
  const page = pathname.slice(GOVERNANCE_PREFIX.length)
  return pathname.startsWith(GOVERNANCE_PREFIX) && Object.hasOwn(READ, page) ? READ[page as keyof GovernanceAnswers](await requireGovernance(node)) : undefined
}

/**
 * Undefined for a body that the page does not take
 *
 * Throws GovernanceError, as the node does
 */
export async function changeGovernance (node: GovernedNode, page: keyof GovernanceChanges, body: unknown): Promise<{ result: unknown } | undefined> {
  const checked = (await bodySchema(page)).safeParse(body)
  if (!checked.success) {
    return undefined
  }
  // checked by the schema of the very page
  const change = CHANGE[page] as Change<keyof GovernanceChanges>
  return { result: await change(node, await requireGovernance(node), checked.data as never) }
}

async function requireGovernance (node: GovernedNode): Promise<NodeGovernance> {
  const governance = node.governance()
  if (governance !== undefined) {
    return governance
  }
  const { GovernanceError } = await import('../../src/errors.ts')
  throw new GovernanceError(node.describe().federation === undefined
    ? 'this peer knows its federation not yet: try again when it has joined'
    : 'this federation is open: whoever connects takes part, nobody is invited and nobody decides', 'open-federation')
}

async function bodySchema (page: keyof GovernanceChanges): Promise<ZodType> {
  const z = await import('../checks.ts')
  const text = z.string().min(1).max(MAX_TEXT)
  const peer = z.string().min(1).max(128)
  const schemas = {
    invite: () => z.strictObject({ name: text.optional(), uses: z.int().min(1).optional(), lifeMs: z.int().min(1).optional(), approve: z.boolean().optional() }),
    cancel: () => z.strictObject({ jti: text }),
    approve: () => z.strictObject({ selector: text }),
    reject: () => z.strictObject({ selector: text }),
    propose: () => z.discriminatedUnion('do', [
      z.strictObject({ do: z.enum(['admit', 'appoint', 'dismiss']), peer, name: text.optional() }),
      z.strictObject({ do: z.literal('revoke'), peer, reason: text.optional() }),
      z.strictObject({ do: z.literal('raise-limit'), peer, guests: z.int().min(1) })
    ])
  } satisfies Record<keyof GovernanceChanges, () => ZodType>
  return schemas[page]()
}

function outcomeOf (act: OpenAct | Decision): ActOutcome {
  return 'type' in act ? { decision: summaryOf(act) } : { open: act }
}

export function summaryOf ({ id, slot, epoch, act, actId, endorsements }: Decision): DecisionSummary {
  return { id, slot, epoch, act, actId, endorsedBy: endorsements.map(({ author }) => author) }
}

function withoutSecret ({ secret: _, ...invitation }: Invitation): ListedInvitation {
  return invitation
}
