import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { PeerSet } from './peer-driver.ts'
import type { Socket } from 'node:net'

const OPEN_FILES = 150

/** Runs the command after it with few files that it may open */
const FEW_FILES = ['bash', '-c', `ulimit -n ${OPEN_FILES}; exec "$@"`, 'bash']

describe.skipIf(process.platform === 'win32')('a peer that may open few files', () => {
  it('goes on beside twice as many silent sockets, and a newcomer joins through it', async () => {
    await using peers = await PeerSet.create()
    const first = peers.spawn('first', ['start', '--preset', 'digits', '--data', 'digits:1', '--backend', 'wasm', '--listen', '/ip4/127.0.0.1/tcp/0', '--min-members', '1', '--alone', 'train'], FEW_FILES)
    const address = await first.address()
    await first.round(1)
    const sockets = new Set<Socket>()
    let isOver = false
    let opened = 0
    const enough = Promise.withResolvers<void>()
    const open = (): void => {
      const socket = connect(Number(address.split('/')[4]), '127.0.0.1', () => { ++opened === 2 * OPEN_FILES && enough.resolve() })
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        sockets.delete(socket)
        isOver || setTimeout(() => { isOver || open() }, 5_000)
      })
    }
    try {
      Array.from({ length: 2 * OPEN_FILES }, open)
      // that many were there at once, or one after another
      await enough.promise
      const second = peers.spawn('second', ['join', address, '--data', 'digits:2', '--backend', 'wasm', '--listen', '/ip4/127.0.0.1/tcp/0'])
      await second.line('peer:connect')
      await first.line('neighbours:change', ({ neighbours }) => (neighbours as Array<{ live: boolean }>).some(({ live }) => live))
      await first.line('round:end', () => true, { from: first.lines.length })

      isOver = true
      expect(await first.stop()).toMatchObject({ code: 0 })
    } finally {
      isOver = true
      sockets.forEach((socket) => { socket.destroy() })
    }
  }, 240_000)
})
