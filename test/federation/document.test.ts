import { createHash } from 'node:crypto'
import * as dagCbor from '@ipld/dag-cbor'
import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'
import { InvalidFederationError } from '../../src/errors.ts'
import { decodeFederation, encodeFederation, parseFederation } from '../../src/federation/document.ts'
import { federationId } from '../../src/federation/federation-id.ts'
import { inputShape } from '../../src/federation/input-shape.ts'
import { MAX_FEDERATION_BYTES } from '../../src/limits.ts'
import type { FederationDocument, FederationInit } from '../../src/federation/document.ts'

/** Every field without a default, and no other */
function minimal (): FederationInit {
  return {
    format: 1,
    name: 'digits',
    model: {
      topology: { class_name: 'Sequential', config: { name: 'm', layers: [] } },
      seed: 1,
      loss: 'categoricalCrossentropy',
      input: { kind: 'image', shape: [28, 28, 1] },
      labels: ['0', '1']
    },
    training: { epochs: 1, batchSize: 32, optimizer: { name: 'adam', learningRate: 0.001 } },
    aggregation: { rule: 'mean', f: 0 },
    codec: { name: 'int8' },
    topology: { degree: 4 },
    round: { deadlineMs: 15_000, staleness: 2 },
    privacy: { mechanism: 'none' }
  }
}

function table (): FederationInit {
  const document = minimal()
  document.model.input = {
    kind: 'table',
    label: 'species',
    columns: [{ kind: 'numeric', name: 'length', mean: 1.5, stdDev: 2 }, { kind: 'categorical', name: 'colour', values: ['red', 'blue', ''] }]
  }
  return document
}

/** The same document with `change` made to it, typed loosely: it is meant to be wrong */
function changed (change: (document: Record<string, Record<string, unknown>>) => void): unknown {
  const document = structuredClone(minimal()) as unknown as Record<string, Record<string, unknown>>
  change(document)
  return document
}

function refusal (value: unknown): string {
  return messageOf(() => parseFederation(value))
}

function messageOf (call: () => unknown): string {
  try {
    call()
  } catch (err) {
    expect(err).toBeInstanceOf(InvalidFederationError)
    return (err as Error).message
  }
  return 'accepted'
}

describe('the canonical form', () => {
  it('has the golden id, which a separate encoder agrees on', () => {
    expect(federationId(encodeFederation(parseFederation(minimal())))).toBe('bafyreie3lta5il527g3oirrakm5co2kfwagjbmbij7fpdt6i6e7jmnhdde')
  })

  it('gives equal bytes whatever the order of the fields', () => {
    const reversed = (value: unknown): unknown => value === null || typeof value !== 'object' || Array.isArray(value)
      ? value
      : Object.fromEntries(Object.entries(value).reverse().map(([key, field]) => [key, reversed(field)]))
    expect(encodeFederation(parseFederation(reversed(minimal())))).toEqual(encodeFederation(parseFederation(minimal())))
  })

  it('does not know a field that is undefined from one that is left out', () => {
    const bytes = encodeFederation(parseFederation(minimal()))
    expect(encodeFederation(parseFederation(changed(({ training }) => { training!['steps'] = undefined })))).toEqual(bytes)
  })

  it.each([['image', minimal], ['table', table]])('comes back as it went in: %s', (_kind, make) => {
    const document = parseFederation(make())
    const bytes = encodeFederation(document)
    expect(decodeFederation(bytes)).toEqual(document)
    expect(federationId(encodeFederation(decodeFederation(bytes)))).toBe(federationId(bytes))
  })

  it('has an id that is a CID over the sha-256 of the bytes', () => {
    const bytes = encodeFederation(parseFederation(minimal()))
    const cid = CID.parse(federationId(bytes))
    expect(cid.version).toBe(1)
    expect(cid.code).toBe(dagCbor.code)
    expect(Buffer.from(cid.multihash.digest).toString('hex')).toBe(createHash('sha256').update(bytes).digest('hex'))
  })

  it('changes its id with every field', () => {
    const id = (document: unknown): string => federationId(encodeFederation(parseFederation(document)))
    const others = [
      changed((d) => { d['model']!['seed'] = 2 }), changed((d) => { d['round']!['staleness'] = 3 }), changed((d) => { d['topology']!['degree'] = 5 }),
      changed((d) => { d['codec']!['name'] = 'float32' }), changed((d) => { d['aggregation']!['rule'] = 'trimmed-mean' })
    ]
    expect(new Set([minimal(), ...others].map(id)).size).toBe(6)
  })
})

