/**
 * Which of a peer's own addresses another machine should dial
 */

/** Lower is better: public before private before link-local before loopback */
function rank (address: string): number {
  const ip4 = /^\/ip4\/([^/]+)/.exec(address)?.[1]
  if (ip4 !== undefined) {
    return rankIp4(ip4)
  }
  const ip6 = /^\/ip6\/([^/]+)/.exec(address)?.[1]
  if (ip6 !== undefined) {
    return rankIp6(ip6)
  }
  // a name, which somebody announced on purpose
  return 0
}

function rankIp4 (address: string): number {
  if (address.startsWith('127.') || address.startsWith('0.')) {
    return 9
  }
  if (address.startsWith('169.254.')) {
    return 7
  }
  // the usual bridges of container engines are private to their machine
  if (/^172\.(17|18)\./.test(address)) {
    return 5
  }
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(address) ? 3 : 1
}

function rankIp6 (address: string): number {
  if (address === '::1' || address === '::') {
    return 9
  }
  if (/^fe[89ab]/i.test(address)) {
    return 8
  }
  return /^f[cd]/i.test(address) ? 4 : 2
}

/** True when only this machine can dial it */
export function isLoopback (address: string): boolean {
  return rank(address) === 9
}

/** Undefined when there is none */
export function bestAddress (addresses: readonly string[]): string | undefined {
  return bestAddresses(addresses, 1)[0]
}

/** The best ones first */
export function bestAddresses (addresses: readonly string[], most: number): string[] {
  return addresses.toSorted((a, b) => rank(a) - rank(b)).slice(0, most)
}
