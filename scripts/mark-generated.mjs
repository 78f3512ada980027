// Puts a notice on top of the codecs that protons wrote, and turns type checking off for them: they use namespaces
import { readFile, readdir, writeFile } from 'node:fs/promises'

const folder = new URL('../src/network/wire/', import.meta.url)
const NOTICE = '// @ts-nocheck: generated from the .proto file beside it by `npm run build:proto`\n'

for (const name of await readdir(folder)) {
  if (!name.endsWith('.ts')) {
    continue
  }
  const file = new URL(name, folder)
  const text = await readFile(file, 'utf8')
  if (!text.startsWith(NOTICE)) {
    await writeFile(file, NOTICE + text)
  }
}
