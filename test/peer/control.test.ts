import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, request } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectControl } from '../../peer/control/control-client.ts'
import { readControlFile, writeControlFile } from '../../peer/control/control-file.ts'
import { ControlServer } from '../../peer/control/control-server.ts'
import { openHome } from '../../peer/home-reader.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { FakeNode } from './fake-node.ts'
import type { AddressInfo, Server } from 'node:net'
import type { ControlAddress } from '../../peer/control/control-file.ts'

let home: string
let server: ControlServer

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'gv-control-'))
  server = new ControlServer({ home, node: new FakeNode(), dataSettings: { data: 'digits:5' } })
  await server.start()
})

afterEach(async () => {
  server.stop()
  await rm(home, { recursive: true })
})

async function ask (path: string, options: { method?: string, headers?: Record<string, string> } = {}): Promise<{ status: number, body: string }> {
  const { port } = await address()
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, ...options }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (piece: string) => { body += piece }).on('end', () => { resolve({ status: response.statusCode!, body }) })
    })
    outgoing.on('error', reject).end()
  })
}

async function address (): Promise<ControlAddress> {
  return (await readControlFile(home))!
}

async function authorization (): Promise<{ authorization: string }> {
  return { authorization: `Bearer ${(await address()).token}` }
}

describe('the control endpoint', () => {
  it('tells a client of the same home about the node', async () => {
    const client = (await connectControl(home))!
    const { node, pid, dataSettings } = await client.status()
    expect(node.peer).toBe('12D3KooWself')
    expect(pid).toBe(process.pid)
    expect(dataSettings).toEqual({ data: 'digits:5' })
    expect((await client.versions({ limit: 2 })).map(({ round }) => round)).toEqual([3, 2])
    expect(await client.federation()).toBeUndefined()
  })

  it('hands over parameters bit by bit', async () => {
    const client = (await connectControl(home))!
    const { version, parameters } = (await client.version('latest'))!
    expect(version.round).toBe(3)
    expect([...parameters]).toEqual([1, -2.5, 3])
    for (const selector of ['no/such ?version', '', '.', '..', '%zz', 'f'.repeat(100_000)]) {
      expect(await client.version(selector), selector.slice(0, 20)).toBeUndefined()
    }
    await expect(client.version('aaaa')).rejects.toMatchObject({ name: 'AmbiguousVersionError', message: '"aaaa" fits 3 versions' })
  })

  it('keeps its token in a file that only the owner can read', async () => {
    const { mode } = await stat(join(home, 'control.json'))
    expect(mode & 0o777).toBe(0o600)
    expect((await address()).token).toMatch(/^[0-9a-f]{64}$/)
  })

  it('answers nobody without the token', async () => {
    expect((await ask('/status')).status).toBe(401)
    expect((await ask('/status', { headers: { authorization: `Bearer ${'0'.repeat(64)}` } })).status).toBe(401)
    expect((await ask('/status', { headers: { authorization: 'Bearer' } })).body).not.toContain('12D3KooW')
  })

  it('answers no web page: neither a foreign Host nor an Origin', async () => {
    const token = await authorization()
    expect((await ask('/status', { headers: { ...token, host: `evil.example:${(await address()).port}` } })).status).toBe(403)
    expect((await ask('/status', { headers: { ...token, host: '127.0.0.1' } })).status).toBe(403)
    expect((await ask('/status', { headers: { ...token, origin: 'http://127.0.0.1' } })).status).toBe(403)
    expect((await ask('/status', { headers: token })).status).toBe(200)
  })

  it('is read only, and knows its pages', async () => {
    const headers = await authorization()
    expect((await ask('/status', { method: 'POST', headers })).status).toBe(405)
    expect((await ask('/nothing', { headers })).status).toBe(404)
    expect((await ask('//evil.example/status', { headers })).status).toBe(404)
    expect((await ask('/versions?limit=-4', { headers })).status).toBe(200)
  })

  it('refuses malformed requests without ending', async () => {
    const headers = await authorization()
    expect((await ask('/version?selector=%zz', { headers })).status).toBe(404)
    expect((await ask('http://[/', { headers })).status).toBeGreaterThanOrEqual(400)
    expect((await ask('/status', { headers })).status).toBe(200)
  })

  it('answers its programs however many others connect, and drops who says nothing', async () => {
    const { port } = await address()
    const idle = await Promise.all(Array.from({ length: 200 }, async () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      const closed = new Promise<void>((resolve) => { socket.on('close', () => { resolve() }) })
      await new Promise<void>((resolve) => { socket.on('connect', resolve).on('close', () => { resolve() }) })
      return { socket, closed }
    }))
    try {
      for (let asked = 0; asked < 5; asked++) {
        expect((await (await connectControl(home))!.status()).node.peer).toBe('12D3KooWself')
      }
      // the oldest had to go for the others
      await idle[0]!.closed
    } finally {
      idle.forEach(({ socket }) => { socket.destroy() })
    }
  })

  it('keeps no connection open to whoever has no token', async () => {
    const { port } = await address()
    const socket = connect(port, '127.0.0.1')
    const ended = new Promise<string>((resolve) => {
      let text = ''
      socket.setEncoding('utf8').on('data', (piece: string) => { text += piece }).on('close', () => { resolve(text) })
    })
    socket.write(`GET /status HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`)
    expect(await ended).toMatch(/^HTTP\/1\.1 401/)
  })

  it('takes its file away when it stops', async () => {
    server.stop()
    expect(await readControlFile(home)).toBeUndefined()
    expect(await connectControl(home)).toBeUndefined()
  })
})

