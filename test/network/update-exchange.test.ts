import { afterEach, describe, expect, it } from 'vitest'
import { bytes, Stage, until } from './nodes.ts'

const stage = new Stage()

afterEach(async () => stage.strike())

describe('updates between networks', () => {
  it('carries a small update inside its gossip message', async () => {
    const [alice, bob] = await stage.mesh(2)
    const payload = bytes(33_000)
    const receipt = await alice!.publish({ round: 1, sequence: 1, codec: 'float32', degree: 1, payload })
    await until(() => bob!.updates.length === 1)

    expect(receipt).toMatchObject({ recipients: 1, inline: true })
    expect(bob!.updates[0]).toMatchObject({ author: alice!.self, from: alice!.self, round: 1, sequence: 1, codec: 'float32', degree: 1, updateId: receipt.updateId })
    expect(Buffer.from(payload).equals(bob!.updates[0]!.payload)).toBe(true)
    expect(bob!.neighbourhood.heardFrom).toEqual([alice!.self])
  })

  it('announces a large update, and neighbours pull it at about its own size on the wire', async () => {
    const [alice, bob, carol] = await stage.mesh(3)
    const payload = bytes(4_000_000)
    const before = [bob!, carol!].map((network) => network.traffic().bytesReceived)
    const receipt = await alice!.publish({ round: 1, sequence: 1, codec: 'float32', degree: 1, payload })
    await until(() => bob!.updates.length === 1 && carol!.updates.length === 1)

    expect(receipt.inline).toBe(false)
    for (const [index, network] of [bob!, carol!].entries()) {
      expect(Buffer.from(payload).equals(network.updates[0]!.payload)).toBe(true)
      expect((network.traffic().bytesReceived - before[index]!) / payload.byteLength).toBeLessThan(1.02)
    }
  })
})

describe('the life of a network', () => {
  it('that is stopped while it starts ends with nothing running', async () => {
    const network = await stage.network()
    const starting = network.start().catch(() => {})
    await network.stop()
    await starting
    expect(network.host.libp2p.status).toBe('stopped')
    expect(network.addresses()).toEqual([])
  })

  it('is started once, for whoever asks', async () => {
    const network = await stage.network()
    void network.start()
    await network.start()
    expect(network.addresses()).toHaveLength(1)
  })
})
