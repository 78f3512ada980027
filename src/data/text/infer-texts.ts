/**
 * Proposes what a document says of texts: their classes, their length, and bytes or a vocabulary
 */
import { DatasetError } from '../../errors.ts'
import { isWord } from '../../federation/text-input.ts'
import { wordsOf } from '../../federation/words.ts'
import { printable } from '../../quoted.ts'
import { listed, shown } from '../csv.ts'
import { LabelProfile } from '../label-profile.ts'
import { readTable } from '../table-file.ts'
import { DEFAULT_RARE_ROWS } from '../table-schema.ts'
import { columnsTold, foundersColumns } from './text-columns.ts'
import { readText } from './text-file.ts'
import { allOf, listTexts, readFiles } from './text-sets.ts'
import { WordCounter } from './vocabulary.ts'
import type { FoundingChoices, InferredInput, ReadOptions } from '../data-format.ts'
import type { TextInput } from '../examples.ts'
import type { FileSet } from '../class-list.ts'
import type { TextSource } from './text-dataset.ts'

/** Declared, where a length from the texts would be one of the founder's statistics */
export const DEFAULT_TEXT_LENGTH = 256

/** Words that a message shows */
const MAX_SHOWN = 3

interface FoundTexts {
  labels: string[]
  columns?: Pick<TextInput, 'column' | 'label'>
  /** What of the labels was computed from rows, in words */
  computed?: string
}

/**
 * Reads the classes, and the texts only where their most common words are asked for
 *
 * Throws DatasetError: as reading does, one class only, a vocabulary that no text can meet
 */
export async function inferTexts (source: TextSource, choices: FoundingChoices, { onRead }: ReadOptions = {}): Promise<InferredInput> {
  const counter = choices.text?.words === undefined ? undefined : new WordCounter()
  const folders = await listTexts(source.path)
  const found = folders === undefined
    ? await inferTable(source, choices, { counter, onRead })
    : await inferFolder(folders.train, choices, { counter, onRead })
  const common = counter === undefined ? undefined : commonWords(source.path, counter, choices)
  const { vocabularyFile: file, length = DEFAULT_TEXT_LENGTH } = choices.text ?? {}
  const vocabulary = file === undefined ? common : await declaredVocabulary(file)
  return {
    input: { kind: 'text', length, ...(vocabulary === undefined ? { tokens: 'bytes' } : { tokens: 'words', vocabulary }), ...found.columns },
    labels: found.labels,
    computed: [...(common === undefined ? [] : [`the ${common.length} most common words of your texts`]), ...(found.computed === undefined ? [] : [found.computed])]
  }
}

interface Counting extends ReadOptions {
  counter: WordCounter | undefined
}

async function inferFolder (set: FileSet, { text, label }: FoundingChoices, { counter, onRead }: Counting): Promise<FoundTexts> {
  const root = printable(set.root)
  if (text?.column !== undefined || label !== undefined) {
    throw new DatasetError(`${root} is a folder, whose texts are files and whose classes are folders: --text-column and --label name columns of a table`)
  }
  if (set.classes.length < 2) {
    throw new DatasetError(`${root} has one class only, ${listed(set.classes)}; there is nothing to tell apart`)
  }
  if (set.files.length === 0) {
    throw new DatasetError(`${root} has no texts; add .txt files`)
  }
  if (counter !== undefined) {
    await readFiles(set, [allOf(set.files, (content) => { counter.add(content) })], onRead)
  }
  return { labels: set.classes }
}

async function inferTable ({ path, separator }: TextSource, { text, label, columns = new Map(), rareRows = DEFAULT_RARE_ROWS }: FoundingChoices, { counter, onRead }: Counting): Promise<FoundTexts> {
  let profile: LabelProfile | undefined
  let told: Pick<TextInput, 'column' | 'label'> = {}
  let name = ''
  await readTable(path, (names) => {
    const places = foundersColumns(path, names, { column: text?.column, label })
    const { textAt, labelAt } = places
    told = columnsTold(names, places)
    name = names[labelAt]!
    const other = [...columns].find(([column, choice]) => column !== name || choice !== 'categorical')
    if (other !== undefined) {
      throw new DatasetError(`${path}: column ${shown(other[0])} cannot be ${other[1]} here: of a table of texts two columns are read, and only the classes can be said to be categorical`)
    }
    const classes = profile = new LabelProfile({ file: path, name, choice: columns.get(name), rareRows })
    return (row, place) => {
      classes.add(row.text(labelAt), place)
      counter?.add(row.text(textAt))
    }
  }, { separator, onRead })
  return { labels: profile!.labels(), columns: told, computed: `the classes of ${shown(name)}` }
}

function commonWords (path: string, counter: WordCounter, { text, rareRows = DEFAULT_RARE_ROWS }: FoundingChoices): string[] {
  const vocabulary = counter.vocabulary(text?.words ?? 0, rareRows)
  if (vocabulary.length === 0) {
    throw new DatasetError(`${printable(path)} has no word that stands in ${rareRows} texts or more (--rare), and others are not told to anybody; take bytes, or name the words (--vocabulary FILE)`)
  }
  return vocabulary
}

/** One word a line. Throws DatasetError for what is never met in a text, and for a word that stands there twice */
async function declaredVocabulary (file: string): Promise<string[]> {
  const lines = (await readText(file)).split(/\r\n?|\n/).map((line, i) => ({ word: line.trim(), line: i + 1 })).filter(({ word }) => word !== '')
  const name = printable(file)
  const unfit = lines.filter(({ word }) => !isWord(word))
  if (unfit.length > 0) {
    const [{ word, line }] = unfit as [typeof unfit[0]]
    const cut = [...wordsOf(word)]
    const more = unfit.length === 1 ? '' : `; so are ${unfit.length - 1} lines more`
    throw new DatasetError(`${name}, line ${line}: ${shown(word)} is no word as texts are cut${cut.length === 0 ? '' : ` (into ${cut.slice(0, MAX_SHOWN).map(shown).join(', ')}${cut.length > MAX_SHOWN ? ', …' : ''})`}: write one word a line, in small letters, without signs${more}`)
  }
  const seen = new Set<string>()
  for (const { word, line } of lines) {
    if (seen.size === seen.add(word).size) {
      throw new DatasetError(`${name}, line ${line}: ${shown(word)} stands there twice; remove one`)
    }
  }
  if (lines.length === 0) {
    throw new DatasetError(`${name} has no words in it; write one a line`)
  }
  return [...seen]
}
