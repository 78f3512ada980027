// @ts-nocheck: generated from the .proto file beside it by `npm run build:proto`
import { decodeMessage, encodeMessage, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface UpdateHeader {
  version: number
  federation: string
  author: Uint8Array<ArrayBuffer>
  round: number
  sequence: number
  previousHash: Uint8Array<ArrayBuffer>
  payloadHash: Uint8Array<ArrayBuffer>
  payloadBytes: number
  kind: number
  codec: string
  replicaHash: Uint8Array<ArrayBuffer>
  degree: number
  epoch: number
  incarnation: number
  stream: number
  streamVersion: number
  step: number
  receiver: Uint8Array<ArrayBuffer>
  vector: number
}

export namespace UpdateHeader {
  let _codec: Codec<UpdateHeader>

  export const codec = (): Codec<UpdateHeader> => {
    if (_codec == null) {
      _codec = message<UpdateHeader>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.version != null && obj.version !== 0)) {
          w.uint32(8)
          w.uint32(obj.version)
        }

        if ((obj.federation != null && obj.federation !== '')) {
          w.uint32(18)
          w.string(obj.federation)
        }

        if ((obj.author != null && obj.author.byteLength > 0)) {
          w.uint32(26)
          w.bytes(obj.author)
        }

        if ((obj.round != null && obj.round !== 0)) {
          w.uint32(32)
          w.uint64Number(obj.round)
        }

        if ((obj.sequence != null && obj.sequence !== 0)) {
          w.uint32(40)
          w.uint64Number(obj.sequence)
        }

        if ((obj.previousHash != null && obj.previousHash.byteLength > 0)) {
          w.uint32(50)
          w.bytes(obj.previousHash)
        }

        if ((obj.payloadHash != null && obj.payloadHash.byteLength > 0)) {
          w.uint32(58)
          w.bytes(obj.payloadHash)
        }

        if ((obj.payloadBytes != null && obj.payloadBytes !== 0)) {
          w.uint32(64)
          w.uint64Number(obj.payloadBytes)
        }

        if ((obj.kind != null && obj.kind !== 0)) {
          w.uint32(72)
          w.uint32(obj.kind)
        }

        if ((obj.codec != null && obj.codec !== '')) {
          w.uint32(82)
          w.string(obj.codec)
        }

        if ((obj.replicaHash != null && obj.replicaHash.byteLength > 0)) {
          w.uint32(90)
          w.bytes(obj.replicaHash)
        }

        if ((obj.degree != null && obj.degree !== 0)) {
          w.uint32(96)
          w.uint32(obj.degree)
        }

        if ((obj.epoch != null && obj.epoch !== 0)) {
          w.uint32(104)
          w.uint32(obj.epoch)
        }

        if ((obj.incarnation != null && obj.incarnation !== 0)) {
          w.uint32(112)
          w.uint32(obj.incarnation)
        }

        if ((obj.stream != null && obj.stream !== 0)) {
          w.uint32(120)
          w.uint64Number(obj.stream)
        }

        if ((obj.streamVersion != null && obj.streamVersion !== 0)) {
          w.uint32(128)
          w.uint64Number(obj.streamVersion)
        }

        if ((obj.step != null && obj.step !== 0)) {
          w.uint32(136)
          w.uint32(obj.step)
        }

        if ((obj.receiver != null && obj.receiver.byteLength > 0)) {
          w.uint32(146)
          w.bytes(obj.receiver)
        }

        if ((obj.vector != null && obj.vector !== 0)) {
          w.uint32(152)
          w.uint32(obj.vector)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          version: 0,
          federation: '',
          author: uint8ArrayAlloc(0),
          round: 0,
          sequence: 0,
          previousHash: uint8ArrayAlloc(0),
          payloadHash: uint8ArrayAlloc(0),
          payloadBytes: 0,
          kind: 0,
          codec: '',
          replicaHash: uint8ArrayAlloc(0),
          degree: 0,
          epoch: 0,
          incarnation: 0,
          stream: 0,
          streamVersion: 0,
          step: 0,
          receiver: uint8ArrayAlloc(0),
          vector: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.version = reader.uint32()
              break
            }
            case 2: {
              obj.federation = reader.string()
              break
            }
            case 3: {
              obj.author = reader.bytes()
              break
            }
            case 4: {
              obj.round = reader.uint64Number()
              break
            }
            case 5: {
              obj.sequence = reader.uint64Number()
              break
            }
            case 6: {
              obj.previousHash = reader.bytes()
              break
            }
            case 7: {
              obj.payloadHash = reader.bytes()
              break
            }
            case 8: {
              obj.payloadBytes = reader.uint64Number()
              break
            }
            case 9: {
              obj.kind = reader.uint32()
              break
            }
            case 10: {
              obj.codec = reader.string()
              break
            }
            case 11: {
              obj.replicaHash = reader.bytes()
              break
            }
            case 12: {
              obj.degree = reader.uint32()
              break
            }
            case 13: {
              obj.epoch = reader.uint32()
              break
            }
            case 14: {
              obj.incarnation = reader.uint32()
              break
            }
            case 15: {
              obj.stream = reader.uint64Number()
              break
            }
            case 16: {
              obj.streamVersion = reader.uint64Number()
              break
            }
            case 17: {
              obj.step = reader.uint32()
              break
            }
            case 18: {
              obj.receiver = reader.bytes()
              break
            }
            case 19: {
              obj.vector = reader.uint32()
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
                field: `${prefix}.version`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.federation`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.author`,
                value: reader.bytes()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.round`,
                value: reader.uint64Number()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.sequence`,
                value: reader.uint64Number()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.previousHash`,
                value: reader.bytes()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.payloadHash`,
                value: reader.bytes()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.payloadBytes`,
                value: reader.uint64Number()
              }
              break
            }
            case 9: {
              yield {
                field: `${prefix}.kind`,
                value: reader.uint32()
              }
              break
            }
            case 10: {
              yield {
                field: `${prefix}.codec`,
                value: reader.string()
              }
              break
            }
            case 11: {
              yield {
                field: `${prefix}.replicaHash`,
                value: reader.bytes()
              }
              break
            }
            case 12: {
              yield {
                field: `${prefix}.degree`,
                value: reader.uint32()
              }
              break
            }
            case 13: {
              yield {
                field: `${prefix}.epoch`,
                value: reader.uint32()
              }
              break
            }
            case 14: {
              yield {
                field: `${prefix}.incarnation`,
                value: reader.uint32()
              }
              break
            }
            case 15: {
              yield {
                field: `${prefix}.stream`,
                value: reader.uint64Number()
              }
              break
            }
            case 16: {
              yield {
                field: `${prefix}.streamVersion`,
                value: reader.uint64Number()
              }
              break
            }
            case 17: {
              yield {
                field: `${prefix}.step`,
                value: reader.uint32()
              }
              break
            }
            case 18: {
              yield {
                field: `${prefix}.receiver`,
                value: reader.bytes()
              }
              break
            }
            case 19: {
              yield {
                field: `${prefix}.vector`,
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

  export interface UpdateHeaderVersionFieldEvent {
    field: '$.version'
    value: number
  }

  export interface UpdateHeaderFederationFieldEvent {
    field: '$.federation'
    value: string
  }

  export interface UpdateHeaderAuthorFieldEvent {
    field: '$.author'
    value: Uint8Array<ArrayBuffer>
  }

  export interface UpdateHeaderRoundFieldEvent {
    field: '$.round'
    value: number
  }

  export interface UpdateHeaderSequenceFieldEvent {
    field: '$.sequence'
    value: number
  }

  export interface UpdateHeaderPreviousHashFieldEvent {
    field: '$.previousHash'
    value: Uint8Array<ArrayBuffer>
  }

  export interface UpdateHeaderPayloadHashFieldEvent {
    field: '$.payloadHash'
    value: Uint8Array<ArrayBuffer>
  }

  export interface UpdateHeaderPayloadBytesFieldEvent {
    field: '$.payloadBytes'
    value: number
  }

  export interface UpdateHeaderKindFieldEvent {
    field: '$.kind'
    value: number
  }

  export interface UpdateHeaderCodecFieldEvent {
    field: '$.codec'
    value: string
  }

  export interface UpdateHeaderReplicaHashFieldEvent {
    field: '$.replicaHash'
    value: Uint8Array<ArrayBuffer>
  }

  export interface UpdateHeaderDegreeFieldEvent {
    field: '$.degree'
    value: number
  }

  export interface UpdateHeaderEpochFieldEvent {
    field: '$.epoch'
    value: number
  }

  export interface UpdateHeaderIncarnationFieldEvent {
    field: '$.incarnation'
    value: number
  }

  export interface UpdateHeaderStreamFieldEvent {
    field: '$.stream'
    value: number
  }

  export interface UpdateHeaderStreamVersionFieldEvent {
    field: '$.streamVersion'
    value: number
  }

  export interface UpdateHeaderStepFieldEvent {
    field: '$.step'
    value: number
  }

  export interface UpdateHeaderReceiverFieldEvent {
    field: '$.receiver'
    value: Uint8Array<ArrayBuffer>
  }

  export interface UpdateHeaderVectorFieldEvent {
    field: '$.vector'
    value: number
  }

  export function encode (obj: Partial<UpdateHeader>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, UpdateHeader.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<UpdateHeader>): UpdateHeader {
    return decodeMessage(buf, UpdateHeader.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<UpdateHeader>): Generator<UpdateHeaderVersionFieldEvent | UpdateHeaderFederationFieldEvent | UpdateHeaderAuthorFieldEvent | UpdateHeaderRoundFieldEvent | UpdateHeaderSequenceFieldEvent | UpdateHeaderPreviousHashFieldEvent | UpdateHeaderPayloadHashFieldEvent | UpdateHeaderPayloadBytesFieldEvent | UpdateHeaderKindFieldEvent | UpdateHeaderCodecFieldEvent | UpdateHeaderReplicaHashFieldEvent | UpdateHeaderDegreeFieldEvent | UpdateHeaderEpochFieldEvent | UpdateHeaderIncarnationFieldEvent | UpdateHeaderStreamFieldEvent | UpdateHeaderStreamVersionFieldEvent | UpdateHeaderStepFieldEvent | UpdateHeaderReceiverFieldEvent | UpdateHeaderVectorFieldEvent> {
    return streamMessage(buf, UpdateHeader.codec(), opts)
  }
}

export interface SignedUpdate {
  header: Uint8Array<ArrayBuffer>
  signature: Uint8Array<ArrayBuffer>
  payload?: Uint8Array<ArrayBuffer>
}

export namespace SignedUpdate {
  let _codec: Codec<SignedUpdate>

  export const codec = (): Codec<SignedUpdate> => {
    if (_codec == null) {
      _codec = message<SignedUpdate>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.header != null && obj.header.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.header)
        }

        if ((obj.signature != null && obj.signature.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.signature)
        }

        if (obj.payload != null) {
          w.uint32(26)
          w.bytes(obj.payload)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          header: uint8ArrayAlloc(0),
          signature: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.header = reader.bytes()
              break
            }
            case 2: {
              obj.signature = reader.bytes()
              break
            }
            case 3: {
              obj.payload = reader.bytes()
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
                field: `${prefix}.header`,
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
            case 3: {
              yield {
                field: `${prefix}.payload`,
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

  export interface SignedUpdateHeaderFieldEvent {
    field: '$.header'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedUpdateSignatureFieldEvent {
    field: '$.signature'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedUpdatePayloadFieldEvent {
    field: '$.payload'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<SignedUpdate>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, SignedUpdate.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SignedUpdate>): SignedUpdate {
    return decodeMessage(buf, SignedUpdate.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SignedUpdate>): Generator<SignedUpdateHeaderFieldEvent | SignedUpdateSignatureFieldEvent | SignedUpdatePayloadFieldEvent> {
    return streamMessage(buf, SignedUpdate.codec(), opts)
  }
}

export interface UpdateRequest {
  federation: string
  author: Uint8Array<ArrayBuffer>
  payloadHash?: Uint8Array<ArrayBuffer>
  afterSequence: number
  offset: number
  keyframe?: boolean
}

export namespace UpdateRequest {
  let _codec: Codec<UpdateRequest>

  export const codec = (): Codec<UpdateRequest> => {
    if (_codec == null) {
      _codec = message<UpdateRequest>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.federation != null && obj.federation !== '')) {
          w.uint32(10)
          w.string(obj.federation)
        }

        if ((obj.author != null && obj.author.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.author)
        }

        if (obj.payloadHash != null) {
          w.uint32(26)
          w.bytes(obj.payloadHash)
        }

        if ((obj.afterSequence != null && obj.afterSequence !== 0)) {
          w.uint32(32)
          w.uint64Number(obj.afterSequence)
        }

        if ((obj.offset != null && obj.offset !== 0)) {
          w.uint32(40)
          w.uint64Number(obj.offset)
        }

        if (obj.keyframe != null) {
          w.uint32(48)
          w.bool(obj.keyframe)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          federation: '',
          author: uint8ArrayAlloc(0),
          afterSequence: 0,
          offset: 0
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
              obj.author = reader.bytes()
              break
            }
            case 3: {
              obj.payloadHash = reader.bytes()
              break
            }
            case 4: {
              obj.afterSequence = reader.uint64Number()
              break
            }
            case 5: {
              obj.offset = reader.uint64Number()
              break
            }
            case 6: {
              obj.keyframe = reader.bool()
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
                field: `${prefix}.author`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.payloadHash`,
                value: reader.bytes()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.afterSequence`,
                value: reader.uint64Number()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.offset`,
                value: reader.uint64Number()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.keyframe`,
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

  export interface UpdateRequestFederationFieldEvent {
    field: '$.federation'
    value: string
  }

  export interface UpdateRequestAuthorFieldEvent {
    field: '$.author'
    value: Uint8Array<ArrayBuffer>
  }

  export interface UpdateRequestPayloadHashFieldEvent {
    field: '$.payloadHash'
    value: Uint8Array<ArrayBuffer>
  }

  export interface UpdateRequestAfterSequenceFieldEvent {
    field: '$.afterSequence'
    value: number
  }

  export interface UpdateRequestOffsetFieldEvent {
    field: '$.offset'
    value: number
  }

  export interface UpdateRequestKeyframeFieldEvent {
    field: '$.keyframe'
    value: boolean
  }

  export function encode (obj: Partial<UpdateRequest>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, UpdateRequest.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<UpdateRequest>): UpdateRequest {
    return decodeMessage(buf, UpdateRequest.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<UpdateRequest>): Generator<UpdateRequestFederationFieldEvent | UpdateRequestAuthorFieldEvent | UpdateRequestPayloadHashFieldEvent | UpdateRequestAfterSequenceFieldEvent | UpdateRequestOffsetFieldEvent | UpdateRequestKeyframeFieldEvent> {
    return streamMessage(buf, UpdateRequest.codec(), opts)
  }
}

export interface UpdateResponse {
  status: number
  update?: SignedUpdate
  remainingBytes: number
}

export namespace UpdateResponse {
  let _codec: Codec<UpdateResponse>

  export const codec = (): Codec<UpdateResponse> => {
    if (_codec == null) {
      _codec = message<UpdateResponse>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.status != null && obj.status !== 0)) {
          w.uint32(8)
          w.uint32(obj.status)
        }

        if (obj.update != null) {
          w.uint32(18)
          SignedUpdate.codec().encode(obj.update, w)
        }

        if ((obj.remainingBytes != null && obj.remainingBytes !== 0)) {
          w.uint32(24)
          w.uint64Number(obj.remainingBytes)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          status: 0,
          remainingBytes: 0
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
              obj.update = SignedUpdate.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.update
              })
              break
            }
            case 3: {
              obj.remainingBytes = reader.uint64Number()
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
                field: `${prefix}.status`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield * SignedUpdate.codec().stream(reader, reader.uint32(), `${prefix}.update`, {
                limits: opts.limits?.update
              })

              break
            }
            case 3: {
              yield {
                field: `${prefix}.remainingBytes`,
                value: reader.uint64Number()
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

  export interface UpdateResponseStatusFieldEvent {
    field: '$.status'
    value: number
  }

  export interface UpdateResponseUpdateHeaderFieldEvent {
    field: '$.update.header'
    value: Uint8Array<ArrayBuffer>
  }

  export interface UpdateResponseUpdateSignatureFieldEvent {
    field: '$.update.signature'
    value: Uint8Array<ArrayBuffer>
  }

  export interface UpdateResponseUpdatePayloadFieldEvent {
    field: '$.update.payload'
    value: Uint8Array<ArrayBuffer>
  }

  export interface UpdateResponseRemainingBytesFieldEvent {
    field: '$.remainingBytes'
    value: number
  }

  export function encode (obj: Partial<UpdateResponse>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, UpdateResponse.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<UpdateResponse>): UpdateResponse {
    return decodeMessage(buf, UpdateResponse.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<UpdateResponse>): Generator<UpdateResponseStatusFieldEvent | UpdateResponseUpdateHeaderFieldEvent | UpdateResponseUpdateSignatureFieldEvent | UpdateResponseUpdatePayloadFieldEvent | UpdateResponseRemainingBytesFieldEvent> {
    return streamMessage(buf, UpdateResponse.codec(), opts)
  }
}

export interface StepAnswer {
  status: number
}

export namespace StepAnswer {
  let _codec: Codec<StepAnswer>

  export const codec = (): Codec<StepAnswer> => {
    if (_codec == null) {
      _codec = message<StepAnswer>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.status != null && obj.status !== 0)) {
          w.uint32(8)
          w.uint32(obj.status)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          status: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.status = reader.uint32()
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
                field: `${prefix}.status`,
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

  export interface StepAnswerStatusFieldEvent {
    field: '$.status'
    value: number
  }

  export function encode (obj: Partial<StepAnswer>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, StepAnswer.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<StepAnswer>): StepAnswer {
    return decodeMessage(buf, StepAnswer.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<StepAnswer>): Generator<StepAnswerStatusFieldEvent> {
    return streamMessage(buf, StepAnswer.codec(), opts)
  }
}
