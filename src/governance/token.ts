/**
 * An invitation as text: what is printed, pasted and scanned
 *
 * `gv1_`, then in base64url the fields and the inviter's signature, then four characters of a checksum. All of it is
 * checked before anything is dialled, and the checksum first, so that a lost character is told from a forged token.
 */
import { createHash } from 'node:crypto'
import { decode, encode } from '@ipld/dag-cbor'
import { InvitationError } from '../errors.ts'
import { quoted } from '../quoted.ts'
import { isBoundedCbor } from './cbor-bounds.ts'
import { CLOCK_TOLERANCE_MS } from './chains.ts'
import { bytesField, federationField, instant, listOf, peerField, personName, shape, truth } from './fields.ts'
import { JTI_BYTES, SECRET_BYTES } from './handshake.ts'
import { SIGNATURE_BYTES, signedBy } from './peer-key.ts'
import type { Field } from './fields.ts'
import type { InvitationToken } from './governance-interface.ts'
import type { Signer } from './peer-key.ts'

const PREFIX = 'gv1_'
const DOMAIN = new TextEncoder().encode('grapevine/invitation/2\n')
const CHECKSUM_CHARACTERS = 4
/** Of the largest token, with blanks and line breaks */
const MAX_TEXT = 4_096
const MAX_ADDRESSES = 4
const MAX_ADDRESS_CHARACTERS = 256
const BOUNDS = { maxDepth: 2, maxValues: 32 }

/** A multiaddr without its end, which names the inviter: the token does so once. What it means is up to network/ */
const ADDRESS = /^(?:\/[\x21-\x2e\x30-\x7e]+)+$/

const addressField: Field<string> = {
  write: (value) => value,
  read: (value) => {
    if (typeof value !== 'string' || value.length > MAX_ADDRESS_CHARACTERS || !ADDRESS.test(value)) {
      throw new RangeError('not an address')
    }
    return value
  }
}

const tokenField = shape<InvitationToken>({
  federation: federationField,
  inviter: peerField,
  jti: bytesField(JTI_BYTES),
  secret: bytesField(SECRET_BYTES),
  addresses: listOf(addressField, 1, MAX_ADDRESSES),
  issuedAt: instant,
  expiresAt: instant,
  approve: truth,
  name: personName
}, ['name'])

/** A list, as the names of fields would be a fifth of the text. Without a name it is shorter by one */
const ORDER = ['federation', 'inviter', 'jti', 'secret', 'addresses', 'issuedAt', 'expiresAt', 'approve', 'name'] as const

function toList (token: InvitationToken): unknown[] {
  const written = tokenField.write(token) as Record<string, unknown>
  return ORDER.filter((key) => written[key] !== undefined).map((key) => written[key])
}

function fromList (list: unknown): InvitationToken {
  if (!Array.isArray(list) || list.length > ORDER.length) {
    throw new RangeError('not a list of these fields')
  }
  return tokenField.read(Object.fromEntries(list.map((value, index) => [ORDER[index], value])))
}

function suffixOf ({ inviter }: Pick<InvitationToken, 'inviter'>): string {
  return `/p2p/${inviter}`
}

function checksum (body: string): string {
  return createHash('sha256').update(DOMAIN).update(body).digest('base64url').slice(0, CHECKSUM_CHARACTERS)
}

function toSign (payload: Uint8Array): Uint8Array {
  return Buffer.concat([DOMAIN, payload])
}

function withoutSuffix (token: InvitationToken): InvitationToken {
  const suffix = suffixOf(token)
  const wrong = token.addresses.find((address) => !address.endsWith(suffix))
  if (wrong !== undefined) {
    throw new RangeError(`the address ${quoted(wrong)} does not end in ${suffix}`)
  }
  return { ...token, addresses: token.addresses.map((address) => address.slice(0, -suffix.length)) }
}

/** Throws RangeError for a token that nobody would read: no addresses, or of another peer; an end before the start */
export async function encodeToken (signer: Signer, token: InvitationToken): Promise<string> {
  if (signer.peer !== token.inviter || token.expiresAt <= token.issuedAt) {
    throw new RangeError('a token is signed by its inviter, and ends after it begins')
  }
  const written = toList(withoutSuffix(token))
  fromList(written)
  const payload = encode(written)
  const body = Buffer.concat([payload, await signer.sign(toSign(payload))]).toString('base64url')
  return PREFIX + body + checksum(body)
}

/** Without blanks and line breaks, as a mail or a terminal puts in */
function compact (text: string): string {
  if (text.length > MAX_TEXT) {
    throw new InvitationError(`the text has ${text.length} characters, and an invitation at most ${MAX_TEXT}: paste the invitation alone`, 'malformed')
  }
  return text.replace(/\s+/gu, '')
}

function bodyOf (token: string): string {
  if (!token.startsWith(PREFIX)) {
    const other = /^gv\d{1,3}_/.exec(token)?.[0]
    throw new InvitationError(other === undefined
      ? `${quoted(token)} is no invitation: one begins with ${PREFIX}; paste all of what the inviter sent`
      : `the invitation begins with ${other}, and this version of Grapevine reads ${PREFIX}: use the inviter's version`, 'malformed')
  }
  const body = token.slice(PREFIX.length, -CHECKSUM_CHARACTERS)
  if (!/^[\w-]+$/.test(body) || checksum(body) !== token.slice(-CHECKSUM_CHARACTERS)) {
    throw new InvitationError('a character of the invitation is missing or wrong: its checksum does not fit; copy all of it again', 'checksum')
  }
  return body
}

/** The fields of what the inviter's program wrote; undefined for anything else */
function readPayload (payload: Uint8Array): InvitationToken | undefined {
  if (!isBoundedCbor(payload, BOUNDS)) {
    return undefined
  }
  try {
    const token = fromList(decode(payload))
    const isCanonical = Buffer.compare(encode(toList(token)), payload) === 0
    return isCanonical && token.expiresAt > token.issuedAt ? { ...token, addresses: token.addresses.map((address) => address + suffixOf(token)) } : undefined
  } catch {
    // whatever it is, no program of ours made it
    return undefined
  }
}

function utc (ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

function requireNow ({ issuedAt, expiresAt }: InvitationToken, nowMs: number): void {
  if (nowMs > expiresAt) {
    throw new InvitationError(`the invitation expired at ${utc(expiresAt)}, and it is ${utc(nowMs)} here: ask the inviter for a new one`, 'expired')
  }
  if (nowMs < issuedAt - CLOCK_TOLERANCE_MS) {
    throw new InvitationError(`the invitation was made at ${utc(issuedAt)}, and this machine's clock says ${utc(nowMs)}: set the clock right`, 'clock')
  }
}

/** Throws InvitationError, with one line that says what is wrong and what to do */
export function decodeToken (text: string, nowMs: number): InvitationToken {
  const bytes = new Uint8Array(Buffer.from(bodyOf(compact(text)), 'base64url'))
  const payload = bytes.subarray(0, -SIGNATURE_BYTES)
  const token = readPayload(payload)
  if (token === undefined) {
    throw new InvitationError('the invitation is whole, but holds something that this version of Grapevine does not know: use the inviter\'s version', 'malformed')
  }
  if (!signedBy(token.inviter, toSign(payload), bytes.subarray(-SIGNATURE_BYTES))) {
    throw new InvitationError(`the invitation is not signed by ${token.inviter}, whom it names as the inviter: it was forged; ask the inviter for one over another way`, 'signature')
  }
  requireNow(token, nowMs)
  return token
}
