/**
 * The accountants by name
 */
import { pldAccountant } from './pld.ts'
import { rdpAccountant } from './rdp.ts'
import type { Accountant, AccountantName } from './accountant.ts'

const ACCOUNTANTS: Readonly<Record<AccountantName, () => Accountant>> = {
  rdp: () => rdpAccountant(),
  pld: pldAccountant
}

export const ACCOUNTANT_NAMES = Object.keys(ACCOUNTANTS) as readonly AccountantName[]

/** One of each that knows of no mechanism yet */
export function createAccountants (): Record<AccountantName, Accountant> {
  return { rdp: createAccountant('rdp'), pld: createAccountant('pld') }
}

/** An accountant that knows of no mechanism yet. Throws RangeError for an unknown name */
export function createAccountant (name: AccountantName): Accountant {
  if (!Object.hasOwn(ACCOUNTANTS, name)) {
    throw new RangeError(`unknown accountant "${String(name)}"; known are ${ACCOUNTANT_NAMES.join(', ')}`)
  }
  return ACCOUNTANTS[name]()
}
