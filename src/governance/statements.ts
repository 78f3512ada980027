/**
 * Records: what peers tell each other about membership, as bytes that prove themselves
 *
 * One value has one encoding (canonical dag-cbor), and whatever is read is bounded before work is done on it. Reading
 * never throws: what a stranger sent is a record or it is not. Signatures are checked on demand, because most records
 * that arrive are not news.
 */
import { decode, encode } from '@ipld/dag-cbor'
import { actField, actIdOf, MAX_GUESTS, MAX_VOTERS } from './acts.ts'
import { isBoundedCbor } from './cbor-bounds.ts'
import { ascending, bytesField, counter, federationField, hash32, instant, integer, listOf, literal, oneOf, peerField, personName, shape } from './fields.ts'
import { hashOf, SIGNATURE_BYTES, signedBy, toHex } from './peer-key.ts'
import { MAX_RECORD_BYTES } from './governance-interface.ts'
import type { Field } from './fields.ts'
import type { Act, Ballot, CertificateBody, Decision, DepartureBody, EndorsementBody, GovernanceRecord, ObjectionBody, RequestBody, Statement, StatementBody, VotingKeyBody } from './governance-interface.ts'
import type { Signer } from './peer-key.ts'
import type { PeerName } from '../interface.ts'

export { actIdOf, sortedVoters } from './acts.ts'
export type { Signer } from './peer-key.ts'

const STATEMENT_DOMAIN = new TextEncoder().encode('grapevine/statement/2\n')
const DECISION_DOMAIN = new TextEncoder().encode('grapevine/decision/2\n')
const BALLOT_DOMAIN = new TextEncoder().encode('grapevine/ballot/2\n')

/** The deepest record is an appointment inside an endorsement; the longest list is one of voters, twice */
const BOUNDS = { maxDepth: 8, maxValues: 1_024 }
const MAX_CERTIFICATE_BYTES = 32_768
const MAX_BALLOT_BYTES = 49_152

const common = { federation: federationField }

const certificate = shape<CertificateBody>(
  { kind: literal('certificate'), ...common, peer: peerField, number: integer(1, MAX_GUESTS), issuedAt: instant, expiresAt: instant, name: personName }, ['name'])
const request = shape<RequestBody>({ kind: literal('request'), ...common, at: instant, name: personName }, ['name'])
const endorsement = shape<EndorsementBody>({ kind: literal('endorsement'), ...common, epoch: counter, act: actField, at: instant })
const objection = shape<ObjectionBody>({ kind: literal('objection'), ...common, epoch: counter, actId: hash32, at: instant })
const votingKey = shape<VotingKeyBody>({ kind: literal('voting-key'), ...common, epoch: counter, votingKey: hash32 })
const departure = shape<DepartureBody>({ kind: literal('departure'), ...common, at: instant, slot: counter })

const bodyField: Field<StatementBody> = oneOf<StatementBody, 'kind'>('kind', new Map<unknown, Field<StatementBody>>(([
  ['certificate', certificate], ['request', request], ['endorsement', endorsement], ['objection', objection], ['voting-key', votingKey], ['departure', departure]
] as Array<[string, Field<StatementBody>]>)))

const signatureField = bytesField(SIGNATURE_BYTES)

interface StatementWire { type: 'statement', author: PeerName, body: StatementBody, signature: Uint8Array }
interface ProofWire { author: PeerName, at: number, signature: Uint8Array }
interface DecisionWire { type: 'decision', federation: string, epoch: number, slot: number, act: Act, endorsements: ProofWire[], certificate: Uint8Array }
interface BallotWire { type: 'ballot', epoch: number, slot: number, message: Uint8Array }

const statementField = shape<StatementWire>({ type: literal('statement'), author: peerField, body: bodyField, signature: signatureField })
const proofsField = ascending(listOf(shape<ProofWire>({ author: peerField, at: instant, signature: signatureField }), 1, MAX_VOTERS), ({ author }) => author)
const decisionField = shape<DecisionWire>(
  { type: literal('decision'), ...common, epoch: counter, slot: counter, act: actField, endorsements: proofsField, certificate: bytesField(1, MAX_CERTIFICATE_BYTES) })
const ballotField = shape<BallotWire>({ type: literal('ballot'), epoch: counter, slot: counter, message: bytesField(1, MAX_BALLOT_BYTES) })

type RecordWire = StatementWire | DecisionWire | BallotWire
const recordField: Field<RecordWire> = oneOf<RecordWire, 'type'>('type', new Map<unknown, Field<RecordWire>>(([
  ['statement', statementField], ['decision', decisionField], ['ballot', ballotField]
] as Array<[string, Field<RecordWire>]>)))

/** Signatures of statements that were made or read here. A statement from elsewhere is read again from its bytes */
const signatures = new WeakMap<Statement, Uint8Array>()
const verdicts = new WeakMap<Statement, boolean>()

/** What is signed, but for the domain */
function content (author: PeerName, body: StatementBody): Uint8Array {
  return encode({ author: peerField.write(author), body: bodyField.write(body) })
}

function withDomain (bytes: Uint8Array): Uint8Array {
  return Buffer.concat([STATEMENT_DOMAIN, bytes])
}

/** sha-256 of domain, author and body, hex: whatever the signature */
export function statementId<Body extends StatementBody> ({ author, body }: Pick<Statement<Body>, 'author' | 'body'>): string {
  return toHex(hashOf(STATEMENT_DOMAIN, content(author, body)))
}