describe('a file that an earlier process left behind', () => {
  it('is no running peer when nothing listens there', async () => {
    const { port, token } = await address()
    server.stop()
    await writeControlFile(home, { pid: process.pid, port, token })
    expect(await connectControl(home)).toBeUndefined()
  })

  it('is no running peer when another program listens there', async () => {
    const other = new ControlServer({ home: await mkdtemp(join(home, 'other-')), node: new FakeNode(), dataSettings: {} })
    await other.start()
    const { port } = await address()
    server.stop()
    await writeControlFile(home, { pid: process.pid, port, token: '0'.repeat(64) })
    expect(await connectControl(home)).toBeUndefined()
    other.stop()
  })

  it.each<[string, () => Server]>([
    ['speaks no HTTP', () => createServer((socket) => { socket.on('error', () => {}).end('220 ready\r\n') })],
    ['is a web server', () => createHttpServer((_, response) => { response.end('<html>') })],
    ['answers with JSON of its own', () => createHttpServer((_, response) => { response.end('{"pid":1}') })]
  ])('is no running peer when what listens there %s', async (_, create) => {
    const { token } = await address()
    server.stop()
    const other = create()
    await new Promise<void>((resolve) => { other.listen(0, '127.0.0.1', resolve) })
    try {
      await writeControlFile(home, { pid: process.pid, port: (other.address() as AddressInfo).port, token })
      expect(await connectControl(home)).toBeUndefined()
    } finally {
      other.close()
    }
  })

  it('is no running peer when it is a folder', async () => {
    server.stop()
    await mkdir(join(home, 'control.json'))
    expect(await connectControl(home)).toBeUndefined()
  })

  it('is no running peer when the process is dead', async () => {
    const { port, token } = await address()
    // beyond the largest process id that Linux hands out
    await writeControlFile(home, { pid: 2 ** 22 + 1, port, token })
    expect(await connectControl(home)).toBeUndefined()
  })

  it.each(['', '{', 'null', '[]', '{"format":1,"pid":1,"port":70000,"token":"x"}', '{"format":2}'])('is no running peer when it holds %j', async (text) => {
    await writeFile(join(home, 'control.json'), text)
    expect(await connectControl(home)).toBeUndefined()
    expect(await readFile(join(home, 'control.json'), 'utf8')).toBe(text)
  })
})

describe('a running peer that does not answer', () => {
  it('is told from a store that another program holds', async () => {
    // this process holds the store, and something that hangs up stands where its endpoint was
    const store = createLevelStore({ location: join(home, 'db'), clock: systemClock })
    await store.open()
    const { token } = await address()
    server.stop()
    await expect(openHome(home)).rejects.toThrow(/the store in .* is in use/)
    const mute = createServer((socket) => { socket.on('error', () => {}).destroy() })
    await new Promise<void>((resolve) => { mute.listen(0, '127.0.0.1', resolve) })
    try {
      await writeControlFile(home, { pid: process.pid, port: (mute.address() as AddressInfo).port, token })
      await expect(openHome(home)).rejects.toThrow(/runs as process \d+, but does not answer at its control endpoint/)
    } finally {
      mute.close()
      await store.close()
    }
  })
})
