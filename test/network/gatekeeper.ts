/**
 * A gatekeeper for tests of the network: records are lines of text, genuine when they name the authority that only
 * members of the test know
 */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { TypedEventEmitter } from 'main-event'
import type { AdmissionAnswer, AdmissionHello, AdmissionSession, Gatekeeper, GatekeeperEvents, RecordDigests, RecordVerdict, RefusalReason, Standing } from '../../src/governance/governance-interface.ts'
import type { PeerName } from '../../src/interface.ts'

const AUTHORITY = 'by the authority of this test'

export function memberRecord (peer: PeerName, authority = AUTHORITY): Uint8Array {
  return Buffer.from(`member ${peer} ${authority}`)
}

export function endRecord (peer: PeerName, standing: Standing): Uint8Array {
  return Buffer.from(`${standing} ${peer} ${AUTHORITY}`)
}

/** A record that says nothing about anybody: `size` bytes and more */
export function noteRecord (text: string, size = 0): Uint8Array {
  return Buffer.from(`note ${text.padEnd(size, '.')} ${AUTHORITY}`)
}

export interface TestTranscript { guest: PeerName, inviter: PeerName, guestNonce: Uint8Array, inviterNonce: Uint8Array, federation: string, jti: Uint8Array }

function proof (side: string) {
  return (secret: Uint8Array, { guest, inviter, guestNonce, inviterNonce, federation, jti }: TestTranscript): Uint8Array => {
    const mac = createHmac('sha256', secret)
    ;[side, guest, inviter, federation].forEach((text) => mac.update(`${text.length} ${text}`))
    ;[guestNonce, inviterNonce, jti].forEach((bytes) => mac.update(bytes))
    return mac.digest()
  }
}

export const inviterProof = proof('inviter')
export const guestProof = proof('guest')
export const sameProof = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b)

export interface FakeInvitation { jti: Uint8Array, secret: Uint8Array, used: boolean, approve: boolean }

export class FakeGatekeeper extends TypedEventEmitter<GatekeeperEvents> implements Gatekeeper {
  readonly self: PeerName
  readonly federation: string
  readonly records = new Map<string, Uint8Array>()
  readonly taken: Array<{ text: string, from: PeerName, verdict: RecordVerdict }> = []
  readonly hellos: AdmissionHello[] = []
  readonly invitations: FakeInvitation[] = []
  document: Uint8Array = Uint8Array.of(0xa0)
  /** Updates of revoked authors up to this sequence are still welcome */
  readonly lastSequence = new Map<PeerName, number>()

  constructor (self: PeerName, known: PeerName[] = [self], federation = '') {
    super()
    this.self = self
    this.federation = federation
    known.forEach((peer) => { this.add(memberRecord(peer)) })
  }

  private add (record: Uint8Array): void {
    this.records.set(createHash('sha256').update(record).digest('hex'), record)
  }

  private texts (): string[] {
    return [...this.records.values()].map((record) => Buffer.from(record).toString())
  }

  standing = (peer: PeerName): Standing => {
    const end = this.texts().map((text) => text.split(' ')).find(([kind, who]) => who === peer && kind !== 'member' && kind !== 'request')
    if (end !== undefined) {
      return end[0] as Standing
    }
    return this.texts().includes(`member ${peer} ${AUTHORITY}`) ? 'member' : 'unknown'
  }

  acceptsUpdate = (author: PeerName, sequence: number): boolean => this.standing(author) === 'member' || sequence <= (this.lastSequence.get(author) ?? 0)

  grounds = (): Uint8Array[] => []
  credentials = (): Uint8Array[] => this.standing(this.self) === 'unknown' ? [] : [memberRecord(this.self)]

  take = (record: Uint8Array, from: PeerName): RecordVerdict => {
    const verdict = this.judge(record, from)
    this.taken.push({ text: Buffer.from(record).toString(), from, verdict })
    return verdict
  }

  private judge (record: Uint8Array, from: PeerName): RecordVerdict {
    const text = Buffer.from(record).toString()
    if (!text.endsWith(AUTHORITY) && !text.startsWith('request ')) {
      return 'invalid'
    }
    if (this.texts().includes(text)) {
      return 'known'
    }
    this.add(record)
    this.safeDispatchEvent('records', { detail: { records: [record], ...(from === this.self ? {} : { from }) } })
    this.safeDispatchEvent('change', { detail: undefined })
    return 'news'
  }

  /** As the owner's own act */
  make (record: Uint8Array): void {
    this.take(record, this.self)
  }

  invite (approve = false): FakeInvitation {
    const invitation = { jti: Uint8Array.from(randomBytes(16)), secret: Uint8Array.from(randomBytes(32)), used: false, approve }
    this.invitations.push(invitation)
    return invitation
  }

  readonly admission = {
    begin: (hello: AdmissionHello): AdmissionSession | AdmissionAnswer => {
      this.hellos.push(hello)
      hello.records.forEach((record) => { this.take(record, hello.peer) })
      const standing = this.standing(hello.peer)
      if (standing === 'member') {
        return this.admitted(hello.peer)
      }
      if (hello.invitation !== undefined && standing === 'unknown') {
        return this.session(hello, hello.invitation)
      }
      if (this.texts().some((text) => text.startsWith(`request ${hello.peer} `))) {
        return { status: 'waiting' }
      }
      return { status: 'refused', reason: standing === 'unknown' ? 'not-a-member' : standing }
    }
  }

  private admitted (peer: PeerName): AdmissionAnswer {
    return { status: 'admitted', records: [memberRecord(peer)], document: this.document }
  }

  private session ({ peer, nonce: guestNonce }: AdmissionHello, jti: Uint8Array): AdmissionSession | AdmissionAnswer {
    const invitation = this.invitations.find((known) => sameProof(known.jti, jti))
    const reason: RefusalReason | undefined = invitation === undefined ? 'unknown-invitation' : invitation.used ? 'invitation-used' : undefined
    if (invitation === undefined || reason !== undefined) {
      return { status: 'refused', reason: reason! }
    }
    const inviterNonce = Uint8Array.from(randomBytes(32))
    const transcript = { guest: peer, inviter: this.self, guestNonce, inviterNonce, federation: this.federation, jti }
    return {
      challenge: { nonce: inviterNonce, proof: inviterProof(invitation.secret, transcript) },
      prove: async (given) => {
        if (!sameProof(given, guestProof(invitation.secret, transcript))) {
          return { status: 'refused', reason: 'wrong-proof' }
        }
        invitation.used = true
        if (invitation.approve) {
          this.take(Buffer.from(`request ${peer} x`), peer)
          return { status: 'waiting' }
        }
        this.take(memberRecord(peer), this.self)
        return this.admitted(peer)
      }
    }
  }

  private ids (bucket?: number): Buffer[] {
    return [...this.records.keys()].map((id) => Buffer.from(id, 'hex')).filter((id) => bucket === undefined || id[0] === bucket).sort((a, b) => a.compare(b))
  }

  readonly set: RecordDigests = (() => {
    const hash = (ids: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(ids)).digest()
    const ids = (bucket?: number): Buffer[] => this.ids(bucket)
    const { records } = this
    return {
      get size () { return records.size },
      root: () => hash(ids()),
      buckets: () => Buffer.concat(Array.from({ length: 256 }, (_, bucket) => ids(bucket).length === 0 ? Buffer.alloc(8) : hash(ids(bucket)).subarray(0, 8))),
      idsIn: ids,
      get: (id: Uint8Array) => records.get(Buffer.from(id).toString('hex'))
    }
  })()
}
