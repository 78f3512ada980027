#!/usr/bin/env bash
# A libp2p stream's onDrain() waits for the first drain of its life only.
#
# Guess: `if (!stream.send(data)) await stream.onDrain()` in a loop writes as fast as the other side reads, and never
# more than a buffer ahead, for as long as the stream lives.
# Met: the promise is made once and stays resolved. From the second time on onDrain() resolves at once while the stream
# still says that it cannot take more, so the loop fills memory. Wait for the `drain` event instead.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module","private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @libp2p/utils@7.4.1 @libp2p/interface@3.3.0

cat > run.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { streamPair } from '@libp2p/utils'

// Node 20 has none
Promise.withResolvers ??= function () {
  const made = {}
  made.promise = new Promise((resolve, reject) => { Object.assign(made, { resolve, reject }) })
  return made
}

const { version } = JSON.parse(readFileSync('node_modules/@libp2p/utils/package.json', 'utf8'))
const [writer, reader] = await streamPair({ delay: 50, capacity: 2 })
reader.addEventListener('message', () => {})
const piece = new Uint8Array(1024)

const waits = []
for (let time = 1; time <= 3; time++) {
  while (writer.send(piece)) { /* until it says that it can take no more */ }
  await writer.onDrain()
  waits.push({ time, stillNeedsDrain: writer.writableNeedsDrain })
  if (writer.writableNeedsDrain) {
    await new Promise((resolve) => { writer.addEventListener('drain', resolve, { once: true }) })
  }
}
writer.abort(new Error('done'))
reader.abort(new Error('done'))

console.log(`@libp2p/utils ${version}`)
for (const { time, stillNeedsDrain } of waits) {
  console.log(`onDrain() number ${time}: resolved, and the stream ${stillNeedsDrain ? 'still needs to drain' : 'has drained'}`)
}
const seen = waits.map(({ stillNeedsDrain }) => stillNeedsDrain).join()
if (seen !== 'false,true,true') {
  console.error(`changed: ${seen}, and not false,true,true`)
  process.exit(1)
}
process.exit(0)
JS
node run.mjs
