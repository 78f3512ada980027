import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectControl } from '../../peer/control/control-client.ts'
import { readControlFile, writeControlFile } from '../../peer/control/control-file.ts'
import { ControlServer } from '../../peer/control/control-server.ts'
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
