/**
 * What of zod settings are checked with: a bundle of the program holds what is named here, and not the rest
 */
export { array, boolean, discriminatedUnion, enum, int, literal, number, record, strictObject, string, union, unknown } from 'zod'