function makeStatement<Body extends StatementBody> (author: PeerName, body: Body, signature: Uint8Array): Statement<Body> {
  const wire: StatementWire = { type: 'statement', author, body, signature }
  const statement: Statement<Body> = { type: 'statement', id: statementId({ author, body }), author, body, bytes: encode(statementField.write(wire)) }
  signatures.set(statement, signature)
  return statement
}

/** Throws RangeError for a body that nobody would read */
export async function signStatement<Body extends StatementBody> (signer: Signer, body: Body): Promise<Statement<Body>> {
  const own = bodyField.read(bodyField.write(body)) as Body
  const signature = new Uint8Array(await signer.sign(withDomain(content(signer.peer, own))))
  return makeStatement(signer.peer, own, signatureField.read(signature))
}

/** The signature of a statement that another part of the program put together: only if it is what its bytes say */
function signatureOf (statement: Statement): Uint8Array | undefined {
  const known = signatures.get(statement)
  if (known !== undefined) {
    return known
  }
  const read = readRecord(statement.bytes)
  return read?.type === 'statement' && read.id === statementId(statement) ? signatures.get(read) : undefined
}

/** Whether its author signed it. Worked out once for each object; never throws */
export function verifyStatement (statement: Statement): boolean {
  const known = verdicts.get(statement)
  if (known !== undefined) {
    return known
  }
  let verdict = false
  try {
    const signature = signatureOf(statement)
    verdict = signature !== undefined && signedBy(statement.author, withDomain(content(statement.author, statement.body)), signature)
  } catch {
    // a body that no statement has: nobody signed it
  }
  verdicts.set(statement, verdict)
  return verdict
}

function decisionId (federation: string, slot: number, actId: string): string {
  return toHex(hashOf(DECISION_DOMAIN, encode([federation, slot, hash32.write(actId)])))
}

function decisionOf (wire: DecisionWire, endorsements: Array<Statement<EndorsementBody>>, bytes: Uint8Array): Decision {
  const { federation, epoch, slot, act } = wire
  const actId = actIdOf(federation, epoch, act)
  return { type: 'decision', id: decisionId(federation, slot, actId), epoch, slot, act, actId, endorsements, certificate: wire.certificate, bytes }
}

function endorsementsOf ({ federation, epoch, act, endorsements }: DecisionWire): Array<Statement<EndorsementBody>> {
  return endorsements.map(({ author, at, signature }) => makeStatement<EndorsementBody>(author, { kind: 'endorsement', federation, epoch, act, at }, signature))
}

export interface DecisionInit {
  federation: string
  epoch: number
  slot: number
  act: Act
  endorsements: ReadonlyArray<Statement<EndorsementBody>>
  certificate: Uint8Array
}

/** Throws RangeError where the endorsements are of something else, or nobody would read it */
export function makeDecision ({ federation, epoch, slot, act, endorsements, certificate }: DecisionInit): Decision {
  const actId = actIdOf(federation, epoch, act)
  const ordered = [...new Map(endorsements.map((statement) => [statement.author, statement])).values()].sort((a, b) => a.author < b.author ? -1 : 1)
  const proofs = ordered.map((statement) => {
    const { body, author } = statement
    const signature = signatureOf(statement)
    if (signature === undefined || body.federation !== federation || body.epoch !== epoch || actIdOf(federation, epoch, body.act) !== actId) {
      throw new RangeError('an endorsement of something else')
    }
    return { author, at: body.at, signature }
  })
  const wire: DecisionWire = { type: 'decision', federation, epoch, slot, act, endorsements: proofs, certificate }
  const own = decisionField.read(decisionField.write(wire))
  return decisionOf(own, ordered, encode(decisionField.write(own)))
}

/** Throws RangeError for a message that nobody would read */
export function makeBallot ({ epoch, slot, message }: Pick<Ballot, 'epoch' | 'slot' | 'message'>): Ballot {
  const wire = ballotField.read(ballotField.write({ type: 'ballot', epoch, slot, message }))
  return ballotOf(wire, encode(ballotField.write(wire)))
}

function ballotOf ({ epoch, slot, message }: BallotWire, bytes: Uint8Array): Ballot {
  return { type: 'ballot', id: toHex(hashOf(BALLOT_DOMAIN, bytes)), epoch, slot, message, bytes }
}

function recordOf (wire: RecordWire, bytes: Uint8Array): GovernanceRecord {
  switch (wire.type) {
    case 'statement':
      return makeStatement(wire.author, wire.body, wire.signature)
    case 'decision':
      return decisionOf(wire, endorsementsOf(wire), new Uint8Array(bytes))
    case 'ballot':
      return ballotOf(wire, new Uint8Array(bytes))
  }
}

function sameBytes (a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** Undefined for whatever is no record, or spelled otherwise than this program spells it. Never throws */
export function readRecord (bytes: Uint8Array): GovernanceRecord | undefined {
  if (bytes.byteLength > MAX_RECORD_BYTES || !isBoundedCbor(bytes, BOUNDS)) {
    return undefined
  }
  try {
    const wire = recordField.read(decode(bytes))
    return sameBytes(encode(recordField.write(wire)), bytes) ? recordOf(wire, bytes) : undefined
  } catch {
    // whatever a stranger sent, it is no record
    return undefined
  }
}
