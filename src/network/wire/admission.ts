// @ts-nocheck: generated from the .proto file beside it by `npm run build:proto`
import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface AdmissionHello {
  federation: string
  nonce: Uint8Array<ArrayBuffer>
  records: Uint8Array<ArrayBuffer>[]
  invitation?: Uint8Array<ArrayBuffer>
  brief: boolean
}

export namespace AdmissionHello {
  let _codec: Codec<AdmissionHello>

  export const codec = (): Codec<AdmissionHello> => {
    if (_codec == null) {
      _codec = message<AdmissionHello>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.federation != null && obj.federation !== '')) {
          w.uint32(10)
          w.string(obj.federation)
        }

        if ((obj.nonce != null && obj.nonce.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.nonce)
        }

        if (obj.records != null && obj.records.length > 0) {
          for (const value of obj.records) {
            w.uint32(26)
            w.bytes(value)
          }
        }

        if (obj.invitation != null) {
          w.uint32(34)
          w.bytes(obj.invitation)
        }

        if ((obj.brief != null && obj.brief !== false)) {
          w.uint32(40)
          w.bool(obj.brief)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          federation: '',
          nonce: uint8ArrayAlloc(0),
          records: [],
          brief: false
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
              obj.nonce = reader.bytes()
              break
            }
            case 3: {
              if (opts.limits?.records != null && obj.records.length === opts.limits.records) {
                throw new MaxLengthError('Decode error - repeated field "records" had too many elements')
              }

              if (obj.records.length === 64) {
                throw new MaxLengthError('Decode error - repeated field "records" had too many elements')
              }

              obj.records.push(reader.bytes())
              break
            }
            case 4: {
              obj.invitation = reader.bytes()
              break
            }
            case 5: {
              obj.brief = reader.bool()
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
          records: 64
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
                field: `${prefix}.nonce`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              if (opts.limits?.records != null && obj.records === opts.limits.records) {
                throw new MaxLengthError('Streaming decode error - repeated field "records" had too many elements')
              }

              if (obj.records === 64) {
                throw new MaxLengthError('Streaming decode error - repeated field "records" had too many elements')
              }

              yield {
                field: `${prefix}.records[]`,
                index: obj.records,
                value: reader.bytes()
              }

              obj.records++

              break
            }
            case 4: {
              yield {
                field: `${prefix}.invitation`,
                value: reader.bytes()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.brief`,
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

  export interface AdmissionHelloFederationFieldEvent {
    field: '$.federation'
    value: string
  }

  export interface AdmissionHelloNonceFieldEvent {
    field: '$.nonce'
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionHelloRecordsFieldEvent {
    field: '$.records[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionHelloInvitationFieldEvent {
    field: '$.invitation'
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionHelloBriefFieldEvent {
    field: '$.brief'
    value: boolean
  }

  export function encode (obj: Partial<AdmissionHello>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, AdmissionHello.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdmissionHello>): AdmissionHello {
    return decodeMessage(buf, AdmissionHello.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdmissionHello>): Generator<AdmissionHelloFederationFieldEvent | AdmissionHelloNonceFieldEvent | AdmissionHelloRecordsFieldEvent | AdmissionHelloInvitationFieldEvent | AdmissionHelloBriefFieldEvent> {
    return streamMessage(buf, AdmissionHello.codec(), opts)
  }
}

export interface AdmissionChallenge {
  nonce: Uint8Array<ArrayBuffer>
  proof: Uint8Array<ArrayBuffer>
}

export namespace AdmissionChallenge {
  let _codec: Codec<AdmissionChallenge>

  export const codec = (): Codec<AdmissionChallenge> => {
    if (_codec == null) {
      _codec = message<AdmissionChallenge>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.nonce != null && obj.nonce.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.nonce)
        }

        if ((obj.proof != null && obj.proof.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.proof)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          nonce: uint8ArrayAlloc(0),
          proof: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.nonce = reader.bytes()
              break
            }
            case 2: {
              obj.proof = reader.bytes()
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
                field: `${prefix}.nonce`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.proof`,
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

  export interface AdmissionChallengeNonceFieldEvent {
    field: '$.nonce'
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionChallengeProofFieldEvent {
    field: '$.proof'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<AdmissionChallenge>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, AdmissionChallenge.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdmissionChallenge>): AdmissionChallenge {
    return decodeMessage(buf, AdmissionChallenge.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdmissionChallenge>): Generator<AdmissionChallengeNonceFieldEvent | AdmissionChallengeProofFieldEvent> {
    return streamMessage(buf, AdmissionChallenge.codec(), opts)
  }
}

export interface AdmissionAnswer {
  status: number
  reason: string
  records: Uint8Array<ArrayBuffer>[]
  document: Uint8Array<ArrayBuffer>
  credentials: Uint8Array<ArrayBuffer>[]
  federation: string
}

export namespace AdmissionAnswer {
  let _codec: Codec<AdmissionAnswer>

  export const codec = (): Codec<AdmissionAnswer> => {
    if (_codec == null) {
      _codec = message<AdmissionAnswer>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.status != null && obj.status !== 0)) {
          w.uint32(8)
          w.uint32(obj.status)
        }

        if ((obj.reason != null && obj.reason !== '')) {
          w.uint32(18)
          w.string(obj.reason)
        }

        if (obj.records != null && obj.records.length > 0) {
          for (const value of obj.records) {
            w.uint32(26)
            w.bytes(value)
          }
        }

        if ((obj.document != null && obj.document.byteLength > 0)) {
          w.uint32(34)
          w.bytes(obj.document)
        }

        if (obj.credentials != null && obj.credentials.length > 0) {
          for (const value of obj.credentials) {
            w.uint32(42)
            w.bytes(value)
          }
        }

        if ((obj.federation != null && obj.federation !== '')) {
          w.uint32(50)
          w.string(obj.federation)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          status: 0,
          reason: '',
          records: [],
          document: uint8ArrayAlloc(0),
          credentials: [],
          federation: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.status = reader.uint32()
              break
            }
            case 2: {
              obj.reason = reader.string()
              break
            }
            case 3: {
              if (opts.limits?.records != null && obj.records.length === opts.limits.records) {
                throw new MaxLengthError('Decode error - repeated field "records" had too many elements')
              }

              if (obj.records.length === 1024) {
                throw new MaxLengthError('Decode error - repeated field "records" had too many elements')
              }

              obj.records.push(reader.bytes())
              break
            }
            case 4: {
              obj.document = reader.bytes()
              break
            }
            case 5: {
              if (opts.limits?.credentials != null && obj.credentials.length === opts.limits.credentials) {
                throw new MaxLengthError('Decode error - repeated field "credentials" had too many elements')
              }

              if (obj.credentials.length === 64) {
                throw new MaxLengthError('Decode error - repeated field "credentials" had too many elements')
              }

              obj.credentials.push(reader.bytes())
              break
            }
            case 6: {
              obj.federation = reader.string()
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
          records: 1024,
          credentials: 64
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.status`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.reason`,
                value: reader.string()
              }
              break
            }
            case 3: {
              if (opts.limits?.records != null && obj.records === opts.limits.records) {
                throw new MaxLengthError('Streaming decode error - repeated field "records" had too many elements')
              }

              if (obj.records === 1024) {
                throw new MaxLengthError('Streaming decode error - repeated field "records" had too many elements')
              }

              yield {
                field: `${prefix}.records[]`,
                index: obj.records,
                value: reader.bytes()
              }

              obj.records++

              break
            }
            case 4: {
              yield {
                field: `${prefix}.document`,
                value: reader.bytes()
              }
              break
            }
            case 5: {
              if (opts.limits?.credentials != null && obj.credentials === opts.limits.credentials) {
                throw new MaxLengthError('Streaming decode error - repeated field "credentials" had too many elements')
              }

              if (obj.credentials === 64) {
                throw new MaxLengthError('Streaming decode error - repeated field "credentials" had too many elements')
              }

              yield {
                field: `${prefix}.credentials[]`,
                index: obj.credentials,
                value: reader.bytes()
              }

              obj.credentials++

              break
            }
            case 6: {
              yield {
                field: `${prefix}.federation`,
                value: reader.string()
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

  export interface AdmissionAnswerStatusFieldEvent {
    field: '$.status'
    value: number
  }

  export interface AdmissionAnswerReasonFieldEvent {
    field: '$.reason'
    value: string
  }

  export interface AdmissionAnswerRecordsFieldEvent {
    field: '$.records[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionAnswerDocumentFieldEvent {
    field: '$.document'
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionAnswerCredentialsFieldEvent {
    field: '$.credentials[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionAnswerFederationFieldEvent {
    field: '$.federation'
    value: string
  }

  export function encode (obj: Partial<AdmissionAnswer>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, AdmissionAnswer.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdmissionAnswer>): AdmissionAnswer {
    return decodeMessage(buf, AdmissionAnswer.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdmissionAnswer>): Generator<AdmissionAnswerStatusFieldEvent | AdmissionAnswerReasonFieldEvent | AdmissionAnswerRecordsFieldEvent | AdmissionAnswerDocumentFieldEvent | AdmissionAnswerCredentialsFieldEvent | AdmissionAnswerFederationFieldEvent> {
    return streamMessage(buf, AdmissionAnswer.codec(), opts)
  }
}

export interface AdmissionFarewell {
  reason: string
  records: Uint8Array<ArrayBuffer>[]
}

export namespace AdmissionFarewell {
  let _codec: Codec<AdmissionFarewell>

  export const codec = (): Codec<AdmissionFarewell> => {
    if (_codec == null) {
      _codec = message<AdmissionFarewell>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.reason != null && obj.reason !== '')) {
          w.uint32(10)
          w.string(obj.reason)
        }

        if (obj.records != null && obj.records.length > 0) {
          for (const value of obj.records) {
            w.uint32(18)
            w.bytes(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          reason: '',
          records: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.reason = reader.string()
              break
            }
            case 2: {
              if (opts.limits?.records != null && obj.records.length === opts.limits.records) {
                throw new MaxLengthError('Decode error - repeated field "records" had too many elements')
              }

              if (obj.records.length === 64) {
                throw new MaxLengthError('Decode error - repeated field "records" had too many elements')
              }

              obj.records.push(reader.bytes())
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
          records: 64
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.reason`,
                value: reader.string()
              }
              break
            }
            case 2: {
              if (opts.limits?.records != null && obj.records === opts.limits.records) {
                throw new MaxLengthError('Streaming decode error - repeated field "records" had too many elements')
              }

              if (obj.records === 64) {
                throw new MaxLengthError('Streaming decode error - repeated field "records" had too many elements')
              }

              yield {
                field: `${prefix}.records[]`,
                index: obj.records,
                value: reader.bytes()
              }

              obj.records++

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

  export interface AdmissionFarewellReasonFieldEvent {
    field: '$.reason'
    value: string
  }

  export interface AdmissionFarewellRecordsFieldEvent {
    field: '$.records[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<AdmissionFarewell>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, AdmissionFarewell.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdmissionFarewell>): AdmissionFarewell {
    return decodeMessage(buf, AdmissionFarewell.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdmissionFarewell>): Generator<AdmissionFarewellReasonFieldEvent | AdmissionFarewellRecordsFieldEvent> {
    return streamMessage(buf, AdmissionFarewell.codec(), opts)
  }
}

export interface RecordsMessage {
  root?: Uint8Array<ArrayBuffer>
  buckets?: Uint8Array<ArrayBuffer>
  numbers?: Uint8Array<ArrayBuffer>
  ids?: Uint8Array<ArrayBuffer>
  records: Uint8Array<ArrayBuffer>[]
}

export namespace RecordsMessage {
  let _codec: Codec<RecordsMessage>

  export const codec = (): Codec<RecordsMessage> => {
    if (_codec == null) {
      _codec = message<RecordsMessage>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.root != null) {
          w.uint32(10)
          w.bytes(obj.root)
        }

        if (obj.buckets != null) {
          w.uint32(18)
          w.bytes(obj.buckets)
        }

        if (obj.numbers != null) {
          w.uint32(26)
          w.bytes(obj.numbers)
        }

        if (obj.ids != null) {
          w.uint32(34)
          w.bytes(obj.ids)
        }

        if (obj.records != null && obj.records.length > 0) {
          for (const value of obj.records) {
            w.uint32(42)
            w.bytes(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          records: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.root = reader.bytes()
              break
            }
            case 2: {
              obj.buckets = reader.bytes()
              break
            }
            case 3: {
              obj.numbers = reader.bytes()
              break
            }
            case 4: {
              obj.ids = reader.bytes()
              break
            }
            case 5: {
              if (opts.limits?.records != null && obj.records.length === opts.limits.records) {
                throw new MaxLengthError('Decode error - repeated field "records" had too many elements')
              }

              if (obj.records.length === 8192) {
                throw new MaxLengthError('Decode error - repeated field "records" had too many elements')
              }

              obj.records.push(reader.bytes())
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
          records: 8192
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.root`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.buckets`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.numbers`,
                value: reader.bytes()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.ids`,
                value: reader.bytes()
              }
              break
            }
            case 5: {
              if (opts.limits?.records != null && obj.records === opts.limits.records) {
                throw new MaxLengthError('Streaming decode error - repeated field "records" had too many elements')
              }

              if (obj.records === 8192) {
                throw new MaxLengthError('Streaming decode error - repeated field "records" had too many elements')
              }

              yield {
                field: `${prefix}.records[]`,
                index: obj.records,
                value: reader.bytes()
              }

              obj.records++

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

  export interface RecordsMessageRootFieldEvent {
    field: '$.root'
    value: Uint8Array<ArrayBuffer>
  }

  export interface RecordsMessageBucketsFieldEvent {
    field: '$.buckets'
    value: Uint8Array<ArrayBuffer>
  }

  export interface RecordsMessageNumbersFieldEvent {
    field: '$.numbers'
    value: Uint8Array<ArrayBuffer>
  }

  export interface RecordsMessageIdsFieldEvent {
    field: '$.ids'
    value: Uint8Array<ArrayBuffer>
  }

  export interface RecordsMessageRecordsFieldEvent {
    field: '$.records[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<RecordsMessage>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RecordsMessage.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RecordsMessage>): RecordsMessage {
    return decodeMessage(buf, RecordsMessage.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RecordsMessage>): Generator<RecordsMessageRootFieldEvent | RecordsMessageBucketsFieldEvent | RecordsMessageNumbersFieldEvent | RecordsMessageIdsFieldEvent | RecordsMessageRecordsFieldEvent> {
    return streamMessage(buf, RecordsMessage.codec(), opts)
  }
}

export interface AdmissionMessage {
  hello?: AdmissionHello
  challenge?: AdmissionChallenge
  proof?: Uint8Array<ArrayBuffer>
  answer?: AdmissionAnswer
  farewell?: AdmissionFarewell
}

export namespace AdmissionMessage {
  let _codec: Codec<AdmissionMessage>

  export const codec = (): Codec<AdmissionMessage> => {
    if (_codec == null) {
      _codec = message<AdmissionMessage>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.hello != null) {
          w.uint32(10)
          AdmissionHello.codec().encode(obj.hello, w)
        }

        if (obj.challenge != null) {
          w.uint32(18)
          AdmissionChallenge.codec().encode(obj.challenge, w)
        }

        if (obj.proof != null) {
          w.uint32(26)
          w.bytes(obj.proof)
        }

        if (obj.answer != null) {
          w.uint32(34)
          AdmissionAnswer.codec().encode(obj.answer, w)
        }

        if (obj.farewell != null) {
          w.uint32(42)
          AdmissionFarewell.codec().encode(obj.farewell, w)
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
              obj.hello = AdmissionHello.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.hello
              })
              break
            }
            case 2: {
              obj.challenge = AdmissionChallenge.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.challenge
              })
              break
            }
            case 3: {
              obj.proof = reader.bytes()
              break
            }
            case 4: {
              obj.answer = AdmissionAnswer.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.answer
              })
              break
            }
            case 5: {
              obj.farewell = AdmissionFarewell.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.farewell
              })
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
              yield * AdmissionHello.codec().stream(reader, reader.uint32(), `${prefix}.hello`, {
                limits: opts.limits?.hello
              })

              break
            }
            case 2: {
              yield * AdmissionChallenge.codec().stream(reader, reader.uint32(), `${prefix}.challenge`, {
                limits: opts.limits?.challenge
              })

              break
            }
            case 3: {
              yield {
                field: `${prefix}.proof`,
                value: reader.bytes()
              }
              break
            }
            case 4: {
              yield * AdmissionAnswer.codec().stream(reader, reader.uint32(), `${prefix}.answer`, {
                limits: opts.limits?.answer
              })

              break
            }
            case 5: {
              yield * AdmissionFarewell.codec().stream(reader, reader.uint32(), `${prefix}.farewell`, {
                limits: opts.limits?.farewell
              })

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

  export interface AdmissionMessageHelloFederationFieldEvent {
    field: '$.hello.federation'
    value: string
  }

  export interface AdmissionMessageHelloNonceFieldEvent {
    field: '$.hello.nonce'
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionMessageHelloRecordsFieldEvent {
    field: '$.hello.records[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionMessageHelloInvitationFieldEvent {
    field: '$.hello.invitation'
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionMessageHelloBriefFieldEvent {
    field: '$.hello.brief'
    value: boolean
  }

  export interface AdmissionMessageChallengeNonceFieldEvent {
    field: '$.challenge.nonce'
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionMessageChallengeProofFieldEvent {
    field: '$.challenge.proof'
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionMessageProofFieldEvent {
    field: '$.proof'
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionMessageAnswerStatusFieldEvent {
    field: '$.answer.status'
    value: number
  }

  export interface AdmissionMessageAnswerReasonFieldEvent {
    field: '$.answer.reason'
    value: string
  }

  export interface AdmissionMessageAnswerRecordsFieldEvent {
    field: '$.answer.records[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionMessageAnswerDocumentFieldEvent {
    field: '$.answer.document'
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionMessageAnswerCredentialsFieldEvent {
    field: '$.answer.credentials[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmissionMessageAnswerFederationFieldEvent {
    field: '$.answer.federation'
    value: string
  }

  export interface AdmissionMessageFarewellReasonFieldEvent {
    field: '$.farewell.reason'
    value: string
  }

  export interface AdmissionMessageFarewellRecordsFieldEvent {
    field: '$.farewell.records[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<AdmissionMessage>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, AdmissionMessage.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdmissionMessage>): AdmissionMessage {
    return decodeMessage(buf, AdmissionMessage.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdmissionMessage>): Generator<AdmissionMessageHelloFederationFieldEvent | AdmissionMessageHelloNonceFieldEvent | AdmissionMessageHelloRecordsFieldEvent | AdmissionMessageHelloInvitationFieldEvent | AdmissionMessageHelloBriefFieldEvent | AdmissionMessageChallengeNonceFieldEvent | AdmissionMessageChallengeProofFieldEvent | AdmissionMessageProofFieldEvent | AdmissionMessageAnswerStatusFieldEvent | AdmissionMessageAnswerReasonFieldEvent | AdmissionMessageAnswerRecordsFieldEvent | AdmissionMessageAnswerDocumentFieldEvent | AdmissionMessageAnswerCredentialsFieldEvent | AdmissionMessageAnswerFederationFieldEvent | AdmissionMessageFarewellReasonFieldEvent | AdmissionMessageFarewellRecordsFieldEvent> {
    return streamMessage(buf, AdmissionMessage.codec(), opts)
  }
}
