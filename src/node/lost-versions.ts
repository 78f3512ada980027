/**
 * What to say of a store that lost versions which it once held
 */
import type { LostVersions } from '../interface.ts'

/** That versions are missing, and what can be done about it: a sentence without its full stop */
export function lostText ({ round, found }: LostVersions, location: string): string {
  const left = found === 0 ? 'holds none any more' : `ends at round ${found}`
  return `the store in ${location} has lost versions: round ${round} was committed, and it ${left}, as when its log is cut short. ` +
    'Where there is a newer copy of the home, stop the peer and bring it back before it trains'
}

/** The same for a peer that starts nevertheless */
export function lostWarning (lost: LostVersions, location: string): { code: 'lost-versions', message: string } {
  return { code: 'lost-versions', message: `${lostText(lost, location)}. This peer goes on from what is there, and publishes no number again that it noted` }
}