describe('defaults', () => {
  it('are filled in, and are part of the id', () => {
    const document = parseFederation(minimal())
    expect(document.model.input).toEqual({ kind: 'image', shape: [28, 28, 1], mean: 0, stdDev: 1 })
    expect(document.training.optimizer).toEqual({ name: 'adam', learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 })
    expect(encodeFederation(document)).toEqual(encodeFederation(parseFederation(document)))
  })

  it('differ between optimisers', () => {
    const document = minimal()
    document.training.optimizer = { name: 'sgd', learningRate: 0.1 }
    expect(parseFederation(document).training.optimizer).toEqual({ name: 'sgd', learningRate: 0.1, momentum: 0 })
  })
})

describe('a document that is refused', () => {
  it.each<[string, unknown, RegExp]>([
    ['a mistyped field', changed((d) => { d['training']!['batchsize'] = 8 }), /^unknown field "training\.batchsize" \(did you mean "batchSize"\?\)$/],
    ['a mistyped section', changed((d) => { d['trainning'] = {} }), /^unknown field "trainning" \(did you mean "training"\?\)$/],
    ['a field at the wrong place', changed((d) => { d['epochs'] = 3 as never }), /^unknown field "epochs" \(did you mean "training\.epochs"\?\)$/],
    ['a field of another optimiser', changed((d) => { (d['training']!['optimizer'] as Record<string, unknown>)['momentum'] = 0.9 }), /^unknown field "training\.optimizer\.momentum"$/],
    ['a field like no other', changed((d) => { d['topology']!['xyzzy'] = 1 }), /^unknown field "topology\.xyzzy"$/],
    ['a missing field', changed((d) => { delete d['codec'] }), /^codec: /],
    ['another format', changed((d) => { d['format'] = 0 as never }), /^format: /],
    ['no name', changed((d) => { d['name'] = '' as never }), /^name: /],
    ['a name that steers a terminal', changed((d) => { d['name'] = '\u001b[31mred' as never }), /^name: [^\p{C}]*$/u],
    ['a negative seed', changed((d) => { d['model']!['seed'] = -1 }), /^model\.seed: /],
    ['a seed over 32 bits', changed((d) => { d['model']!['seed'] = 2 ** 32 }), /^model\.seed: /],
    ['an unknown loss', changed((d) => { d['model']!['loss'] = 'hinge' }), /^model\.loss: .*categoricalCrossentropy/],
    ['an unknown kind of input', changed((d) => { d['model']!['input'] = { kind: 'sound' } }), /^model\.input\.kind: .*image.*table/],
    ['an image of two dimensions', changed((d) => { d['model']!['input'] = { kind: 'image', shape: [28, 28] } }), /^model\.input\.shape: /],
    ['an image of no width', changed((d) => { d['model']!['input'] = { kind: 'image', shape: [28, 0, 1] } }), /^model\.input\.shape\.1: /],
    ['a standard deviation of zero', changed((d) => { d['model']!['input'] = { kind: 'image', shape: [2, 2, 1], stdDev: 0 } }), /^model\.input\.stdDev: /],
    ['one class', changed((d) => { d['model']!['labels'] = ['a'] }), /^model\.labels: /],
    ['a class that stands there twice', changed((d) => { d['model']!['labels'] = ['a', 'b', 'a'] }), /^model\.labels: "a" stands there twice$/],
    ['a batch of none', changed((d) => { d['training']!['batchSize'] = 0 }), /^training\.batchSize: /],
    ['half an epoch', changed((d) => { d['training']!['epochs'] = 0.5 }), /^training\.epochs: /],
    ['both epochs and steps', changed((d) => { d['training']!['steps'] = 5 }), /^training: exactly one of "epochs" and "steps"/],
    ['neither epochs nor steps', changed((d) => { delete d['training']!['epochs'] }), /^training: exactly one of "epochs" and "steps"/],
    ['a learning rate of NaN', changed((d) => { d['training']!['optimizer'] = { name: 'sgd', learningRate: NaN } }), /not finite/],
    ['a learning rate of zero', changed((d) => { d['training']!['optimizer'] = { name: 'sgd', learningRate: 0 } }), /^training\.optimizer\.learningRate: /],
    ['momentum of one', changed((d) => { d['training']!['optimizer'] = { name: 'sgd', learningRate: 1, momentum: 1 } }), /^training\.optimizer\.momentum: /],
    ['an unknown rule', changed((d) => { d['aggregation']!['rule'] = 'trimed-mean' }), /^aggregation\.rule: unknown aggregation rule "trimed-mean" \(did you mean "trimmed-mean"\?\)/],
    ['more liars than the default rule withstands', changed((d) => { d['aggregation'] = { rule: 'gated-geometric-median', f: 3 } }), /^aggregation: gated-geometric-median needs at least 6 neighbours to withstand f = 3 of them, but topology\.degree is 4/],
    ['more liars than trimmed-mean can drop', changed((d) => { d['aggregation'] = { rule: 'trimmed-mean', f: 3 } }), /^aggregation: trimmed-mean needs at least 6 neighbours/],
    ['no neighbours', changed((d) => { d['topology']!['degree'] = 0 }), /^topology\.degree: /],
    ['a deadline of nothing', changed((d) => { d['round']!['deadlineMs'] = 0 }), /^round\.deadlineMs: /],
    ['an unknown privacy mechanism', changed((d) => { d['privacy']!['mechanism'] = 'gaussian' }), /^privacy\.mechanism: /],
    ['a topology that is a list', changed((d) => { d['model']!['topology'] = [] }), /^model\.topology: /],
    ['bytes in the topology', changed((d) => { d['model']!['topology'] = { a: new Uint8Array(2) } }), /not plain data/],
    ['text', 'digits', /^document: /],
    ['null', null, /^document: /],
    ['undefined', undefined, /^document is not plain data/]
  ])('names the field: %s', (_what, value, message) => {
    expect(refusal(value)).toMatch(message)
  })

  it.each<[string, (document: FederationInit) => void, RegExp]>([
    ['two columns of one name', ({ model: { input } }) => { input.kind === 'table' && input.columns.push({ kind: 'numeric', name: 'length', mean: 0, stdDev: 1 }) }, /"length" stands there twice/],
    ['a column named as the label', ({ model: { input } }) => { input.kind === 'table' && input.columns.push({ kind: 'numeric', name: 'species', mean: 0, stdDev: 1 }) }, /"species" stands there twice/],
    ['a value of a column twice', ({ model: { input } }) => { input.kind === 'table' && input.columns.push({ kind: 'categorical', name: 'x', values: ['a', 'a'] }) }, /columns\.2\.values: "a" stands there twice/],
    ['no columns', ({ model: { input } }) => { input.kind === 'table' && input.columns.splice(0) }, /model\.input\.columns: /],
    ['a mistyped field of a column', ({ model: { input } }) => { input.kind === 'table' && Object.assign(input.columns[0]!, { stddev: 1 }) }, /"model\.input\.columns\.0\.stddev" \(did you mean "stdDev"\?\)/]
  ])('has a table with %s', (_what, change, message) => {
    const document = table()
    change(document)
    expect(refusal(document)).toMatch(message)
  })

  it('accepts steps in the place of epochs', () => {
    const document = changed((d) => {
      delete d['training']!['epochs']
      d['training']!['steps'] = 5
    })
    expect(parseFederation(document).training.steps).toBe(5)
  })

  it('gets a message of bounded length, on one line and without control characters', () => {
    const hostile = changed((d) => {
      d['model']!['labels'] = Array.from({ length: 50_000 }, () => 1)
      for (let i = 0; i < 1000; i++) {
        d[`\n\u001b]0;${i}\u202e${'k'.repeat(1000)}`] = {}
      }
    })
    const message = refusal(hostile)
    expect(message).toContain('more')
    expect(message.length).toBeLessThan(2000)
    expect(message).not.toMatch(/\p{C}/u)
  })
})

