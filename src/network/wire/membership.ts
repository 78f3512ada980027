// @ts-nocheck: generated from the .proto file beside it by `npm run build:proto`
import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface MemberRecord {
  federation: string
  peer: Uint8Array<ArrayBuffer>
  addresses: Uint8Array<ArrayBuffer>[]
  sequence: number
  leaving: boolean
  observing: boolean
  ready: boolean
  vouches?: Uint8Array<ArrayBuffer>
}

export namespace MemberRecord {
  let _codec: Codec<MemberRecord>

  export const codec = (): Codec<MemberRecord> => {
    if (_codec == null) {
      _codec = message<MemberRecord>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.federation != null && obj.federation !== '')) {
          w.uint32(10)
          w.string(obj.federation)
        }

        if ((obj.peer != null && obj.peer.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.peer)
        }

        if (obj.addresses != null && obj.addresses.length > 0) {
          for (const value of obj.addresses) {
            w.uint32(26)
            w.bytes(value)
          }
        }

        if ((obj.sequence != null && obj.sequence !== 0)) {
          w.uint32(32)
          w.uint64Number(obj.sequence)
        }

        if ((obj.leaving != null && obj.leaving !== false)) {
          w.uint32(40)
          w.bool(obj.leaving)
        }

        if ((obj.observing != null && obj.observing !== false)) {
          w.uint32(48)
          w.bool(obj.observing)
        }

        if ((obj.ready != null && obj.ready !== false)) {
          w.uint32(160)
          w.bool(obj.ready)
        }

        if (obj.vouches != null) {
          w.uint32(242)
          w.bytes(obj.vouches)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          federation: '',
          peer: uint8ArrayAlloc(0),
          addresses: [],
          sequence: 0,
          leaving: false,
          observing: false,
          ready: false
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.federation = reader.string()
              break
            }
            case 2: {
              obj.peer = reader.bytes()
              break
            }
            case 3: {
              if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
                throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
              }

              if (obj.addresses.length === 8) {
                throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
              }

