/**
 * What of zod settings are checked with: a bundle of the program holds what is named here, and not the rest
 */
export { array, boolean, enum, int, number, string, union } from 'zod'
