/** 600 connections to each peer that say nothing, opened again when they are cut off */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Attack } from './attack.ts'

const SOCKETS = 600
const REOPEN_MS = 5_000

export const silentSockets: Attack = {
  name: 'silent sockets',
  start: async ({ addresses }) => {
    const sockets = new Set<Socket>()
    let isOver = false
    const open = (host: string, port: number): void => {
      const socket = connect(port, host)
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        sockets.delete(socket)
        setTimeout(() => { isOver || open(host, port) }, REOPEN_MS).unref()
      })
    }
    for (const address of addresses) {
      const [, , host, , port] = address.split('/')
      for (let i = 0; i < SOCKETS; i++) {
        open(host!, Number(port))
      }
    }
    return async () => {
      isOver = true
      sockets.forEach((socket) => { socket.destroy() })
    }
  }
}
