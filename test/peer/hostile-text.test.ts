import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import * as dagCbor from '@ipld/dag-cbor'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ControlServer } from '../../peer/control/control-server.ts'
import { ERROR_ROWS, errorLine, reportError } from '../../peer/error-report.ts'
import { logNode } from '../../peer/node-log.ts'
import { Terminal } from '../../peer/terminal.ts'
import { status } from '../../peer/verbs/status.ts'
import { BootstrapError } from '../../src/errors.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { serveFederation } from '../../src/network/federation-exchange.ts'
import { presetDocument } from '../../src/presets.ts'
import { systemClock } from '../../src/system-clock.ts'
import { changedAt, hostileText, steering, withHostileText } from '../hostile-text.ts'
import { Stage } from '../network/nodes.ts'
import { FakeNode, modelVersion, roundReport } from './fake-node.ts'
import { run } from './program.ts'
import type { TerminalInit } from '../../peer/terminal.ts'
import type { NodeDescription, NodeEvents } from '../../src/node/node-interface.ts'

// several programs one after the other, on a machine that may have other work
vi.setConfig({ testTimeout: 180_000 })

const privacy = { mechanism: 'dp-sgd', scope: 'example', epsilon: { rdp: 2, pld: 1 }, delta: 1e-5, accountant: 'pld', limit: 8, exhausted: false } as const

/** One of each: what is new must be here, too */
const EVENTS: { [K in keyof NodeEvents]: NodeEvents[K]['detail'] } = {
  'data:read': { share: 0.5 },
  listening: { peer: 'p', addresses: ['/dns4/a/tcp/1'] },
  joined: { federation: 'bafy', name: 'n', how: 'joined', round: 2, backend: 'wasm' },
  'peer:connect': { peer: 'p', address: '/dns4/a/tcp/1' },
  'peer:disconnect': { peer: 'p' },
  'neighbours:change': { neighbours: [{ peer: 'p', live: true, round: 2, readyClaim: undefined }] },
  'mesh:ready': { members: 2, neighbours: 1 },
  'round:start': { round: 3 },
  'round:phase': { round: 3, phase: 'train' },
  'round:waiting': { round: 3, since: 1, needed: 2, missing: ['p'] },
  'round:mixed': { round: 3, accepted: 2, loss: 1, accuracy: 0.5 },
  'round:end': roundReport({ rejected: { norm: 1 }, rejectedPeers: { p: { norm: 1 } }, suspects: { p: 0.7 }, quarantined: { q: 0.7 }, banned: ['r'], privacy }),
  'privacy:exhausted': { round: 3, status: privacy },
  'round:jump': { from: 1, to: 3, sources: 2 },
  'version:commit': modelVersion(3),
  'update:rejected': { peer: 'p', author: 'a', reason: 'norm' },
  warning: { code: 'bootstrap', message: 'm' },
  'admission:waiting': { peer: 'p', federation: 'bafy', address: '/dns4/a/tcp/1' },
  'governance:request': { peer: 'p', name: 'n' },
  'governance:admission': { peer: 'p', jti: 'ab', name: 'n' },
  'governance:act': { actId: 'a', act: { do: 'revoke', peer: 'p', lastSequence: 3, reason: 'r' }, missing: 2 },
  'governance:decision': { slot: 2, act: { do: 'admit', peer: 'p', name: 'n' } },
  'governance:standing': { standing: 'revoked' },
  stopped: { reason: 'request', round: 3, error: new BootstrapError('m', 'refused') }
}

/** What chooses the words instead of being shown */
const WORDS = /\.(how|backend|phase|mechanism|scope|accountant|reason|status|exhausted|standing|do)$/

function hostile<T> (value: T, text: string): T {
  const changed = withHostileText(value, text, (path) => /\.(rejected|rejectedPeers|suspects|quarantined)\./.test(path))
  return withWords(changed, value, '') as T
}

function withWords (changed: unknown, original: unknown, path: string): unknown {
  if (WORDS.test(path)) {
    return original
  }
  if (changed === null || typeof changed !== 'object' || changed instanceof Error || Array.isArray(changed)) {
    return changed
  }
  return Object.fromEntries(Object.entries(changed).map(([key, field]) => [key, withWords(field, (original as Record<string, unknown>)[key] ?? field, `${path}.${key}`)]))
}

function captured (init: Partial<TerminalInit> & { tty?: boolean } = {}): { terminal: Terminal, text: () => string } {
  const stream = (): NodeJS.WriteStream => Object.assign(new PassThrough(), { isTTY: init.tty === true, columns: 80 }) as unknown as NodeJS.WriteStream
  const [stdout, stderr] = [stream(), stream()]
  const terminal = new Terminal({ json: false, quiet: false, verbose: true, colour: false, environment: {}, stdout, stderr, ...init })
  return { terminal, text: () => [stdout, stderr].map((one) => String((one as unknown as PassThrough).read() ?? '')).join('') }
}

