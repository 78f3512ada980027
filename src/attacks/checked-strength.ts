/**
 * Bounds of what an attack's strength may be
 */

/** Throws RangeError, naming the attack, unless above < strength <= atMost */
export function checkedStrength (attack: string, strength: number, { above, atMost }: { above: number, atMost: number }): number {
  if (!(strength > above && strength <= atMost)) {
    throw new RangeError(`attack ${attack}: the strength must be above ${above} and at most ${atMost}, not ${strength}`)
  }
  return strength
}
