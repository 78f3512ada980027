/**
 * Made texts from a seed: notes of a few sentences in an invented language, each about one of three subjects
 *
 * A subject has words of its own, most of them rare, and borrows some of the others': who has few notes has not seen
 * many of them. Sentences follow a small grammar: article, adjective, noun, verb, noun.
 */
import { seededRandom } from '../../src/seeded-random.ts'
import type { Random } from '../../src/interface.ts'
import type { MadeTable } from './made-tables.ts'

const SUBJECTS = ['deliveries', 'payments', 'repairs'] as const
const SYLLABLES = ['ba', 'do', 'ke', 'li', 'mo', 'na', 'pe', 'ri', 'so', 'tu', 'va', 'zi']
const PARTS = ['adjective', 'noun', 'verb'] as const
const ARTICLES = ['the', 'a', 'this', 'no']

/** Words of a part of speech: of a subject, and of all */
const OWN_WORDS = 60
const COMMON_WORDS = 40
/** Share of words from the subject, and from any subject */
const OWN = 0.3
const BORROWED = 0.15

type Words = Record<typeof PARTS[number], string[]>

function madeWords (count: number, random: Random): Words {
  const word = (): string => Array.from({ length: 3 }, () => SYLLABLES[Math.floor(random() * SYLLABLES.length)]!).join('')
  return Object.fromEntries(PARTS.map((part) => [part, Array.from({ length: count }, word)])) as Words
}

/** The first of a list is as common as the next two together, and so on */
function oneOf (words: readonly string[], random: Random): string {
  return words[Math.floor(words.length * random() ** 2)]!
}

export function madeNotes (count: number, seed: string): MadeTable {
  const random = seededRandom(`notes/${seed}`)
  const common = madeWords(COMMON_WORDS, random)
  const own = SUBJECTS.map(() => madeWords(OWN_WORDS, random))
  const rows = Array.from({ length: count }, () => {
    const subject = Math.floor(random() * SUBJECTS.length)
    const word = (part: typeof PARTS[number]): string => {
      const draw = random()
      const from = draw < OWN ? own[subject]! : draw < OWN + BORROWED ? own[Math.floor(random() * own.length)]! : common
      return oneOf(from[part], random)
    }
    const sentences = Array.from({ length: 2 + Math.floor(random() * 3) }, () => {
      const text = [oneOf(ARTICLES, random), word('adjective'), word('noun'), word('verb'), word('noun')].join(' ')
      return `${text[0]!.toUpperCase()}${text.slice(1)}.`
    })
    return [sentences.join(' '), SUBJECTS[subject]!]
  })
  return { name: 'notes', label: 'label', header: ['text', 'label'], rows }
}
