/**
 * Settings about who may take part: a part of the one table in settings.ts
 */
import { count, FLAG_ONLY, toggle } from './setting.ts'
import type { Setting, Z } from './setting.ts'
import type { ZodType } from 'zod'

const MINUTE_MS = 60_000
const UNIT_MS = { m: MINUTE_MS, h: 60 * MINUTE_MS, d: 1_440 * MINUTE_MS } as const
const MAX_LIFE_MS = 365 * UNIT_MS.d

/** A name as statements carry it: printed on terminals of others */
const NAME = /^[\p{L}\p{N}](?:[\p{L}\p{N} ._-]*[\p{L}\p{N}._-])?$/u

/** `30m`, `12h` or `7d` in milliseconds; undefined: it is none, below a minute, or above a year */
export function parsedLife (text: string): number | undefined {
  const [, amount, unit] = /^([1-9]\d{0,6})([mhd])$/.exec(text) ?? []
  if (amount === undefined || unit === undefined) {
    return undefined
  }
  const lifeMs = Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS]
  return lifeMs <= MAX_LIFE_MS ? lifeMs : undefined
}

/** Milliseconds */
function life (z: Z): ZodType<number> {
  return z.string().refine((value) => parsedLife(value) !== undefined).transform((value) => parsedLife(value)!)
}

export const MEMBERSHIP_SETTINGS = {
  membership: {
    schema: (z: Z) => z.enum(['open', 'invited']),
    expects: 'open or invited',
    value: 'HOW',
    verbs: ['init'],
    sources: FLAG_ONLY,
    shownDefault: 'invited for a document made to fit the data; open for a preset; of a file what it says',
    help: 'who may take part in a new federation: whoever connects, or whom members invite and voters admit'
  },
  guests: {
    schema: count(0, 1_000),
    expects: 'a whole number from 0 to 1000',
    value: 'N',
    verbs: ['init'],
    sources: FLAG_ONLY,
    shownDefault: '8',
    help: 'how many peers each member of a new federation may invite'
  },
  certificateDays: {
    schema: count(1, 3_650),
    expects: 'a whole number from 1 to 3650',
    value: 'DAYS',
    verbs: ['init'],
    sources: FLAG_ONLY,
    shownDefault: '365',
    help: 'how long an invitation\'s certificate holds in a new federation; its inviter renews it before that'
  },
  name: {
    schema: (z: Z) => z.string().max(64).regex(NAME),
    expects: 'a name of 1 to 64 letters, digits, spaces and . _ -',
    value: 'NAME',
    verbs: ['invite', 'join', 'members'],
    sources: FLAG_ONLY,
    help: 'whom an invitation is for, or who asks to be admitted: all members read it',
    helpFor: { invite: 'whom the invitation is for: all members read it', join: 'who asks to be admitted: whoever decides reads it, and then all members', members: 'the name of a peer that is admitted: all members read it' }
  },
  uses: {
    schema: count(1, 1_000),
    expects: 'a whole number from 1 to 1000',
    value: 'N',
    verbs: ['invite'],
    sources: FLAG_ONLY,
    shownDefault: '1',
    help: 'how many peers may redeem the invitation'
  },
  expires: {
    schema: life,
    expects: 'a time from 1m to 365d, such as 30m, 12h or 7d',
    value: 'TIME',
    verbs: ['invite'],
    sources: FLAG_ONLY,
    shownDefault: '7d',
    help: 'how long the invitation can be redeemed'
  },
  approve: {
    schema: toggle,
    expects: 'true or false',
    verbs: ['invite'],
    sources: FLAG_ONLY,
    help: 'who redeems the invitation is not a member at once: the voters decide'
  },
  qr: {
    schema: toggle,
    expects: 'true or false',
    verbs: ['invite'],
    sources: FLAG_ONLY,
    help: 'show the token as a QR code, also where the output is no terminal'
  }
} as const satisfies Record<string, Setting>
