/**
 * What the store keeps about the federation and its peers: the document, the last publication, addresses, bans
 */
import * as z from 'zod'
import { MAX_BANS, surplusBans } from '../ban-table.ts'
import { FederationMismatchError } from '../errors.ts'
import { documentId } from '../federation/federation-id.ts'
import { preparationOf } from '../federation/preparation.ts'
import { decodeJson, encodeJson } from './json-value.ts'
import { corruptError } from './store-error.ts'
import type { Database, TableName } from './database.ts'
import type { Ban, PeerAddress, Publication } from '../interface.ts'

const LAST_PUBLICATION = 'last'
const LAST_UPDATE = 'update'
const LAST_RECORD = 'record'

const publicationSchema = z.strictObject({ round: z.int(), sequence: z.int() })
const recordSchema = z.strictObject({ sequence: z.int().nonnegative() })
const peerSchema = z.strictObject({ addresses: z.array(z.string()), lastConnectedAt: z.number() })
const banSchema = z.strictObject({ reason: z.string(), until: z.number(), evidence: z.string().exactOptional() })

export class MembershipTables {
  private readonly database: Database
  private preparationOfDocument: string | undefined

  constructor (database: Database) {
    this.database = database
  }

  /** The document lies under its own id, so that damage shows */
  async getFederation (): Promise<Uint8Array | undefined> {
    const [entry] = await this.database.entries('federation', { limit: 1 })
    if (entry === undefined) {
      return undefined
    }
    const [id, document] = entry
    if (documentId(document) !== id) {
      throw corruptError(this.database.location, `the federation document differs from its id ${id}`)
    }
    return new Uint8Array(document)
  }

  /** Of the stored document, read once; undefined while there is none */
  async preparation (): Promise<string | undefined> {
    if (this.preparationOfDocument === undefined) {
      const document = await this.getFederation()
      this.preparationOfDocument = document === undefined ? undefined : preparationOf(document)
    }
    return this.preparationOfDocument
  }

  async putFederation (document: Uint8Array): Promise<void> {
    const id = documentId(document)
    const [stored] = await this.database.keys('federation')
    if (stored !== undefined && stored !== id) {
      throw new FederationMismatchError(`the store in ${this.database.location} belongs to federation ${stored}, not to ${id}: use another home for another federation`)
    }
    if (stored === undefined) {
      await this.database.write([{ table: 'federation', key: id, value: new Uint8Array(document) }], { sync: true })
    }
  }

  async putPublication ({ round, sequence }: Publication): Promise<void> {
    await this.database.write([{ table: 'publication', key: LAST_PUBLICATION, value: encodeJson({ round, sequence }) }], { sync: true })
  }

  async getPublication (): Promise<Publication | undefined> {
    const bytes = await this.database.get('publication', LAST_PUBLICATION)
    return bytes === undefined ? undefined : decodeJson(publicationSchema, bytes, { location: this.database.location, table: 'publication', key: LAST_PUBLICATION })
  }

  /** Its own checks are in it: hash and signature */
  async putPublished (message: Uint8Array): Promise<void> {
    await this.database.write([{ table: 'publication', key: LAST_UPDATE, value: message }])
  }

  /** Always a copy: a database in memory hands out its own bytes */
  async getPublished (): Promise<Uint8Array | undefined> {
    const bytes = await this.database.get('publication', LAST_UPDATE)
    return bytes === undefined ? undefined : new Uint8Array(bytes)
  }

  /** Numbers, newest update and member record of a key that is not used any more */
  async forgetPublications (): Promise<void> {
    await this.database.write([LAST_PUBLICATION, LAST_UPDATE, LAST_RECORD].map((key) => ({ table: 'publication' as const, key })), { sync: true })
  }

  async putRecordSequence (sequence: number): Promise<void> {
    await this.database.write([{ table: 'publication', key: LAST_RECORD, value: encodeJson({ sequence }) }])
  }

  async getRecordSequence (): Promise<number> {
    const bytes = await this.database.get('publication', LAST_RECORD)
    return bytes === undefined ? 0 : decodeJson(recordSchema, bytes, { location: this.database.location, table: 'publication', key: LAST_RECORD }).sequence
  }

  /** Ascending by peer id */
  async peers (): Promise<PeerAddress[]> {
    return (await this.records('peers', peerSchema)).map(([peer, record]) => ({ peer, ...record }))
  }

  async putPeer ({ peer, addresses, lastConnectedAt }: PeerAddress): Promise<void> {
    await this.database.write([{ table: 'peers', key: peer, value: encodeJson({ addresses, lastConnectedAt }) }])
  }

  async deletePeer (peer: string): Promise<void> {
    await this.database.write([{ table: 'peers', key: peer }])
  }

  /** Those that still hold at `now`, ascending by peer id */
  async bans (now: number): Promise<Ban[]> {
    return (await this.records('bans', banSchema)).map(([peer, record]) => ({ peer, ...record })).filter(({ until }) => until > now)
  }

  /** Bans that have run out by `now` make room, and where that is too little the least of the others */
  async putBan ({ peer, ...ban }: Ban, now: number): Promise<void> {
    const others = (await this.records('bans', banSchema))
      .filter(([key]) => key !== peer)
      .map(([key, { until, evidence }]) => ({ key, until, proven: evidence !== undefined }))
    const isOver = ({ until }: { until: number }): boolean => until <= now
    const over = [...others.filter(isOver), ...surplusBans(others.filter((other) => !isOver(other)), MAX_BANS - 1)]
    await this.database.write([
      ...over.map(({ key }) => ({ table: 'bans' as const, key })),
      { table: 'bans', key: peer, value: encodeJson(ban) }
    ])
  }

  private async records<T> (table: TableName, schema: z.ZodType<T>): Promise<Array<[string, T]>> {
    const { location } = this.database
    return (await this.database.entries(table)).map(([key, bytes]) => [key, decodeJson(schema, bytes, { location, table, key })])
  }
}
