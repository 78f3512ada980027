/**
 * A home whose round numbers are beyond repair, as a liar could leave it with version 0.1.0: what its peer says, and
 * the way out
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { federationId } from '../../src/federation/federation-id.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { PeerSet } from '../e2e/peer-driver.ts'
import { run } from './program.ts'

const LAST_OF_PROTOCOL = 0x7fffffff

it('a peer whose rounds nobody takes says so and does not start, and begins under a new identity with its model, when it is told to', async () => {
  await using peers = await PeerSet.create()
  const home = peers.home('a')
  const args = ['start', '--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm']
  expect((await run(['init', '--home', home, '--preset', 'digits', '--json'])).exit).toBe(0)
  const before = peers.spawn('a', args)
  const { peer: retired } = await before.line('listening')
  await before.stop()

  const store = createLevelStore({ location: join(home, 'db'), clock: systemClock })
  await store.open()
  const federation = federationId((await store.getFederation())!)
  const parameters = Float32Array.from({ length: 50_890 }, (_, i) => i / 50_890)
  const model = await store.commit({ federation, round: LAST_OF_PROTOCOL, parents: [], parameters, metrics: {} })
  await store.putPublication({ round: LAST_OF_PROTOCOL, sequence: 7 })
  await store.close()

  const stuck = await run([...args, '--home', home, '--json'])
  expect(stuck.exit).toBe(3)
  expect(stuck.stdout + stuck.stderr).toContain('GRAPEVINE_E_ROUND_LIMIT')
  expect(stuck.stdout + stuck.stderr).toContain('grapevine renew')

  const asked = await run(['renew', '--home', home])
  expect(asked).toMatchObject({ exit: 2, stdout: '' })
  expect(asked.stderr).toContain(`round ${LAST_OF_PROTOCOL}`)
  expect(asked.stderr).toContain(`grapevine renew ${String(retired)}`)
  expect((await run(['renew', '12D3KooWother', '--home', home])).exit).toBe(2)
  const done = await run(['renew', String(retired), '--home', home, '--json'])
  expect(done.exit, done.stderr).toBe(0)
  const renewed = JSON.parse(done.stdout.trim().split('\n')[0]!) as { peer: string, retiredKey: string, version: string }
  expect(renewed.peer).not.toBe(retired)
  expect(await readdir(home)).toContain(`identity.key.${String(retired)}`)

  const after = peers.spawn('a', args)
  expect(await after.line('listening')).toMatchObject({ peer: renewed.peer })
  await after.stop()
  await store.open()
  const latest = (await store.list()).find(({ id }) => id === renewed.version)!
  expect(latest).toMatchObject({ round: 0, parents: [model.id] })
  expect(await store.parameters(latest.id)).toEqual(parameters)
  await store.close()
}, 240_000)
