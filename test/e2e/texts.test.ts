/**
 * Two sites with notes, one in a folder and one in a table: founded, joined, learnt, evaluated and used
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run } from '../peer/program.ts'
import { folderWith } from '../data/text/write-texts.ts'
import { PeerSet } from './peer-driver.ts'

const QUICK = ['--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm']
const ROUNDS = 4

const good = (i: number): string => `What a fine and lovely film, number ${i}!`
const bad = (i: number): string => `Such a dull and dreary film, number ${i}...`

describe('two peers with texts', () => {
  it('learn from a folder and from a table, and tell what new texts are', async () => {
    const numbers = Array.from({ length: 60 }, (_, i) => i)
    const folder = await folderWith(Object.fromEntries(numbers.flatMap((i) => [[`notes/good/${i}.txt`, `${good(i)}\r\n`], [`notes/bad/${i}.txt`, bad(i)]])))
    const table = join(folder, 'reviews.tsv')
    await writeFile(table, `label\ttext\n${numbers.map((i) => `good\t${good(100 + i)}\nbad\t${bad(100 + i)}`).join('\n')}\n`)
    await using peers = await PeerSet.create()
    const home = peers.home('founder')
    const made = await run(['init', '--home', home, '--data', `text:${join(folder, 'notes')}`, '--membership', 'open', '--vocabulary', '20', '--length', '10', '--peers', '2', '--epochs', '4', '--learning-rate', '0.01', ...QUICK])
    expect(made).toMatchObject({ exit: 0 })
    expect(made.stdout).toContain('Texts       the first 10 words of a vocabulary of 10: "a", "and", "film", "number"')
    expect(made.stdout).toContain('never sent, but for what is told above')

    const founder = peers.spawn('founder', ['start', '--rounds', String(ROUNDS)])
    const other = peers.spawn('other', ['join', await founder.address(), '--data', `text:${table}`, '--rounds', String(ROUNDS), ...QUICK])
    for (const line of await Promise.all([founder.round(ROUNDS), other.round(ROUNDS)])) {
      expect(line).toMatchObject({ accuracy: 1, accepted: 1 })
    }
    expect(await Promise.all([founder.exited, other.exited])).toMatchObject([{ code: 0 }, { code: 0 }])

    const fresh = join(folder, 'new.csv')
    await writeFile(fresh, 'text,id\n"So lovely, so fine",1\nDREARY,2\n')
    const predicted = await run(['predict', fresh, '--home', home])
    expect(predicted.stdout.split('\n').slice(1, 3).map((line) => line.split(',')[1])).toEqual(['good', 'bad'])
    const named = await run(['predict', join(folder, 'notes', 'bad'), '--home', home, '--json'])
    expect(JSON.parse(named.stdout.split('\n')[0]!)).toMatchObject({ file: '0.txt', label: 'bad' })
    expect((await run(['evaluate', '--home', peers.home('other')])).stdout).toMatch(/100\.0 %/)
    await writeFile(join(folder, 'broken.txt'), Buffer.from([0x66, 0xff]))
    expect(await run(['predict', join(folder, 'broken.txt'), '--home', home])).toMatchObject({ exit: 8, stderr: expect.stringContaining('broken.txt, line 1: byte 0xff') as string })
  }, 120_000)
})