const NAME_WORDS = 'must have 1 to 64 letters, digits, blanks, ".", "_" and "-", and begin with a letter or digit'

describe('the words of a refusal', () => {
  it.each([
    [{}, 'format: must be one of 1, 2; name: must be text, and is missing; model: must be an object, and is missing; training: must be an object, and is missing; aggregation: must be an object, and is missing; and 4 more'],
    [7, 'document: must be an object'],
    [changed((d) => { d['codec'] = { name: 'int4' } }), 'codec.name: must be one of "float32", "float16", "int8"'],
    [changed((d) => { d['topology'] = { degree: 'many' } }), 'topology.degree: must be a number'],
    [changed((d) => { d['topology'] = { degree: 0 } }), 'topology.degree: must be at least 1'],
    [changed((d) => { d['name'] = '-x' as never }), `name: ${NAME_WORDS}`],
    [changed((d) => { d['name'] = '' as never }), `name: ${NAME_WORDS}`],
    [changed((d) => { d['name'] = 'x'.repeat(65) as never }), `name: ${NAME_WORDS}`],
    [changed((d) => { delete d['name'] }), 'name: must be text, and is missing'],
    [changed((d) => { delete d['model']!['topology'] }), 'model.topology: must be an object, and is missing'],
    [changed((d) => { d['model']!['topology'] = [] }), 'model.topology: must be an object'],
    [changed((d) => { delete d['model']!['loss'] }), 'model.loss: must be one of "categoricalCrossentropy", "binaryCrossentropy", "meanSquaredError", "meanAbsoluteError", "huber"'],
    [changed((d) => { delete d['model']!['input'] }), 'model.input: must be an object, and is missing'],
    [changed((d) => { d['model']!['input'] = { kind: 'image', shape: [28, 28] } }), 'model.input.shape: must have exactly 3 entries'],
    [changed((d) => { d['model']!['labels'] = 'ab' }), 'model.labels: must be a list'],
    [changed((d) => { d['model']!['labels'] = ['a'] }), 'model.labels: must have at least 2 entries'],
    [changed((d) => { d['model']!['labels'] = ['a', ''] }), 'model.labels.1: must have at least 1 character'],
    [changed((d) => { d['training']!['epochs'] = 0.5 }), 'training.epochs: must be a whole number'],
    [changed((d) => { d['training']!['batchSize'] = 65_537 }), 'training.batchSize: must be at most 65536'],
    [changed((d) => { d['training']!['optimizer'] = { name: 'sgd', learningRate: 0, momentum: 1 } }), 'training.optimizer.learningRate: must be more than 0; training.optimizer.momentum: must be less than 1'],
    [changed((d) => { d['training']!['optimizer'] = { name: 'sdg' } }), 'training.optimizer.name: must be one of "sgd", "adam"'],
    [changed((d) => { d['training']!['optimizer'] = {} }), 'training.optimizer.name: must be one of "sgd", "adam"'],
    [changed((d) => { d['aggregation']!['rule'] = 'x'.repeat(65) }), 'aggregation.rule: must have at most 64 characters'],
    [changed((d) => { d['privacy']!['mechanism'] = 'gaussian' }), 'privacy.mechanism: must be one of "none", "dp-sgd", "update-level"']
  ])('%#', (document, message) => {
    expect(() => parseFederation(document)).toThrow(new InvalidFederationError(message))
  })
})

