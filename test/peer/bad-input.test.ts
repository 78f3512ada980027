import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { presetDocument } from '../../src/presets.ts'
import { PeerSet } from '../e2e/peer-driver.ts'
import { run } from './program.ts'
import type { AddressInfo, Server } from 'node:net'
import type { Outcome } from './program.ts'

const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm']

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gv-bad-input-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

function home (name: string): string {
  return join(folder, name)
}

/** One line, the code in it, and the exit code */
function expectFailure (outcome: Outcome, code: string, exit: number): void {
  expect(outcome.stderr).toContain(`error GRAPEVINE_E_${code}: `)
  expect(outcome.stderr.trimEnd().split('\n').filter((line) => !line.startsWith('made a new peer'))).toHaveLength(1)
  expect(outcome.exit).toBe(exit)
  expect(outcome.stdout).toBe('')
}

async function listening (server: Server): Promise<number> {
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return (server.address() as AddressInfo).port
}

const OTHER = '12D3KooWJ3mt4ttQxoyYQmXBJH6sSCLjXzPYxEUAHB7Pf8qB9QVQ'

describe('an address that cannot be meant', () => {
  it.each([
    ['every address, announced', ['--announce', '/ip4/0.0.0.0/tcp/4001'], 'names no machine (0.0.0.0)'],
    ['any port, announced', ['--announce', '/ip4/198.51.100.7/tcp/0'], 'port 0'],
    ['another peer\'s, announced', ['--announce', `/ip4/198.51.100.7/tcp/4001/p2p/${OTHER}`], 'the id of another peer'],
    ['another transport, announced', ['--announce', '/ip4/198.51.100.7/tcp/4001/ws'], 'it is a WebSocket address'],
    ['every address, to join through', ['--bootstrap', '/ip6/::/tcp/4001'], 'names no machine (::)'],
    ['a relay, to join through', ['--bootstrap', `/ip4/198.51.100.7/tcp/4001/p2p/${OTHER}/p2p-circuit`], 'it is a relay address'],
    ['another transport, to listen on', ['--listen', '/ip4/127.0.0.1/udp/4001/quic-v1'], 'it is a QUIC address']
  ])('%s: exit code 2, and nothing is made', async (_, args, says) => {
    const outcome = await run(['start', '--preset', 'digits', '--home', home('unmeant'), ...args])
    expectFailure(outcome, 'BAD_ADDRESS', 2)
    expect(outcome.stderr).toContain(says)
    expect(existsSync(home('unmeant'))).toBe(false)
  })
})

describe('a home of one federation', () => {
  it('refuses to join another one at once, and starts again on the port that it had', async () => {
    await using peers = await PeerSet.create()
    const spawn = (name: string, preset: string): ReturnType<PeerSet['spawn']> => peers.spawn(name, ['start', '--preset', preset, ...LOOPBACK])
    const [mine, theirs] = [spawn('mine', 'digits'), spawn('theirs', 'wide')]
    const [address, other] = await Promise.all([mine.address(), theirs.address()])
    await mine.line('joined')
    expect(await mine.stop()).toMatchObject({ code: 0 })

    const outcome = await run(['join', other, '--home', peers.home('mine'), ...LOOPBACK])
    expectFailure(outcome, 'FEDERATION_MISMATCH', 13)
    expect(outcome.stderr).toContain('use another home')

    const again = peers.spawn('mine', ['start', ...LOOPBACK])
    expect(await again.address()).toBe(address)
  }, 120_000)
})