              obj.addresses.push(reader.bytes())
              break
            }
            case 4: {
              obj.sequence = reader.uint64Number()
              break
            }
            case 5: {
              obj.leaving = reader.bool()
              break
            }
            case 6: {
              obj.observing = reader.bool()
              break
            }
            case 20: {
              obj.ready = reader.bool()
              break
            }
            case 30: {
              obj.vouches = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          addresses: 8
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.federation`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.peer`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              if (opts.limits?.addresses != null && obj.addresses === opts.limits.addresses) {
                throw new MaxLengthError('Streaming decode error - repeated field "addresses" had too many elements')
              }

              if (obj.addresses === 8) {
                throw new MaxLengthError('Streaming decode error - repeated field "addresses" had too many elements')
              }

              yield {
                field: `${prefix}.addresses[]`,
                index: obj.addresses,
                value: reader.bytes()
              }

              obj.addresses++

              break
            }
            case 4: {
              yield {
                field: `${prefix}.sequence`,
                value: reader.uint64Number()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.leaving`,
                value: reader.bool()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.observing`,
                value: reader.bool()
              }
              break
            }
            case 20: {
              yield {
                field: `${prefix}.ready`,
                value: reader.bool()
              }
              break
            }
            case 30: {
              yield {
                field: `${prefix}.vouches`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface MemberRecordFederationFieldEvent {
    field: '$.federation'
    value: string
  }

  export interface MemberRecordPeerFieldEvent {
    field: '$.peer'
    value: Uint8Array<ArrayBuffer>
  }

  export interface MemberRecordAddressesFieldEvent {
    field: '$.addresses[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface MemberRecordSequenceFieldEvent {
    field: '$.sequence'
    value: number
  }

  export interface MemberRecordLeavingFieldEvent {
    field: '$.leaving'
    value: boolean
  }

  export interface MemberRecordObservingFieldEvent {
    field: '$.observing'
    value: boolean
  }

  export interface MemberRecordReadyFieldEvent {
    field: '$.ready'
    value: boolean
  }

  export interface MemberRecordVouchesFieldEvent {
    field: '$.vouches'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<MemberRecord>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, MemberRecord.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MemberRecord>): MemberRecord {
    return decodeMessage(buf, MemberRecord.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MemberRecord>): Generator<MemberRecordFederationFieldEvent | MemberRecordPeerFieldEvent | MemberRecordAddressesFieldEvent | MemberRecordSequenceFieldEvent | MemberRecordLeavingFieldEvent | MemberRecordObservingFieldEvent | MemberRecordReadyFieldEvent | MemberRecordVouchesFieldEvent> {
    return streamMessage(buf, MemberRecord.codec(), opts)
  }
}

export interface Suspicion {
  federation: string
  peer: Uint8Array<ArrayBuffer>
  sequence: number
  reporter: Uint8Array<ArrayBuffer>
}

export namespace Suspicion {
  let _codec: Codec<Suspicion>

  export const codec = (): Codec<Suspicion> => {
    if (_codec == null) {
      _codec = message<Suspicion>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.federation != null && obj.federation !== '')) {
          w.uint32(10)
          w.string(obj.federation)
        }

        if ((obj.peer != null && obj.peer.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.peer)
        }

        if ((obj.sequence != null && obj.sequence !== 0)) {
          w.uint32(24)
          w.uint64Number(obj.sequence)
        }

        if ((obj.reporter != null && obj.reporter.byteLength > 0)) {
          w.uint32(34)
          w.bytes(obj.reporter)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          federation: '',
          peer: uint8ArrayAlloc(0),
          sequence: 0,
          reporter: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.federation = reader.string()
              break
            }
            case 2: {
              obj.peer = reader.bytes()
              break
            }
            case 3: {
              obj.sequence = reader.uint64Number()
              break
            }
            case 4: {
              obj.reporter = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.federation`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.peer`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.sequence`,
                value: reader.uint64Number()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.reporter`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface SuspicionFederationFieldEvent {
    field: '$.federation'
    value: string
  }

  export interface SuspicionPeerFieldEvent {
    field: '$.peer'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SuspicionSequenceFieldEvent {
    field: '$.sequence'
    value: number
  }

  export interface SuspicionReporterFieldEvent {
    field: '$.reporter'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Suspicion>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Suspicion.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Suspicion>): Suspicion {
    return decodeMessage(buf, Suspicion.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Suspicion>): Generator<SuspicionFederationFieldEvent | SuspicionPeerFieldEvent | SuspicionSequenceFieldEvent | SuspicionReporterFieldEvent> {
    return streamMessage(buf, Suspicion.codec(), opts)
  }
}

export interface SignedRecord {
  record: Uint8Array<ArrayBuffer>
  signature: Uint8Array<ArrayBuffer>
}

export namespace SignedRecord {
  let _codec: Codec<SignedRecord>

  export const codec = (): Codec<SignedRecord> => {
    if (_codec == null) {
      _codec = message<SignedRecord>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.record != null && obj.record.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.record)
        }

        if ((obj.signature != null && obj.signature.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.signature)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          record: uint8ArrayAlloc(0),
          signature: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.record = reader.bytes()
              break
            }
            case 2: {
              obj.signature = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.record`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.signature`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface SignedRecordRecordFieldEvent {
    field: '$.record'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedRecordSignatureFieldEvent {
    field: '$.signature'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<SignedRecord>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, SignedRecord.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SignedRecord>): SignedRecord {
    return decodeMessage(buf, SignedRecord.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SignedRecord>): Generator<SignedRecordRecordFieldEvent | SignedRecordSignatureFieldEvent> {
    return streamMessage(buf, SignedRecord.codec(), opts)
  }
}

export interface SignedSuspicion {
  suspicion: Uint8Array<ArrayBuffer>
  signature: Uint8Array<ArrayBuffer>
}

export namespace SignedSuspicion {
  let _codec: Codec<SignedSuspicion>

  export const codec = (): Codec<SignedSuspicion> => {
    if (_codec == null) {
      _codec = message<SignedSuspicion>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.suspicion != null && obj.suspicion.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.suspicion)
        }

        if ((obj.signature != null && obj.signature.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.signature)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          suspicion: uint8ArrayAlloc(0),
          signature: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.suspicion = reader.bytes()
              break
            }
            case 2: {
              obj.signature = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.suspicion`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.signature`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface SignedSuspicionSuspicionFieldEvent {
    field: '$.suspicion'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedSuspicionSignatureFieldEvent {
    field: '$.signature'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<SignedSuspicion>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, SignedSuspicion.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SignedSuspicion>): SignedSuspicion {
    return decodeMessage(buf, SignedSuspicion.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SignedSuspicion>): Generator<SignedSuspicionSuspicionFieldEvent | SignedSuspicionSignatureFieldEvent> {
    return streamMessage(buf, SignedSuspicion.codec(), opts)
  }
}

export interface EquivocationProof {
  first: Uint8Array<ArrayBuffer>
  firstSignature: Uint8Array<ArrayBuffer>
  second: Uint8Array<ArrayBuffer>
  secondSignature: Uint8Array<ArrayBuffer>
}

export namespace EquivocationProof {
  let _codec: Codec<EquivocationProof>

  export const codec = (): Codec<EquivocationProof> => {
    if (_codec == null) {
      _codec = message<EquivocationProof>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.first != null && obj.first.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.first)
        }

        if ((obj.firstSignature != null && obj.firstSignature.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.firstSignature)
        }

        if ((obj.second != null && obj.second.byteLength > 0)) {
          w.uint32(26)
          w.bytes(obj.second)
        }

        if ((obj.secondSignature != null && obj.secondSignature.byteLength > 0)) {
          w.uint32(34)
          w.bytes(obj.secondSignature)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          first: uint8ArrayAlloc(0),
          firstSignature: uint8ArrayAlloc(0),
          second: uint8ArrayAlloc(0),
          secondSignature: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.first = reader.bytes()
              break
            }
            case 2: {
              obj.firstSignature = reader.bytes()
              break
            }
            case 3: {
              obj.second = reader.bytes()
              break
            }
            case 4: {
              obj.secondSignature = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.first`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.firstSignature`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.second`,
                value: reader.bytes()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.secondSignature`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface EquivocationProofFirstFieldEvent {
    field: '$.first'
    value: Uint8Array<ArrayBuffer>
  }

  export interface EquivocationProofFirstSignatureFieldEvent {
    field: '$.firstSignature'
    value: Uint8Array<ArrayBuffer>
  }

  export interface EquivocationProofSecondFieldEvent {
    field: '$.second'
    value: Uint8Array<ArrayBuffer>
  }

  export interface EquivocationProofSecondSignatureFieldEvent {
    field: '$.secondSignature'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<EquivocationProof>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, EquivocationProof.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<EquivocationProof>): EquivocationProof {
    return decodeMessage(buf, EquivocationProof.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<EquivocationProof>): Generator<EquivocationProofFirstFieldEvent | EquivocationProofFirstSignatureFieldEvent | EquivocationProofSecondFieldEvent | EquivocationProofSecondSignatureFieldEvent> {
    return streamMessage(buf, EquivocationProof.codec(), opts)
  }
}

export interface ControlMessage {
  record?: SignedRecord
  suspicion?: SignedSuspicion
  equivocation?: EquivocationProof
  governance?: Uint8Array<ArrayBuffer>
}

export namespace ControlMessage {
  let _codec: Codec<ControlMessage>

  export const codec = (): Codec<ControlMessage> => {
    if (_codec == null) {
      _codec = message<ControlMessage>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.record != null) {
          w.uint32(10)
          SignedRecord.codec().encode(obj.record, w)
        }

        if (obj.suspicion != null) {
          w.uint32(18)
          SignedSuspicion.codec().encode(obj.suspicion, w)
        }

        if (obj.equivocation != null) {
          w.uint32(26)
          EquivocationProof.codec().encode(obj.equivocation, w)
        }

        if (obj.governance != null) {
          w.uint32(34)
          w.bytes(obj.governance)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {}

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.record = SignedRecord.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.record
              })
              break
            }
            case 2: {
              obj.suspicion = SignedSuspicion.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.suspicion
              })
              break
            }
            case 3: {
              obj.equivocation = EquivocationProof.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.equivocation
              })
              break
            }
            case 4: {
              obj.governance = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * SignedRecord.codec().stream(reader, reader.uint32(), `${prefix}.record`, {
                limits: opts.limits?.record
              })

              break
            }
            case 2: {
              yield * SignedSuspicion.codec().stream(reader, reader.uint32(), `${prefix}.suspicion`, {
                limits: opts.limits?.suspicion
              })

              break
            }
            case 3: {
              yield * EquivocationProof.codec().stream(reader, reader.uint32(), `${prefix}.equivocation`, {
                limits: opts.limits?.equivocation
              })

              break
            }
            case 4: {
              yield {
                field: `${prefix}.governance`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface ControlMessageRecordRecordFieldEvent {
    field: '$.record.record'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlMessageRecordSignatureFieldEvent {
    field: '$.record.signature'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlMessageSuspicionSuspicionFieldEvent {
    field: '$.suspicion.suspicion'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlMessageSuspicionSignatureFieldEvent {
    field: '$.suspicion.signature'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlMessageEquivocationFirstFieldEvent {
    field: '$.equivocation.first'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlMessageEquivocationFirstSignatureFieldEvent {
    field: '$.equivocation.firstSignature'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlMessageEquivocationSecondFieldEvent {
    field: '$.equivocation.second'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlMessageEquivocationSecondSignatureFieldEvent {
    field: '$.equivocation.secondSignature'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlMessageGovernanceFieldEvent {
    field: '$.governance'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<ControlMessage>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ControlMessage.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ControlMessage>): ControlMessage {
    return decodeMessage(buf, ControlMessage.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ControlMessage>): Generator<ControlMessageRecordRecordFieldEvent | ControlMessageRecordSignatureFieldEvent | ControlMessageSuspicionSuspicionFieldEvent | ControlMessageSuspicionSignatureFieldEvent | ControlMessageEquivocationFirstFieldEvent | ControlMessageEquivocationFirstSignatureFieldEvent | ControlMessageEquivocationSecondFieldEvent | ControlMessageEquivocationSecondSignatureFieldEvent | ControlMessageGovernanceFieldEvent> {
    return streamMessage(buf, ControlMessage.codec(), opts)
  }
}

export interface MemberEntry {
  signed?: SignedRecord
  ageMs: number
}

export namespace MemberEntry {
  let _codec: Codec<MemberEntry>

  export const codec = (): Codec<MemberEntry> => {
    if (_codec == null) {
      _codec = message<MemberEntry>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.signed != null) {
          w.uint32(10)
          SignedRecord.codec().encode(obj.signed, w)
        }

        if ((obj.ageMs != null && obj.ageMs !== 0)) {
          w.uint32(16)
          w.uint32(obj.ageMs)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          ageMs: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.signed = SignedRecord.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.signed
              })
              break
            }
            case 2: {
              obj.ageMs = reader.uint32()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * SignedRecord.codec().stream(reader, reader.uint32(), `${prefix}.signed`, {
                limits: opts.limits?.signed
              })

              break
            }
            case 2: {
              yield {
                field: `${prefix}.ageMs`,
                value: reader.uint32()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface MemberEntrySignedRecordFieldEvent {
    field: '$.signed.record'
    value: Uint8Array<ArrayBuffer>
  }

  export interface MemberEntrySignedSignatureFieldEvent {
    field: '$.signed.signature'
    value: Uint8Array<ArrayBuffer>
  }

  export interface MemberEntryAgeMsFieldEvent {
    field: '$.ageMs'
    value: number
  }

  export function encode (obj: Partial<MemberEntry>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, MemberEntry.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MemberEntry>): MemberEntry {
    return decodeMessage(buf, MemberEntry.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MemberEntry>): Generator<MemberEntrySignedRecordFieldEvent | MemberEntrySignedSignatureFieldEvent | MemberEntryAgeMsFieldEvent> {
    return streamMessage(buf, MemberEntry.codec(), opts)
  }
}

export interface MemberExchange {
  members: MemberEntry[]
  needed: boolean
}

export namespace MemberExchange {
  let _codec: Codec<MemberExchange>

  export const codec = (): Codec<MemberExchange> => {
    if (_codec == null) {
      _codec = message<MemberExchange>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.members != null && obj.members.length > 0) {
          for (const value of obj.members) {
            w.uint32(10)
            MemberEntry.codec().encode(value, w)
          }
        }

        if ((obj.needed != null && obj.needed !== false)) {
          w.uint32(16)
          w.bool(obj.needed)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          members: [],
          needed: false
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.members != null && obj.members.length === opts.limits.members) {
                throw new MaxLengthError('Decode error - repeated field "members" had too many elements')
              }

              if (obj.members.length === 256) {
                throw new MaxLengthError('Decode error - repeated field "members" had too many elements')
              }

              obj.members.push(MemberEntry.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.members$
              }))
              break
            }
            case 2: {
              obj.needed = reader.bool()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          members: 256
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.members != null && obj.members === opts.limits.members) {
                throw new MaxLengthError('Streaming decode error - repeated field "members" had too many elements')
              }

              if (obj.members === 256) {
                throw new MaxLengthError('Streaming decode error - repeated field "members" had too many elements')
              }

              for (const evt of MemberEntry.codec().stream(reader, reader.uint32(), `${prefix}.members[]`, {
                limits: opts.limits?.members$
              })) {
                yield {
                  ...evt,
                  index: obj.members
                }
              }

              obj.members++

              break
            }
            case 2: {
              yield {
                field: `${prefix}.needed`,
                value: reader.bool()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface MemberExchangeMembersSignedRecordFieldEvent {
    field: '$.members[].signed.record'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface MemberExchangeMembersSignedSignatureFieldEvent {
    field: '$.members[].signed.signature'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface MemberExchangeMembersAgeMsFieldEvent {
    field: '$.members[].ageMs'
    value: number
    index: number
  }

  export interface MemberExchangeNeededFieldEvent {
    field: '$.needed'
    value: boolean
  }

  export function encode (obj: Partial<MemberExchange>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, MemberExchange.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MemberExchange>): MemberExchange {
    return decodeMessage(buf, MemberExchange.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MemberExchange>): Generator<MemberExchangeMembersSignedRecordFieldEvent | MemberExchangeMembersSignedSignatureFieldEvent | MemberExchangeMembersAgeMsFieldEvent | MemberExchangeNeededFieldEvent> {
    return streamMessage(buf, MemberExchange.codec(), opts)
  }
}
