/**
 * `grapevine document template [FILE or HOME]`: a document with comments, to be edited and given to `init --federation`
 */
import { templateText } from '../document-template.ts'
import { namedDocument } from '../named-document.ts'
import type { VerbContext } from '../context.ts'

/** Without a name: that of the preset `digits`. Throws as `namedDocument` does */
export async function documentTemplate ({ terminal, args }: VerbContext): Promise<number> {
  const document = args[0] === undefined ? (await import('../../src/presets.ts')).presetDocument('digits') : (await namedDocument(args[0])).document
  const text = await templateText(document)
  terminal.event('document:template', { text })
  text.split('\n').forEach((line) => { terminal.line(line) })
  return 0
}