describe('a command line that is wrong', () => {
  it.each([
    ['no verb', [], 'a verb is missing'],
    ['an unknown verb', ['strat'], 'did you mean start?'],
    ['an unknown flag', ['start', '--min-member', '3'], 'did you mean --min-members?'],
    ['a flag of another verb', ['status', '--rounds', '3'], '--rounds'],
    ['a flag without its value', ['start', '--rounds'], 'argument missing'],
    ['a value that is none', ['start', '--rounds', 'many'], '--rounds must be a whole number'],
    ['a missing argument', ['export', '3'], 'missing required argument \'target\''],
    ['one argument too many', ['status', 'now'], 'too many arguments'],
    ['settings that exclude each other', ['start', '--dirichlet', '1', '--shards', '2'], 'cannot be given together'],
    ['a split without parts', ['init', '--shards', '2'], '--partition I/N is missing'],
    ['an unknown attack', ['start', '--preset', 'digits', '--attack', 'sign-flop'], 'did you mean "sign-flip"?'],
    ['an unknown preset', ['init', '--preset', 'digit'], 'did you mean digits?']
  ])('%s: exit code 2', async (_, args, says) => {
    const outcome = await run([...args, '--home', home('never')])
    expectFailure(outcome, 'USAGE', 2)
    expect(outcome.stderr).toContain(says)
    expect(existsSync(home('never'))).toBe(false)
  })

  it.each([['nonsense'], ['192.168.1.2:4000'], ['/ip4/999.1.1.1/tcp/1'], ['/ip4/127.0.0.1/udp/9'], ['/ip4/127.0.0.1/tcp/9/p2p/nobody']])('the address %s: exit code 2, and no home is made for it', async (address) => {
    const outcome = await run(['join', address, '--home', home('never')])
    expectFailure(outcome, 'BAD_ADDRESS', 2)
    expect(existsSync(home('never'))).toBe(false)
  })

  it('prints an error as one JSON line with --json', async () => {
    const { exit, stdout } = await run(['start', '--home', home('never'), '--json'])
    expect(exit).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({ type: 'error', code: 'GRAPEVINE_E_NO_HOME', exit: 3, message: expect.stringMatching(new RegExp(`^no peer in ${home('never')}: make one with grapevine init --home ${home('never')}, or join`)) as string, fix: expect.stringContaining('grapevine init') as string })
  })

  it('shows the stack of an error with --verbose only', async () => {
    expect((await run(['status', '--home', home('never')])).stderr).not.toContain('    at ')
    expect((await run(['status', '--home', home('never'), '-v'])).stderr).toContain('    at ')
  })
})

describe('a configuration that is wrong', () => {
  it.each([
    ['an unknown key', 'min-member = 3', 'did you mean min-members?'],
    ['a value that is none', 'rounds = "many"', '"rounds" must be a whole number'],
    ['a file that is not TOML', 'rounds = [', 'not valid TOML']
  ])('%s: exit code 3', async (name, text, says) => {
    const path = home(name.replaceAll(' ', '-'))
    await mkdir(path)
    await writeFile(join(path, 'grapevine.toml'), text)
    const outcome = await run(['status', '--home', path])
    expectFailure(outcome, 'CONFIGURATION', 3)
    expect(outcome.stderr).toContain(says)
  })

  it('a home that is a file: exit code 3', async () => {
    const file = home('a-file')
    await writeFile(file, '')
    for (const verb of ['status', 'init', 'start']) {
      const outcome = await run([verb, '--home', file])
      expectFailure(outcome, 'CONFIGURATION', 3)
      expect(outcome.stderr).toContain(`${file} is a file, not a folder`)
    }
  })

  it('a folder of something else, open to others, is left as it is: exit code 3', async () => {
    const shared = home('shared')
    await mkdir(shared)
    await chmod(shared, 0o755)
    await writeFile(join(shared, 'of-somebody-else'), '')
    const outcome = await run(['start', '--home', shared, '--preset', 'digits', ...LOOPBACK])
    expectFailure(outcome, 'CONFIGURATION', 3)
    expect(outcome.stderr).toContain(`${shared} is open to other users (mode 0755) and holds other files (of-somebody-else)`)
    expect(((await stat(shared)).mode & 0o777).toString(8)).toBe('755')
    expect(await readdir(shared)).toEqual(['of-somebody-else'])
  })

  it('the variable of a benchmark is no mistake', async () => {
    expectFailure(await run(['status', '--home', home('never')], { env: { GRAPEVINE_MNIST: '/data' } }), 'NO_HOME', 3)
  })

  it('an unknown variable: exit code 3', async () => {
    const outcome = await run(['status'], { env: { GRAPEVINE_ROUDS: '3' } })
    expectFailure(outcome, 'CONFIGURATION', 3)
    expect(outcome.stderr).toContain('did you mean GRAPEVINE_ROUNDS?')
  })

  it('a home without a peer: exit code 3', async () => {
    expectFailure(await run(['status', '--home', home('never')]), 'NO_HOME', 3)
    expectFailure(await run(['start', '--home', home('never')]), 'NO_HOME', 3)
  })

  it('a federation document that is missing, no JSON, or has an unknown field: exit code 3', async () => {
    const file = home('federation.json')
    expectFailure(await run(['init', '--home', home('never'), '--federation', file]), 'CONFIGURATION', 3)
    await writeFile(file, '{')
    expectFailure(await run(['init', '--home', home('never'), '--federation', file]), 'CONFIGURATION', 3)
    await writeFile(file, JSON.stringify({ ...presetDocument('digits'), agregation: {} }))
    const outcome = await run(['init', '--home', home('never'), '--federation', file])
    expectFailure(outcome, 'FEDERATION_INVALID', 3)
    expect(outcome.stderr).toContain('did you mean "aggregation"?')
    expect(existsSync(home('never'))).toBe(false)
  })

  it('a model that nobody can train leaves no home behind that would refuse the corrected document: exit code 3', async () => {
    const file = home('no-model.json')
    const document = presetDocument('digits')
    await writeFile(file, JSON.stringify({ ...document, model: { ...document.model, topology: {} } }))
    const outcome = await run(['start', '--home', home('never'), '--federation', file, ...LOOPBACK])
    expectFailure(outcome, 'FEDERATION_INVALID', 3)
    expect(outcome.stderr).toContain(`${file}: model.topology: `)
    expect(existsSync(home('never'))).toBe(false)
  })

  it('a document with a byte order mark is read', async () => {
    const file = home('marked.json')
    await writeFile(file, `\ufeff${JSON.stringify(presetDocument('digits'))}`)
    expect(await run(['init', '--home', home('marked'), '--federation', file, '--backend', 'wasm'])).toMatchObject({ exit: 0 })
  })
})

