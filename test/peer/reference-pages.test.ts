import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { documentReference, errorsReference, exitCodesReference, settingsReference } from '../../peer/reference-tables.ts'

const DOCS = resolve(import.meta.dirname, '../../docs')

describe('the reference pages', () => {
  it.each([
    ['configuration.md', 'settings', settingsReference],
    ['exit-codes.md', 'exit codes', exitCodesReference],
    ['exit-codes.md', 'errors', errorsReference],
    ['document.md', 'fields', documentReference]
  ])('%s holds the table of %s as the program has it (UPDATE_DOCS=1 npx vitest run test/peer writes it)', async (page, section, reference) => {
    const path = resolve(DOCS, page)
    const text = await readFile(path, 'utf8')
    const begin = `<!-- ${section} -->\n`
    const end = `<!-- end of ${section} -->`
    const expected = text.slice(0, text.indexOf(begin) + begin.length) + reference() + '\n' + text.slice(text.indexOf(end))
    if (process.env['UPDATE_DOCS'] === '1') {
      await writeFile(path, expected)
    } else {
      expect(text).toBe(expected)
    }
  })
})