describe('bytes from a stranger', () => {
  const document = parseFederation(minimal())
  const bytes = encodeFederation(document)

  function refused (input: Uint8Array): string {
    return messageOf(() => decodeFederation(input))
  }

  it('that are not dag-cbor are refused', () => {
    expect(refused(new Uint8Array(0))).toBe('document is not dag-cbor')
    expect(refused(Buffer.from('{"format":1}'))).toBe('document is not dag-cbor')
    expect(refused(bytes.subarray(0, -1))).toBe('document is not dag-cbor')
    expect(refused(Buffer.concat([bytes, Buffer.from([0])]))).toBe('document is not dag-cbor')
  })

  it('give InvalidFederationError or the canonical document, whatever they are', () => {
    const judge = (input: Uint8Array): void => {
      const answer = messageOf(() => {
        expect(encodeFederation(decodeFederation(input))).toEqual(Uint8Array.from(input))
      })
      expect(answer).not.toMatch(/\p{C}/u)
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), judge), { numRuns: 2000 })
    fc.assert(fc.property(fc.anything().filter((value) => value !== undefined), (value) => {
      let encoded: Uint8Array
      try {
        encoded = dagCbor.encode(value)
      } catch {
        return // not of the data model: no bytes to judge
      }
      judge(encoded)
    }), { numRuns: 500 })
    fc.assert(fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
      const damaged = cut ? bytes.slice(0, at) : Uint8Array.from(bytes)
      if (!cut) {
        damaged[at] = byte
      }
      judge(damaged)
    }), { numRuns: 5000 })
  })

  it('that leave out a default are refused: the same document has one id', () => {
    expect(refused(dagCbor.encode(minimal()))).toMatch(/not in canonical form/)
  })

  it('with fields in another order are refused', () => {
    // format is the first key of 6 letters; give it the place of the first of all
    const name = Buffer.concat([Buffer.from([0x64]), Buffer.from('name'), Buffer.from([0x66]), Buffer.from('digits')])
    const codec = Buffer.concat([Buffer.from([0x65]), Buffer.from('codec'), Buffer.from(dagCbor.encode({ name: 'int8' }))])
    const original = Buffer.from(bytes)
    expect(original.indexOf(Buffer.concat([name, codec]))).toBe(1)
    const swapped = Buffer.concat([original.subarray(0, 1), codec, name, original.subarray(1 + name.length + codec.length)])
    expect(refused(swapped)).toMatch(/not in canonical form|not dag-cbor/)
  })

  it('with a number in a longer form are refused', () => {
    const at = Buffer.from(bytes).indexOf('format') + 'format'.length
    const longer = Buffer.concat([bytes.subarray(0, at), Buffer.from([0x18, 1]), bytes.subarray(at + 1)])
    expect(refused(longer)).toMatch(/not dag-cbor|not in canonical form/)
    const asFloat = Buffer.concat([bytes.subarray(0, at), Buffer.from([0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]), bytes.subarray(at + 1)])
    expect(refused(asFloat)).toMatch(/not dag-cbor|not in canonical form/)
  })

  it('with a field twice are refused', () => {
    expect(refused(Buffer.concat([Buffer.from([0xa2]), ...[1, 2].map((value) => Buffer.concat([Buffer.from([0x66]), Buffer.from('format'), Buffer.from([value])]))]))).toBe('document is not dag-cbor')
  })

  it('with links or bytes in the topology are refused', () => {
    const withTopology = (topology: Record<string, unknown>): Uint8Array => dagCbor.encode({ ...document, model: { ...document.model, topology } })
    expect(refused(withTopology({ a: CID.parse(federationId(bytes)) }))).toMatch(/not plain data/)
    expect(refused(withTopology({ a: Uint8Array.of(1) }))).toMatch(/not plain data/)
    expect(refused(withTopology({ a: 2n ** 60n }))).toMatch(/not plain data/)
  })

  it('with __proto__ as a field are refused, and touch no prototype', () => {
    for (const place of [['a', '__proto__'], ['__proto__', 'a']] as const) {
      // the same length, so that the bytes stay well-formed
      const encoded = Buffer.from(dagCbor.encode({ ...document, model: { ...document.model, topology: { 123456789: { polluted: true } } } }))
      encoded.write('__proto__', encoded.indexOf('123456789'))
      expect(refused(encoded), place.join()).toMatch(/__proto__/)
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it.each([
    ['lists', Buffer.alloc(MAX_FEDERATION_BYTES, 0x81)],
    ['maps', Buffer.from('a16161'.repeat(MAX_FEDERATION_BYTES / 3 | 0), 'hex')],
    ['tags', Buffer.alloc(MAX_FEDERATION_BYTES, 0xc1)],
    ['lists of 100 inside the topology', deepTopology(100)],
    ['lists of 3,000 inside the topology', deepTopology(3_000)],
    ['lists of 100,000 inside the topology', deepTopology(100_000)]
  ])('that nest without end are refused: %s', (_what, input) => {
    expect(refused(input)).toMatch(/not dag-cbor|more than 64 deep/)
  })

  it('that claim a length they do not have are refused', () => {
    for (const claim of ['9b001fffffffffffff', 'bb001fffffffffffff', '5b001fffffffffffff', '7b00000000ffffffff']) {
      expect(refused(Buffer.from(claim, 'hex'))).toBe('document is not dag-cbor')
    }
  })

  it('that are too many are refused unread, and never made', () => {
    expect(refused(new Uint8Array(MAX_FEDERATION_BYTES + 1))).toMatch(/262145 bytes, more than 262144/)
    const huge: FederationDocument = { ...document, model: { ...document.model, topology: { pad: 'x'.repeat(MAX_FEDERATION_BYTES) } } }
    expect(messageOf(() => encodeFederation(huge))).toMatch(/more than 262144/)
  })

  /** A whole document whose topology holds `depth` lists inside each other */
  function deepTopology (depth: number): Buffer {
    const mark = 'here the lists begin'
    const encoded = Buffer.from(dagCbor.encode({ ...document, model: { ...document.model, topology: { a: mark } } }))
    const at = encoded.indexOf(mark) - 1
    return Buffer.concat([encoded.subarray(0, at), Buffer.alloc(depth, 0x81), Buffer.from([0]), encoded.subarray(at + 1 + mark.length)])
  }
})

describe('inputShape', () => {
  it('is that of the image, or one number for each input of a table', () => {
    expect(inputShape(parseFederation(minimal()).model.input)).toEqual([28, 28, 1])
    expect(inputShape(parseFederation(table()).model.input)).toEqual([4])
  })
})