describe('data that are wrong', () => {
  it('a folder that is not there: exit code 8, and no home is made', async () => {
    const outcome = await run(['init', '--home', home('never'), '--data', `idx:${home('no-data')}`])
    expectFailure(outcome, 'DATA_MISSING', 8)
    expect(outcome.stderr).toContain(home('no-data'))
    expect(existsSync(home('never'))).toBe(false)
  })

  it('files that are no IDX files: exit code 8', async () => {
    const data = home('corrupt')
    await mkdir(data)
    for (const name of ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte']) {
      await writeFile(join(data, name), 'this is a text')
    }
    expectFailure(await run(['init', '--home', home('never'), '--data', `idx:${data}`, '--preset', 'mnist-mlp']), 'DATA_INVALID', 8)
  })

  it('a table for a model of images: exit code 8', async () => {
    const file = home('table.csv')
    await writeFile(file, 'a,b,label\n1,2,x\n3,4,y\n5,6,x\n7,8,y\n')
    expectFailure(await run(['init', '--home', home('never'), '--data', `csv:${file}`, '--preset', 'digits']), 'DATA_INVALID', 8)
    expectFailure(await run(['init', '--home', home('never'), '--data', `csv:${file}`, '--label', 'none']), 'DATA_INVALID', 8)
  })

  it('a running start says so too: exit code 8', async () => {
    const path = home('data-gone')
    await mkdir(path)
    await writeFile(join(path, 'grapevine.toml'), `data = "idx:${home('no-data')}"\n`)
    expectFailure(await run(['start', '--home', path, '--preset', 'mnist-mlp', ...LOOPBACK]), 'DATA_MISSING', 8)
  })
})

