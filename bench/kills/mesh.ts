/**
 * A mesh to be killed in: two neighbours that record (recorder.ts), and victims
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { writeData } from './data.ts'
import { Victim } from './victim.ts'
import type { Random } from '../../src/interface.ts'
import type { MeshName } from './documents.ts'
import type { RecordedUpdate, RecorderInit, RecorderMessage, Verdict } from './recorder.ts'

/** Rounds take as long: the processors are for the starts */
const ANSWER_MS = 80

/** Nothing is removed of the first kind, so that its commits are only that; the other removes with every commit */
const KEEP_VERSIONS: Readonly<Record<MeshName, number>> = { gossiped: 100_000, pulled: 2, large: 2 }

export interface MeshInit {
  name: MeshName
  folder: string
  victims: number
  random: Random
}

export class Mesh {
  readonly name: MeshName
  readonly victims: Victim[] = []
  private readonly worker: Worker
  private readonly received: RecordedUpdate[] = []

  private constructor (name: MeshName, worker: Worker) {
    this.name = name
    this.worker = worker
  }

  static async create ({ name, folder, victims, random }: MeshInit): Promise<Mesh> {
    const workerData: RecorderInit = { mesh: name, answerMs: ANSWER_MS }
    const mesh = new Mesh(name, new Worker(new URL('./recorder.js', import.meta.url), { workerData }))
    const bootstrap = await mesh.ready()
    for (let i = 1; i <= victims; i++) {
      const own = join(folder, `${name}-${i}`)
      await mkdir(own, { recursive: true })
      mesh.victims.push(new Victim({
        ...{ folder: own, bootstrap, random, received: mesh.received },
        name: `${name}-${i}`,
        // of its own, and thus with a ledger of its own
        data: await writeData(join(own, 'data'), `${name}-${i}`),
        keepVersions: KEEP_VERSIONS[name]
      }))
    }
    return mesh
  }

  /** What the neighbours hold against the victims */
  async verdict (): Promise<Verdict> {
    const { promise, resolve, reject } = Promise.withResolvers<Verdict>()
    this.worker.on('message', (message: RecorderMessage) => { message.type === 'verdict' && resolve(message.verdict) })
    this.worker.once('error', reject)
    this.worker.postMessage('verdict')
    return promise
  }

  async end (): Promise<void> {
    await this.worker.terminate()
  }

  private async ready (): Promise<string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<string[]>()
    this.worker.once('error', reject)
    this.worker.on('message', (message: RecorderMessage) => {
      if (message.type === 'update') {
        this.received.push(message.update)
      }
      if (message.type === 'ready') {
        resolve(message.addresses)
      }
    })
    return promise
  }
}
