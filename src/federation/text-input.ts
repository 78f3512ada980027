/**
 * What the document says of texts: how long they are for the model, and what their tokens are. All of it format 2
 */
import * as z from 'zod'
import { wordsOf } from './words.ts'

/** Longer texts are work for another kind of model */
export const MAX_TEXT_LENGTH = 65_536

/** Ids are kept in 16 bits, and two of them are no words. MAX_FEDERATION_BYTES is less by far for most languages */
const MAX_VOCABULARY = 65_534

/** A longer one is in no vocabulary */
export const MAX_WORD = 64

const column = z.string().min(1).max(256)

export const textInput = z.strictObject({
  kind: z.literal('text'),
  /** Tokens of each text: of a longer one the first so many, a shorter one is padded at its end */
  length: z.int().min(1).max(MAX_TEXT_LENGTH),
  /**
   * `bytes`: those of the text in UTF-8, without blanks around it, with LF as the end of each line. `words`: as
   * words.ts cuts them. The inputs of the model are numbers of tokens, 0 for padding: of byte b it is b + 1; of words 1
   * is any that the vocabulary does not have, 2 the first of it
   */
  tokens: z.enum(['bytes', 'words']),
  /** Of words, in the order of their numbers */
  vocabulary: z.array(z.string().min(1).max(MAX_WORD)).min(1).max(MAX_VOCABULARY).optional(),
  /** Where examples are rows of a table: the column of the text. Absent: `text`, in any letters */
  column: column.optional(),
  /** The column of the class. Absent: `label`, in any letters */
  label: column.optional()
})

export type TextDescription = z.output<typeof textInput>

/** What is wrong between the fields, with its path; undefined where nothing is */
export function textProblem ({ tokens, vocabulary, column, label }: TextDescription): string | undefined {
  if ((tokens === 'words') !== (vocabulary !== undefined)) {
    return `model.input.vocabulary: ${tokens === 'words' ? 'must be given for words' : 'there is none of bytes'}`
  }
  if (column !== undefined && column === label) {
    return 'model.input: the text and the class cannot be one column'
  }
  const at = vocabulary?.findIndex((word) => !isWord(word)) ?? -1
  return at === -1 ? undefined : `model.input.vocabulary.${at}: is not met in any text, as words are cut`
}

/** Whether texts are cut so that this is one of their words, and it is no longer than MAX_WORD */
export function isWord (text: string): boolean {
  const [first, second] = wordsOf(text)
  return first === text && second === undefined && text.length <= MAX_WORD
}
