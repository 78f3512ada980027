/**
 * Compiles the AssemblyScript kernels to src/aggregators/kernels/module.generated.ts
 *
 *     npm run build:kernels             writes the file
 *     npm run build:kernels -- --check  exits with 1 when it would change: what ships is what the sources say
 */
import { readFile, writeFile } from 'node:fs/promises'
import asc from 'assemblyscript/asc'

const SOURCE = 'src/aggregators/kernels/assembly/index.ts'
const TARGET = 'src/aggregators/kernels/module.generated.ts'
/** 64 KiB each: the scratch area that the sources lay out */
const PAGES = '18'

async function compile () {
  let binary
  const { error, stderr } = await asc.main([
    SOURCE, '--outFile', 'kernels.wasm', '-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd',
    '--initialMemory', PAGES, '--maximumMemory', PAGES, '--memoryBase', '16'
  ], { writeFile: (name, contents) => { if (name.endsWith('.wasm')) { binary = contents } } })
  if (error !== null || binary === undefined) {
    throw new Error(`${SOURCE} does not compile: ${stderr.toString().trim()}`)
  }
  return binary
}

const lines = Buffer.from(await compile()).toString('base64').match(/.{1,120}/g)
const text = `/**
 * The compiled kernels, base64: written by npm run build:kernels from assembly/index.ts. Do not edit
 */
export const KERNEL_MODULE = [
${lines.map((line) => `  '${line}'`).join(',\n')}
].join('')
`

if (process.argv.includes('--check')) {
  if (await readFile(TARGET, 'utf8').catch(() => '') !== text) {
    console.error(`${TARGET} is not what ${SOURCE} compiles to: run npm run build:kernels`)
    process.exitCode = 1
  }
} else {
  await writeFile(TARGET, text)
}
