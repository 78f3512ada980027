import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { BootstrapError } from '../../src/errors.ts'
import { presetDocument } from '../../src/presets.ts'
import { bestAddress, isLoopback } from '../../peer/best-address.ts'
import { formatBytes, formatCount, formatDuration, formatRound } from '../../peer/format.ts'
import { logNode } from '../../peer/node-log.ts'
import { formatPromise } from '../../peer/privacy-text.ts'
import { Terminal } from '../../peer/terminal.ts'
import { FakeNode, modelVersion, roundReport } from './fake-node.ts'
import type { TerminalInit } from '../../peer/terminal.ts'

function captured (init: Partial<TerminalInit> & { tty?: boolean } = {}) {
  const stream = () => Object.assign(new PassThrough(), { isTTY: init.tty === true, columns: 80 }) as unknown as NodeJS.WriteStream
  const stdout = stream()
  const stderr = stream()
  const terminal = new Terminal({ json: false, quiet: false, verbose: false, colour: true, environment: {}, stdout, stderr, ...init })
  const text = (from: NodeJS.WriteStream) => String((from as unknown as PassThrough).read() ?? '')
  return { terminal, stdout: () => text(stdout), stderr: () => text(stderr), streams: { stdout, stderr } }
}

function lines (text: string): Array<Record<string, unknown>> {
  return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('events as JSON lines', () => {
  it('carry type, ISO time and the whole detail', () => {
    const { terminal, stdout, stderr } = captured({ json: true })
    const node = new FakeNode()
    logNode(node, terminal)
    node.say('listening', { peer: 'p', addresses: ['/ip4/127.0.0.1/tcp/1/p2p/p'] })
    node.say('round:end', roundReport({ rejected: { norm: 2 } }))
    node.say('version:commit', modelVersion(3))
    const [listening, round, commit] = lines(stdout())
    expect(listening).toMatchObject({ type: 'listening', peer: 'p' })
    expect(new Date(listening!['time'] as string).toISOString()).toBe(listening!['time'])
    expect(round).toMatchObject({ type: 'round:end', ...roundReport({ rejected: { norm: 2 } }) })
    expect(commit).toMatchObject({ type: 'version:commit', round: 3 })
    expect(stderr()).toBe('')
  })

  it('leave single rejections out, which a flood could make without end', () => {
    const { terminal, stdout } = captured({ json: true })
    const node = new FakeNode()
    logNode(node, terminal)
    node.say('update:rejected', { peer: 'p', author: undefined, reason: 'malformed' })
    expect(stdout()).toBe('')
  })

  it('show the error of a node that stopped with one', () => {
    const { terminal, stdout } = captured({ json: true })
    const node = new FakeNode()
    logNode(node, terminal)
    node.say('stopped', { reason: 'error', round: 4, error: new BootstrapError('nobody there', 'refused') })
    expect(lines(stdout())).toMatchObject([{ type: 'stopped', reason: 'error', round: 4, error: { code: 'GRAPEVINE_E_BOOTSTRAP_REFUSED', exit: 5, message: 'nobody there' } }])
  })
})

describe('rounds for people', () => {
  it('are one line each, on standard output', () => {
    const { terminal, stdout, stderr } = captured()
    const node = new FakeNode()
    logNode(node, terminal)
    node.say('round:start', { round: 3 })
    node.say('round:end', roundReport({ rejected: { norm: 2, replay: 1 } }))
    expect(stdout()).toBe('round 3  accuracy 84.1 %  loss 0.512  accepted 2  rejected 3 (norm 2, replay 1)  late 0  sent 33.1 kB  received 99.4 kB  no privacy  1.24 s (train 0.90, wait 0.20, evaluate 0.10, other 0.04)\n')
    expect(stderr()).toBe('')
  })

  it('say when the model was not tested, and when the own model was kept', () => {
    const line = formatRound(roundReport({ accuracy: null, loss: null, keptOwn: true }))
    expect(line).toContain('accuracy -  loss 0.700 in training')
    expect(line).toMatch(/kept the own model$/)
  })

  it('say what was spent, with delta, accountant and scope, and once when nothing is left', () => {
    const { terminal, stdout, stderr } = captured({ quiet: true })
    const node = new FakeNode()
    logNode(node, terminal)
    const privacy = { mechanism: 'dp-sgd' as const, scope: 'example' as const, epsilon: { rdp: 2, pld: 7.9 }, delta: 1e-5, accountant: 'pld' as const, limit: 8, exhausted: true }
    node.say('privacy:exhausted', { round: 4, status: privacy })
    node.say('round:end', roundReport({ round: 4, privacy }))
    expect(stdout()).toContain('  epsilon 7.90 of 8 (delta 1e-5, pld, per example), spent  ')
    expect(stderr()).toBe('warning: privacy budget spent: epsilon 7.90 of 8 (delta 1e-5, pld, per example), and one more round would exceed the limit: this peer sends nothing more, and only averages and evaluates while other members are here\n')
  })

  it('begin with what the federation promises', () => {
    const { terminal, stderr } = captured()
    const node = new FakeNode()
    node.document = presetDocument('wide')
    logNode(node, terminal)
    node.say('joined', { federation: 'bafy', name: 'fake', how: 'founded', round: 0, backend: 'cpu' })
    expect(stderr()).toContain(`privacy: ${formatPromise(presetDocument('wide').privacy)}\n`)
  })

  it('come with narration on standard error that tells how to join', () => {
    const { terminal, stdout, stderr } = captured()
    const node = new FakeNode()
    logNode(node, terminal)
    node.say('listening', { peer: 'p', addresses: ['/ip4/127.0.0.1/tcp/4/p2p/p', '/ip4/192.168.1.5/tcp/4/p2p/p'] })
    const text = stderr()
    expect(text).toContain('listening on /ip4/127.0.0.1/tcp/4/p2p/p\n')
    expect(text).toContain('Join from another machine:\n  grapevine join /ip4/192.168.1.5/tcp/4/p2p/p\n')
    expect(stdout()).toBe('')
  })

  it('show no narration with --quiet, but warnings', () => {
    const { terminal, stderr } = captured({ quiet: true })
    const node = new FakeNode()
    logNode(node, terminal)
    node.say('mesh:ready', { members: 3, neighbours: 2 })
    node.say('warning', { code: 'few-updates', message: 'only one update' })
    expect(stderr()).toBe('warning: only one update (few-updates)\n')
  })
})

describe('the terminal', () => {
  it('rewrites a line on a terminal only, and takes it away before anything else', () => {
    const live = captured({ tty: true, environment: { TERM: 'xterm' } })
    live.terminal.progress('working')
    live.terminal.note('done')
    expect(live.stderr()).toBe('\r\u001b[2Kworking\r\u001b[2Kdone\n\r\u001b[2Kworking')
    for (const environment of [{ CI: '1' }, { TERM: 'dumb' }]) {
      const plain = captured({ tty: true, environment })
      plain.terminal.progress('working')
      expect(plain.stderr()).toBe('')
    }
  })

  it('honours NO_COLOR, FORCE_COLOR, CI and --no-color', () => {
    const styled = (init: Parameters<typeof captured>[0]) => captured(init).terminal.style('red', 'x') !== 'x'
    expect(styled({ tty: true })).toBe(true)
    expect(styled({ tty: false })).toBe(false)
    expect(styled({ tty: true, environment: { NO_COLOR: '1' } })).toBe(false)
    expect(styled({ tty: true, environment: { NO_COLOR: '' } })).toBe(true)
    expect(styled({ tty: false, environment: { FORCE_COLOR: '1' } })).toBe(true)
    expect(styled({ tty: true, environment: { CI: 'true' } })).toBe(false)
    expect(styled({ tty: true, colour: false, environment: { FORCE_COLOR: '1' } })).toBe(false)
  })

  it('says when nobody reads it any more, and writes no more', async () => {
    const { terminal, streams } = captured()
    expect(terminal.closed.aborted).toBe(false)
    streams.stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    await new Promise((resolve) => { terminal.closed.addEventListener('abort', resolve, { once: true }) })
    terminal.line('into the void')
    await terminal.flush()
  })
})

describe('numbers', () => {
  it('are short and have a unit', () => {
    expect([0, 999, 1000, 33_149, 999_949, 999_951, 2.5e9].map(formatBytes)).toEqual(['0 B', '999 B', '1.0 kB', '33.1 kB', '999.9 kB', '1.0 MB', '2.5 GB'])
    expect([0, 1240, 9994, 12_340, 59_940, 754_000, 3_600_000, 200_000_000].map(formatDuration)).toEqual(['0.00 s', '1.24 s', '9.99 s', '12.3 s', '59.9 s', '12 min 34 s', '1 h 0 min', '2 d 7 h'])
    expect([7, 1000, 1234567].map(formatCount)).toEqual(['7', '1 000', '1 234 567'])
  })
})

describe('the address to hand to another machine', () => {
  it('is public before private before container bridge before loopback', () => {
    const addresses = ['/ip4/127.0.0.1/tcp/1', '/ip4/172.17.0.1/tcp/1', '/ip4/10.1.2.3/tcp/1', '/ip6/::1/tcp/1', '/ip4/198.51.100.7/tcp/1']
    expect(bestAddress(addresses)).toBe('/ip4/198.51.100.7/tcp/1')
    expect(bestAddress(addresses.slice(0, 4))).toBe('/ip4/10.1.2.3/tcp/1')
    expect(bestAddress(addresses.slice(0, 2))).toBe('/ip4/172.17.0.1/tcp/1')
    expect(bestAddress([])).toBeUndefined()
    expect(isLoopback('/ip6/::1/tcp/1')).toBe(true)
    expect(isLoopback('/dns4/peer.example/tcp/1')).toBe(false)
  })
})
