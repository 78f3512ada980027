/**
 * The tables of docs/configuration.md and docs/exit-codes.md, made from the tables that the program itself uses
 */
import { documentFields, fieldText } from '../src/federation/document-fields.ts'
import { ERROR_ROWS, UNEXPECTED } from './error-report.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { environmentName, kebabName, setting, SETTING_NAMES } from './settings.ts'
import type { DocumentField } from '../src/federation/document-fields.ts'
import type { SettingName } from './settings.ts'

/** Every setting that is not for simulations only */
export function settingsReference (): string {
  const names = SETTING_NAMES.filter((name) => setting(name).hidden !== true)
  return markdown(['Flag', 'Variable', 'Key in a file', 'Value', 'Default', 'Verbs', 'Meaning'], names.map(settingRow))
}

export function exitCodesReference (): string {
  return markdown(['Exit code', 'Meaning'], Object.values(EXIT_CODES).map(({ code, meaning }) => [String(code), meaning]))
}

export function errorsReference (): string {
  const rows = [{ code: 'NODE_TOO_OLD', exit: 'incompatible', fix: 'Install a newer Node' } as const, ...ERROR_ROWS, UNEXPECTED]
  return markdown(['Code', 'Exit code', 'What to do'], rows.map(({ code, exit, fix }) => [`\`GRAPEVINE_E_${code}\``, String(EXIT_CODES[exit].code), fix ?? '']))
}

/** Every field of a federation document, in the order of its schema */
export function documentReference (): string {
  return markdown(['Field', 'Of', 'Type', 'Left out', 'Unit', 'Format', 'Meaning'], documentFields().map(fieldRow))
}

function fieldRow (field: DocumentField): string[] {
  const { path, of, type, isOptional, default: filledIn } = field
  const { meaning, unit, absent, format = 1, from } = fieldText(path, of)!
  const whose = from === 'data' ? '; may come from a founder\'s data' : ''
  return [`\`${path}\``, of ?? '', type, isOptional ? absent! : filledIn === undefined ? 'must be there' : `\`${JSON.stringify(filledIn)}\``, unit ?? '', String(format), `${meaning}${whose}`]
}

function settingRow (name: SettingName): string[] {
  const { sources, verbs, value, short, expects, shownDefault, list, help } = setting(name)
  return [
    `\`--${kebabName(name)}\`${short === undefined ? '' : `, \`-${short}\``}`,
    sources.includes('environment') ? `\`${environmentName(name)}\`` : '',
    sources.includes('file') ? `\`${kebabName(name)}\`` : '',
    value === undefined ? 'true or false' : `${expects}${list === true ? '; may be repeated' : ''}`,
    shownDefault ?? '',
    verbs === 'all' ? 'all' : verbs.join(', '),
    help
  ]
}

function markdown (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
