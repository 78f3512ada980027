/**
 * What `grapevine predict` answers, and what it leaves behind. Run `npm run build` first, as `npm test` does
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { chmod, cp, link, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { loadDataset } from '../../src/data/data-formats.ts'
import { decodeFederation } from '../../src/federation/document.ts'
import { createPredictor } from '../../src/model/predictor.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { hashBytes, parametersToBytes, versionId } from '../../src/store/version-record.ts'
import { PeerDriver } from '../e2e/peer-driver.ts'
import { cleanEnvironment, PROGRAM, run } from './program.ts'
import type { Outcome } from './program.ts'

// several programs one after the other, on a machine that may have other work
vi.setConfig({ testTimeout: 120_000 })

/** It mixed in rounds 5 to 10, and trained 11 to 14 alone */
const PLAIN = join(import.meta.dirname, '../fixtures/homes-0.1/plain')
const FULL = '/dev/full'

let folder: string
let home: string
let patients: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapevine-predict-'))
  home = join(folder, 'home')
  patients = join(folder, 'patients.csv')
  await cp(PLAIN, folder, { recursive: true })
  await chmod(join(home, 'identity.key'), 0o600)
})
afterEach(async () => rm(folder, { recursive: true, force: true }))

async function predict (...args: string[]): Promise<Outcome> {
  return run(['predict', ...args, '--home', home, '--backend', 'cpu'])
}

/** Of the whole program, its standard input given or taken away */
async function fed (args: readonly string[], input: string, reader?: (stdout: NodeJS.ReadableStream) => void): Promise<Outcome> {
  const child = spawn(process.execPath, [PROGRAM, 'predict', ...args, '--home', home, '--backend', 'cpu'], { env: cleanEnvironment() })
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => { texts[name] += text })
  }
  child.stdin.on('error', () => {})
  reader?.(child.stdout)
  child.stdin.end(input)
  const [exit] = await once(child, 'close') as [number | null]
  return { exit, ...texts }
}

function rowsOf (text: string): Array<Record<string, string>> {
  const [header, ...rows] = text.trimEnd().split('\n').map((line) => line.split(','))
  return rows.map((cells) => Object.fromEntries(cells.map((cell, i) => [header![i]!, cell])))
}

async function table (): Promise<string[][]> {
  return (await readFile(patients, 'utf8')).trimEnd().split(/\r?\n/).map((line) => line.split(','))
}

describe('predictions', () => {
  it('are those that evaluate counts, for the same rows, and say which version made them', async () => {
    const { exit, stdout, stderr } = await predict(patients)
    expect({ exit, stderr }).toMatchObject({ exit: 0, stderr: expect.stringMatching(/^predicting with version 72079e09ddbd \(round 10, mixed\) of federation "patients"\n.*the newest, of round 14, this peer trained alone/) as string })
    const [names, ...rows] = await table()
    const labels = rows.map((row) => row[names!.indexOf('class')])
    const predictions = rowsOf(stdout)
    expect(predictions.map(({ row }) => Number(row))).toEqual(rows.map((_, i) => i + 1))
    const right = predictions.filter(({ label }, i) => label === labels[i]).length
    // every row is a test row: nothing is trained here
    const evaluated = JSON.parse((await run(['evaluate', '--home', home, '--json', '--backend', 'cpu', '--data', `csv:${patients}`, '--test-data', patients])).stdout) as { accuracy: number, examples: number }
    expect({ accuracy: right / rows.length, examples: rows.length }).toMatchObject({ accuracy: evaluated.accuracy, examples: evaluated.examples })
    expect(right).toBeGreaterThan(rows.length / 2)
    for (const { label, ...shares } of predictions) {
      const likeliest = Object.entries(shares).filter(([name]) => name.startsWith('p(')).sort(([, a], [, b]) => Number(b) - Number(a))[0]!
      expect(likeliest[0]).toBe(`p(${label})`)
    }
  })

  it('need no label, take columns in any order and others among them, from a file or standard input', async () => {
    const [names, ...rows] = await table()
    const shuffled = ['ward', 'weight', 'note', 'height', 'width']
    const lines = [shuffled, ...rows.map((row, i) => shuffled.map((name) => name === 'note' ? `n${i}` : row[names!.indexOf(name)]!))].map((line) => line.join(',')).join('\n')
    const whole = await predict(patients)
    const unlabelled = await fed(['-'], lines)
    expect(unlabelled).toMatchObject({ exit: 0, stdout: whole.stdout })
    const json = await fed(['-', '--json', '--version', '10'], lines)
    const events = json.stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(events.at(-1)).toMatchObject({ type: 'predict', round: 10, mixed: true, rows: rows.length, backend: 'cpu' })
    const [first] = rowsOf(whole.stdout)
    expect(events[0]).toEqual({ type: 'prediction', row: 1, label: first!.label, probabilities: Object.fromEntries(['high', 'low', 'mid'].map((label) => [label, Number(first![`p(${label})`])])) })
  })

  it('are alike from a library call, from a copy that nothing may be written to, and while the peer runs', async () => {
    const stopped = await predict(patients)
    const store = createLevelStore({ location: join(home, 'db'), clock: { now: () => 0 }, readOnly: true })
    await store.open()
    const document = decodeFederation((await store.getFederation())!)
    const parameters = (await store.parameters((await store.get('latest'))!.id))!
    await store.close()
    const predictor = await createPredictor({ document, parameters, backend: 'cpu' })
    const { train } = await loadDataset({ kind: 'csv', file: patients, testFile: patients }, document.model)
    const inputs = new Float32Array(train.count * train.featureCount)
    for (let row = 0; row < train.count; row++) {
      train.writeInputs(row, inputs, row * train.featureCount)
    }
    const { labels, outputs } = predictor.predict(inputs, train.count)
    expect(rowsOf(stopped.stdout).map(({ label }) => label)).toEqual([...labels].map((label) => predictor.labels[label]))
    expect(outputs.length).toBe(3 * train.count)
    expect(() => predictor.predict(inputs, train.count + 1)).toThrow(RangeError)

    const copy = join(folder, 'copy')
    await cp(home, copy, { recursive: true })
    await chmod(join(copy, 'db'), 0o500)
    await chmod(copy, 0o500)
    expect(await run(['predict', patients, '--home', copy, '--backend', 'cpu'])).toMatchObject({ exit: 0, stdout: stopped.stdout })
    await chmod(copy, 0o700)
    await chmod(join(copy, 'db'), 0o700)

    const peer = new PeerDriver('peer', ['start', '--home', home, '--json', '--listen', '/ip4/127.0.0.1/tcp/0', '--min-members', '9', '--data', `csv:${patients}`, '--backend', 'cpu'])
    try {
      await peer.line('joined')
      expect(await predict(patients)).toMatchObject({ exit: 0, stdout: stopped.stdout })
    } finally {
      await peer.stop()
    }
  })
})

