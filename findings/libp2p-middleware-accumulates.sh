#!/usr/bin/env bash
# A libp2p middleware list grows by one handler with every inbound stream of its protocol.
#
# Guess: `node.use(protocol, middleware)` runs that middleware once for each stream of the protocol, before the handler
# for inbound ones.
# Met: the registered list itself is handed out, and for each inbound stream its handler is pushed onto it. The second
# inbound stream runs the handler twice, the third three times. Wrap the handler
# where it is registered instead.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module","private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts \
  libp2p@3.3.11 @libp2p/tcp@11.0.28 @chainsafe/libp2p-noise@17.0.0 @chainsafe/libp2p-yamux@8.0.1

cat > run.mjs <<'JS'
import { readFileSync } from 'node:fs'

// Node 20 has none
Promise.withResolvers ??= function () {
  const made = {}
  made.promise = new Promise((resolve, reject) => { Object.assign(made, { resolve, reject }) })
  return made
}
const { createLibp2p } = await import('libp2p')
const { tcp } = await import('@libp2p/tcp')
const { noise } = await import('@chainsafe/libp2p-noise')
const { yamux } = await import('@chainsafe/libp2p-yamux')

const PROTOCOL = '/counted/1.0.0'
const node = () => createLibp2p({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] })
const server = await node()
const client = await node()
let middlewares = 0
let handled = 0
await server.handle(PROTOCOL, () => { handled++ })
server.use(PROTOCOL, (stream, connection, next) => { middlewares++; next(stream, connection) })

const connection = await client.dial(server.getMultiaddrs()[0])
const seen = []
for (let time = 1; time <= 3; time++) {
  const [m, h] = [middlewares, handled]
  const stream = await connection.newStream(PROTOCOL)
  for (let turn = 0; turn < 100 && handled - h < time; turn++) {
    await new Promise((resolve) => { setTimeout(resolve, 10) })
  }
  seen.push({ time, middleware: middlewares - m, handler: handled - h })
  await stream.close()
}
const { version } = JSON.parse(readFileSync('node_modules/libp2p/package.json', 'utf8'))
console.log(`libp2p ${version}`)
for (const { time, middleware, handler } of seen) {
  console.log(`inbound stream ${time}: middleware ran ${middleware} time(s), the handler ${handler} time(s)`)
}
await Promise.all([client.stop(), server.stop()])
const found = seen.map(({ handler }) => handler).join()
if (found !== '1,2,3') {
  console.error(`changed: the handler ran ${found} times, and not 1,2,3`)
  process.exit(1)
}
process.exit(0)
JS
node run.mjs
