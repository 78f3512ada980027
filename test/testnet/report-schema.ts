/**
 * The published schema of the report, as a check
 */
import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'

const schema = JSON.parse(readFileSync(new URL('../../docs/report.schema.json', import.meta.url), 'utf8')) as object
const check = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true, formats: { 'date-time': (text: string) => !Number.isNaN(Date.parse(text)) } }).compile(schema)

/** What is wrong with the report, one line each; empty when nothing is. Looks at it as a reader of the file does */
export function schemaProblems (report: unknown): string[] {
  return check(JSON.parse(JSON.stringify(report))) ? [] : (check.errors ?? []).map((error) => `${error.instancePath} ${error.message}`)
}