describe('what does not fit', () => {
  it('is one line, and leaves an older answer as it was', async () => {
    const output = join(folder, 'out.csv')
    await writeFile(output, 'older')
    const input = join(folder, 'input.csv')
    await writeFile(input, `width,height,weight,ward\n${'1,2,3,a\n'.repeat(5000)}1,2,x,a\n`)
    const before = await readdir(folder)
    const { exit, stdout, stderr } = await predict(input, '--output', output, '-q')
    expect({ exit, stdout }).toEqual({ exit: 8, stdout: '' })
    expect(stderr).toBe(`error GRAPEVINE_E_DATA_INVALID: ${input}, line 5002, column "weight": "x" is not a number; correct it or remove the row\n`)
    expect(await readFile(output, 'utf8')).toBe('older')
    expect(await readdir(folder)).toEqual(before)
  })

  it('is an output that is the input, under whatever name', async () => {
    const text = await readFile(patients, 'utf8')
    await link(patients, join(folder, 'hard.csv'))
    await symlink(patients, join(folder, 'soft.csv'))
    for (const name of ['hard.csv', 'soft.csv']) {
      expect(await predict(patients, '--output', join(folder, name))).toMatchObject({ exit: 2, stdout: '' })
    }
    expect(await readFile(patients, 'utf8')).toBe(text)
  })

  it('is a version that learned behind another preparation', async () => {
    const root = new Level<string, Uint8Array>(join(home, 'db'), { keyEncoding: 'utf8', valueEncoding: 'view' })
    await root.open()
    const versions = root.sublevel<string, Uint8Array>('versions', { keyEncoding: 'utf8', valueEncoding: 'view' })
    const [key, record] = (await versions.iterator({ reverse: true, limit: 1 }).all())[0]!
    const fields = JSON.parse(new TextDecoder().decode(record)) as object
    await versions.put(key, new TextEncoder().encode(JSON.stringify({ ...fields, preparation: '0'.repeat(64) })))
    await root.close()
    for (const args of [['predict', patients, '--version', 'newest'], ['evaluate', 'newest'], ['export', 'newest', join(folder, 'model')]]) {
      expect(await run([...args, '--home', home])).toMatchObject({ exit: 13, stdout: '', stderr: expect.stringContaining('learned from inputs prepared in another way (000000000000)') as string })
    }
    expect(await predict(patients, '--version', 'latest')).toMatchObject({ exit: 0 })
  })
})

describe('a reader', () => {
  it('that went away ends a long answer quietly', async () => {
    const line = '1,2,3,a\n'
    const { exit, stderr } = await fed(['-', '-q'], `width,height,weight,ward\n${line.repeat(400_000)}`, (stdout) => {
      stdout.once('data', () => { (stdout as NodeJS.ReadableStream & { destroy: () => void }).destroy() })
    })
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
  })

  it.runIf(existsSync(FULL))('on a full disk is an error, on standard output and in a file', async () => {
    const full = openSync(FULL, 'w')
    const child = spawn(process.execPath, [PROGRAM, 'predict', patients, '--home', home, '--backend', 'cpu', '-q'], { stdio: ['ignore', full, 'pipe'], env: cleanEnvironment() })
    let stderr = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => { stderr += text })
    const [exit] = await once(child, 'close') as [number | null]
    closeSync(full)
    expect({ exit, stderr }).toEqual({ exit: 9, stderr: expect.stringMatching(/^error GRAPEVINE_E_OUTPUT: standard output cannot be written: ENOSPC/) as string })
    expect(await predict(patients, '--output', FULL)).toMatchObject({ exit: 9, stderr: expect.stringContaining('error GRAPEVINE_E_DISK_FULL: cannot write /dev/full: ENOSPC') as string })
    expect(existsSync(FULL)).toBe(true)
  })
})

describe('a version', () => {
  it('names the preparation of its document from its commit on, and keeps its id', async () => {
    const store = createLevelStore({ location: join(home, 'db'), clock: { now: () => 0 } })
    await store.open()
    const { id, parents, preparation } = (await store.newest())!
    expect(preparation).toBeUndefined()
    const parameters = (await store.parameters(id))!
    const origin = { federation: 'f', round: 15, parents }
    const committed = await store.commit({ ...origin, parameters, metrics: {} })
    expect(committed).toMatchObject({ preparation: expect.stringMatching(/^[0-9a-f]{64}$/) as string, id: versionId({ ...origin, parametersHash: await hashBytes(parametersToBytes(parameters)) }) })
    expect(await store.newest()).toEqual(committed)
    await store.close()
  })
})
