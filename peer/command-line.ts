/**
 * A command for people to copy
 */

/** Words as a POSIX shell takes them: what it would understand otherwise stands in quotes */
export function commandLine (words: readonly string[]): string {
  return words.map((word) => /^[\p{L}\d_=.,:@%+/-]+$/u.test(word) ? word : `'${word.replaceAll('\'', '\'\\\'\'')}'`).join(' ')
}
