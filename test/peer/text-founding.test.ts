import { describe, expect, it } from 'vitest'
import { founding, refuseFounding } from '../../peer/founding.ts'
import { modelCard } from '../../peer/model-card.ts'
import { showTexts } from '../../peer/text-view.ts'
import { fileWith, folderWith } from '../data/text/write-texts.ts'
import type { CardFacts } from '../../peer/model-card.ts'
import type { Settings } from '../../peer/settings.ts'

const TEXTS = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`${i % 2 === 0 ? 'good' : 'bad\u001b[2J'}/${i}.txt`, `a film ${i}`]))

async function folder (): Promise<string> {
  return `text:${await folderWith(TEXTS)}`
}

async function table (): Promise<string> {
  return `text:${await fileWith('reviews.csv', `id,review,stars\n${Array.from({ length: 12 }, (_, i) => `${i},a film ${i},${i % 2 === 0 ? 'good' : 'bad'}`).join('\n')}\n`)}`
}

async function shown (settings: Settings): Promise<string> {
  const { document, computed } = await founding(settings)
  const lines: string[] = []
  showTexts({ field: (name, text) => { lines.push(`${name}: ${text}`) } }, document, computed)
  return lines.join('\n')
}

describe('a federation founded on texts', () => {
  it('says bytes and a declared length, in format 2, and nothing that was computed', async () => {
    const { document, texts, computed } = await founding({ data: await folder(), length: 40 })
    expect(document).toMatchObject({ format: 2, model: { input: { kind: 'text', length: 40, tokens: 'bytes' }, loss: 'categoricalCrossentropy' } })
    expect([texts, computed]).toEqual([true, []])
  })

  it('tells its founder what everyone will read, in lines that steer no terminal', async () => {
    const text = await shown({ data: await folder(), vocabulary: '2' })
    expect(text).toContain('Texts: the first 256 words of a vocabulary of 2: "a", "film"')
    expect(text).toMatch(/the classes "bad.*\[2J", "good": no text, and no number of texts\. Computed from your data: the 2 most common words of your texts/)
    expect(text).not.toContain('\u001b')
    expect(await shown({ data: await table(), textColumn: 'review' })).toContain('the columns "review" and "stars" and the classes "bad", "good"')
  })

  it('under a mechanism tells no vocabulary and no classes of rows, unless that may be told', async () => {
    const privacy = { privacy: 'dp-sgd', epsilon: 8, rounds: 10, rare: 1 } as Settings
    await expect(founding({ ...privacy, data: await folder(), vocabulary: '2' })).rejects.toThrow('under dp-sgd the document may tell nothing that was computed from your texts, and it would tell the 2 most common words of your texts: take bytes or name the words yourself (--vocabulary FILE)')
    await expect(founding({ ...privacy, data: await table(), textColumn: 'review' })).rejects.toThrow('the classes of "stars"')
    expect((await founding({ ...privacy, data: await folder(), vocabulary: '2', publishStatistics: true })).document.privacy.mechanism).toBe('dp-sgd')
    const declared = await founding({ ...privacy, data: await folder(), vocabulary: await fileWith('words.txt', 'film\n') })
    expect(declared.document.model.input).toMatchObject({ vocabulary: ['film'] })
    expect(declared.remarks).toContain('under dp-sgd this document still tells the classes of your texts: that is outside of its promise')
  })

  it.each<[Settings, string]>([
    [{ data: 'csv:/a.csv', vocabulary: '100' }, '--vocabulary says what the texts of a new federation are to its model: give texts with --data text:PATH'],
    [{ preset: 'digits', length: 5 }, '--length says what the texts of a new federation are to its model: a preset says it already'],
    [{ vocabulary: '0' }, '--vocabulary 0'],
    [{ task: 'regression' }, '--task regression predicts a number that a table holds, and these data are texts with classes'],
    [{ hidden: '8' }, '--hidden says the layers of a perceptron, and texts begin with an embedding: give other layers with --model'],
    [{ drop: ['x'] }, '--drop decides what a new federation\'s document says of a table'],
    [{ size: '8x8' }, 'give them with --data images:FOLDER'],
    [{ textColumn: 'x' }, 'is a folder, whose texts are files']
  ])('takes no %j', async (settings, problem) => {
    await expect(founding({ data: await folder(), ...settings })).rejects.toThrow(problem)
  })

  it('says so where a vocabulary is too large for a document', async () => {
    const words = Array.from({ length: 40_000 }, (_, i) => `word${i}`).join('\n')
    await expect(founding({ data: await folder(), vocabulary: await fileWith('words.txt', words) })).rejects.toThrow(/document has \d+ bytes, more than 262144; a vocabulary of fewer words makes it smaller/)
  })

  it('is joined without flags of texts', () => {
    expect(() => { refuseFounding({ length: 5, vocabulary: '5' }) }).toThrow('--length and --vocabulary are for a new federation only')
  })

  it('has a card that says what its model takes', async () => {
    const { document } = await founding({ data: await folder(), vocabulary: '2' })
    const version = { id: 'ab', round: 1, parents: [], parametersHash: '', parameterCount: 1, createdAt: 0, metrics: {}, mixed: true }
    const card = modelCard({ document, federationId: 'x', version, others: 1, privacy: undefined, neighboursNeeded: 1 } satisfies CardFacts)
    expect(card).toContain('Texts: the first 256 words of each, in small letters, of a vocabulary of 2, which stands in the federation document')
  })
})