describe('whatever strangers wrote', () => {
  it.each([false, true])('passes the terminal without steering it, JSON lines %s', (json) => {
    fc.assert(fc.property(hostileText, (words) => {
      const { terminal, text } = captured({ json })
      const act: Array<() => void> = [() => terminal.line(words), () => terminal.field(words, words), () => terminal.event(words, { [words]: [words] }), () => terminal.note(words), () => terminal.detail(words),
        () => terminal.warn(words), () => terminal.error(reportError(new Error(words)), new Error(words, { cause: new Error(words) }))]
      for (const one of act) {
        one()
        const shown = text()
        expect(steering(shown)).toBeUndefined()
      }
    }))
  })

  it('is one line where one was meant', () => {
    fc.assert(fc.property(hostileText, (words) => {
      const { terminal, text } = captured()
      terminal.line(words)
      expect(text().split('\n')).toHaveLength(2)
    }))
  })

  it('leaves the line in hand one line, with nothing in it but its own sequence', () => {
    fc.assert(fc.property(hostileText, (words) => {
      const { terminal, text } = captured({ tty: true })
      terminal.progress(words)
      expect(steering(text().replace('\r\u001b[2K', ''))).toBeUndefined()
    }))
  })

  it.each([false, true])('steers nothing in the events of a node, JSON lines %s', (json) => {
    fc.assert(fc.property(fc.constantFrom(...Object.keys(EVENTS) as Array<keyof NodeEvents>), hostileText, (type, words) => {
      const { terminal, text } = captured({ json })
      const node = new FakeNode()
      logNode(node, terminal)
      node.say(type, hostile(EVENTS[type], words))
      expect(steering(text())).toBeUndefined()
    }), { numRuns: 500 })
  })

  it('steers nothing as the message of any error, whose line stays one', () => {
    fc.assert(fc.property(fc.constantFrom(...ERROR_ROWS, undefined), hostileText, (row, words) => {
      const { terminal, text } = captured()
      terminal.error(reportError(Object.assign(new Error(words), { name: row?.names[0] ?? 'Error', reason: row?.reasons?.[0], code: row?.causes?.[0] })))
      expect(steering(text())).toBeUndefined()
      expect(errorLine(reportError(new Error(words)))).not.toContain('\n')
    }), { numRuns: 500 })
  })
})

class HostileNode extends FakeNode {
  words = ''

  override describe (): NodeDescription {
    const description = { ...super.describe(), members: ['p'], connections: [{ peer: 'p', address: '/dns4/a/tcp/1', direction: 'inbound' as const }], neighbours: [{ peer: 'p', live: true, round: 1, readyClaim: undefined }], lastRound: EVENTS['round:end'] }
    return hostile(description, this.words)
  }
}

describe('with strangers about', () => {
  const stage = new Stage()
  let home: string
  beforeEach(async () => { home = await mkdtemp(join(tmpdir(), 'gv-words-')) })
  afterEach(async () => {
    await stage.strike()
    await rm(home, { recursive: true })
  })

  it.each([false, true])('status shows a running peer without a word that steers, JSON lines %s', async (json) => {
    const node = new HostileNode()
    const server = new ControlServer({ home, node, dataSettings: {} })
    await writeFile(join(home, 'grapevine.toml'), '')
    await server.start()
    try {
      await fc.assert(fc.asyncProperty(hostileText, async (words) => {
        node.words = words
        const { terminal, text } = captured({ json })
        await status({ home, terminal, settings: {}, origins: {}, args: [] })
        expect(steering(text())).toBeUndefined()
      }), { numRuns: 50 })
    } finally {
      server.stop()
    }
  })

  it.each([[2, 'updates come through others (2 of them in the last round)'], [0, 'updates do not flow']])('status says how updates come when no neighbour is connected and the last round took %i', async (accepted, says) => {
    const node = new HostileNode()
    const description = { ...new FakeNode().describe(), connections: [{ peer: 'hub', address: '/ip4/127.0.0.1/tcp/1', direction: 'outbound' as const }], neighbours: [{ peer: 'p', live: false, round: 1, readyClaim: undefined }], lastRound: roundReport({ accepted }) }
    node.describe = () => description
    const server = new ControlServer({ home, node, dataSettings: {} })
    await writeFile(join(home, 'grapevine.toml'), '')
    await server.start()
    try {
      const { terminal, text } = captured()
      await status({ home, terminal, settings: {}, origins: {}, args: [] })
      expect(text()).toContain(says)
    } finally {
      server.stop()
    }
  })

  it('a joiner is told what is wrong with a stranger\'s document, and its terminal obeys nothing in it', async () => {
    const weapon = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e'
    const document = parseFederation(presetDocument('digits'))
    const host = await stage.host()
    await serveFederation({ host, clock: systemClock }, dagCbor.encode(changedAt(document, ['model'], (model) => ({ ...model as object, constants: { [weapon]: ['no number'] } }))))
    await host.start()
    const address = host.libp2p.getMultiaddrs()[0]!.toString()
    for (const flags of [[], ['--json'], ['--verbose']]) {
      const { exit, stdout, stderr } = await run(['join', address, '--home', join(home, 'peer'), '--listen', '/ip4/127.0.0.1/tcp/0', ...flags])
      expect(exit).toBe(3)
      expect(stderr).toContain('GRAPEVINE_E_FEDERATION_INVALID')
      expect(stderr).toContain('must be a number')
      expect(steering(stdout + stderr)).toBeUndefined()
    }
  })
})
