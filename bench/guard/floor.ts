/**
 * What a peer cannot do without: a bare libp2p node with the services of a mesh, and an idle worker with TensorFlow.js
 *
 * Prints a line when both are there, and stays until its input ends. Nothing of Grapevine's own is loaded.
 */
import '../../src/promise-with-resolvers.ts'
import { createRequire } from 'node:module'
import { dirname, sep } from 'node:path'
import { Worker, isMainThread, parentPort } from 'node:worker_threads'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type * as WasmBackend from '@tensorflow/tfjs-backend-wasm'
import type * as Tensorflow from '@tensorflow/tfjs-core'

async function loadTensorflow (): Promise<void> {
  const load = createRequire(import.meta.url)
  const tf = load('@tensorflow/tfjs-core') as typeof Tensorflow
  const { setWasmPaths } = load('@tensorflow/tfjs-backend-wasm') as typeof WasmBackend
  setWasmPaths(dirname(load.resolve('@tensorflow/tfjs-backend-wasm')) + sep)
  await tf.setBackend('wasm')
  await tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])).data()
}

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url))
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping(), pubsub: gossipsub() }
  })
  await new Promise((resolve, reject) => { worker.once('message', resolve).once('error', reject) })
  console.log('ready')
  process.stdin.resume().once('end', () => {
    void Promise.all([worker.terminate(), libp2p.stop()])
  })
} else {
  await loadTensorflow()
  // an idle worker is one that listens
  parentPort!.on('message', () => {})
  parentPort!.postMessage('ready')
}
