/**
 * A type of the schema in words, with its bounds
 */
import * as z from 'zod'

export function typeWords (type: z.core.$ZodType): string {
  if (type instanceof z.ZodEnum) {
    return choice(type.options)
  }
  if (type instanceof z.ZodLiteral) {
    return choice([...type.values])
  }
  if (type instanceof z.ZodBoolean) {
    return 'true or false'
  }
  if (type instanceof z.ZodNumber) {
    return `${type.format === 'safeint' ? 'whole number' : 'number'}${boundWords(type)}`
  }
  if (type instanceof z.ZodString) {
    return `text${lengthWords(lengths(type), 'characters')}`
  }
  if (type instanceof z.ZodArray) {
    return `list${lengthWords(lengths(type), '')} of ${typeWords(type.element)}`
  }
  return 'object'
}

function choice (values: readonly unknown[]): string {
  return `${values.length === 1 ? '' : 'one of '}${values.map((value) => JSON.stringify(value)).join(', ')}`
}

/** Of the checks of a schema, those that bound it */
function checksOf (type: z.core.$ZodType): Array<Record<string, unknown>> {
  return (type._zod.def.checks ?? []).map(({ _zod }) => _zod.def as unknown as Record<string, unknown>)
}

function boundWords (type: z.ZodNumber): string {
  const bounds = checksOf(type)
  const [low, high] = ['greater_than', 'less_than'].map((name) => bounds.filter(({ check }) => check === name).at(-1))
  const lowest = low === undefined ? undefined : `${low['inclusive'] === true ? 'at least' : 'above'} ${String(low['value'])}`
  const highest = high === undefined ? undefined : `${high['inclusive'] === true ? 'at most' : 'below'} ${String(high['value'])}`
  if (low?.['inclusive'] === true && high?.['inclusive'] === true) {
    return ` from ${String(low['value'])} to ${String(high['value'])}`
  }
  return lowest === undefined && highest === undefined ? '' : ` ${[lowest, highest].filter((words) => words !== undefined).join(', ')}`
}

interface Lengths {
  least: number | undefined
  most: number | undefined
  exact: number | undefined
}

function lengths (type: z.core.$ZodType): Lengths {
  const bounds = checksOf(type)
  const of = (name: string, key: string): number | undefined => bounds.find(({ check }) => check === name)?.[key] as number | undefined
  return { least: of('min_length', 'minimum'), most: of('max_length', 'maximum'), exact: of('length_equals', 'length') }
}

function lengthWords (bounds: Lengths, unit: string): string {
  const size = sizeWords(bounds)
  return size === undefined ? '' : ` of ${size} ${unit}`.trimEnd()
}

function sizeWords ({ least, most, exact }: Lengths): string | undefined {
  if (exact !== undefined || least === undefined || most === undefined) {
    return exact !== undefined ? `${exact}` : most !== undefined ? `at most ${most}` : least === undefined ? undefined : `${least} or more`
  }
  return `${least} to ${most}`
}
