/**
 * Names that come from strangers, made safe for a message
 */

const MAX_LENGTH = 64

/** In quotes, cut, and without characters that steer a terminal */
export function quoted (name: string): string {
  return JSON.stringify(name.length > MAX_LENGTH ? `${name.slice(0, MAX_LENGTH)}…` : name).replaceAll(/\p{C}/gu, '\ufffd')
}