describe('a bootstrap address that leads nowhere', () => {
  it('nothing listens there: exit code 5', async () => {
    const server = createServer()
    const port = await listening(server)
    await new Promise((resolve) => { server.close(resolve) })
    const outcome = await run(['join', `/ip4/127.0.0.1/tcp/${port}`, '--home', home('refused'), ...LOOPBACK])
    expectFailure(outcome, 'BOOTSTRAP_REFUSED', 5)
    expect(outcome.stderr).toContain(`/ip4/127.0.0.1/tcp/${port}`)
    // repeating is safe: nothing was made that a wrong address would stay in
    expect(existsSync(home('refused'))).toBe(false)
    expectFailure(await run(['join', `/ip4/127.0.0.1/tcp/${port}`, '--home', home('refused'), ...LOOPBACK]), 'BOOTSTRAP_REFUSED', 5)
  })

  it('something else listens there: exit code 5', async () => {
    const server = createServer((socket) => { socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n') })
    try {
      const outcome = await run(['join', `/ip4/127.0.0.1/tcp/${await listening(server)}`, '--home', home('not-libp2p'), ...LOOPBACK])
      expectFailure(outcome, 'NOT_LIBP2P', 5)
    } finally {
      server.close()
    }
  })
})

describe('a listening address that cannot be had', () => {
  it('a port in use: exit code 5', async () => {
    const server = createServer()
    try {
      const port = await listening(server)
      const outcome = await run(['start', '--home', home('port'), '--preset', 'digits', '--listen', `/ip4/127.0.0.1/tcp/${port}`, '--backend', 'wasm'])
      expectFailure(outcome, 'PORT_IN_USE', 5)
      expect(outcome.stderr).toContain(String(port))
    } finally {
      server.close()
    }
  })

  it('an address of another machine: exit code 5', async () => {
    expectFailure(await run(['start', '--home', home('elsewhere'), '--preset', 'digits', '--listen', '/ip4/192.0.2.1/tcp/0', '--backend', 'wasm']), 'LISTEN', 5)
  })
})

describe('a key that is not safe', () => {
  it.each([['INSECURE_PERMISSIONS', 0o644, undefined], ['IDENTITY', 0o600, 'no key']])('%s: exit code 9', async (code, mode, text) => {
    const path = home(code)
    const made = await run(['init', '--home', path, '--backend', 'wasm'])
    expect(made.exit).toBe(0)
    const key = join(path, 'identity.key')
    if (text !== undefined) {
      await writeFile(key, text)
    }
    await chmod(key, mode)
    const outcome = await run(['start', '--home', path, ...LOOPBACK])
    expectFailure(outcome, code, 9)
    expect(outcome.stderr).toContain(key)
  })
})

describe('a key that is gone', () => {
  it('from a home whose peer ran is told, since the peer goes on under another name', async () => {
    const args = ['start', '--home', home('no-key'), '--preset', 'digits', '--partition', '1/40', '--min-members', '1', '--alone', 'train', ...LOOPBACK]
    expect((await run([...args, '--rounds', '1'])).stderr).not.toContain('identity.key')
    await rm(join(home('no-key'), 'identity.key'))
    const { exit, stderr } = await run([...args, '--rounds', '2'])
    expect(exit).toBe(0)
    expect(stderr).toContain(`warning: ${home('no-key')} has lost its identity.key`)
  })
})

describe('a live peer in the way', () => {
  it('names the process that holds the home, refuses another federation, and proves who it is', async () => {
    await using peers = await PeerSet.create()
    const peer = peers.spawn('peer', ['start', '--preset', 'digits', '--data', 'digits', ...LOOPBACK])
    const address = await peer.address()
    const { pid } = JSON.parse((await run(['status', '--home', peers.home('peer'), '--json'])).stdout) as { pid: number }

    const second = await run(['start', '--home', peers.home('peer'), ...LOOPBACK])
    expectFailure(second, 'HOME_LOCKED', 4)
    expect(second.stderr).toContain(`process ${pid}`)

    const stranger = '12D3KooWJ3mt4ttQxoyYQmXBJH6sSCLjXzPYxEUAHB7Pf8qB9QVQ'
    const wrong = await run(['join', address.replace(/\/p2p\/.*/, `/p2p/${stranger}`), '--home', home('wrong-peer'), ...LOOPBACK])
    expectFailure(wrong, 'IDENTITY_MISMATCH', 13)
    expect(wrong.stderr).toContain(stranger)

    const pinned = await run(['join', address, '--home', home('pinned'), '--federation-id', 'bafyreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', ...LOOPBACK])
    expectFailure(pinned, 'FEDERATION_MISMATCH', 13)

    expect(await peer.stop()).toMatchObject({ code: 0 })
    const other = await run(['start', '--home', peers.home('peer'), '--preset', 'mnist-mlp', ...LOOPBACK])
    expectFailure(other, 'FEDERATION_MISMATCH', 13)
  })
})

/** Undefined where a small file system can be made */
function whyNoSmallDisk (): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return 'a small file system needs root on Linux'
  }
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/mnt'], { encoding: 'utf8' })
  if (mount.status === 0) {
    spawnSync('umount', ['/mnt'])
    return undefined
  }
  return `mount does not work here: ${mount.stderr ?? String(mount.error)}`.trim()
}

const noSmallDisk = whyNoSmallDisk()
describe.skipIf(noSmallDisk !== undefined)(noSmallDisk === undefined ? 'a disk that is full' : `a disk that is full (skipped: ${noSmallDisk})`, () => {
  it('before the start: exit code 9', async () => {
    const disk = home('disk')
    await mkdir(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk])
    try {
      await writeFile(join(disk, 'filler'), new Uint8Array(64 * 1024)).catch(() => {})
      const outcome = await run(['start', '--home', join(disk, 'home'), '--preset', 'digits', ...LOOPBACK])
      expectFailure(outcome, 'DISK_FULL', 9)
    } finally {
      execFileSync('umount', [disk])
    }
  })

  it('in the middle of a run: exit code 9, and the last committed version can be read', async () => {
    const disk = home('small')
    await mkdir(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1800k', 'tmpfs', disk])
    try {
      const outcome = await run(['start', '--home', join(disk, 'home'), '--preset', 'digits', '--min-members', '1', '--alone', 'train', '--rounds', '30', '--data', 'digits', '--partition', '1/40', '--json', ...LOOPBACK])
      expect(outcome.stderr).toContain('error GRAPEVINE_E_DISK_FULL: ')
      expect(outcome.exit).toBe(9)
      const last = outcome.stdout.split('\n').filter((line) => line.includes('"version:commit"')).at(-1)
      const { round } = JSON.parse(last!) as { round: number }
      execFileSync('mount', ['-o', 'remount,size=32m', disk])
      const status = JSON.parse((await run(['status', '--home', join(disk, 'home'), '--json'])).stdout) as { round: number }
      expect(status.round).toBe(round)
    } finally {
      execFileSync('umount', [disk])
    }
  })
})
