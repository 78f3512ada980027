/**
 * Peer ids of Ed25519 keys in their binary form, as the wire has them
 */
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { PublicKey } from '@libp2p/interface'

/** Identity multihash of a protobuf-encoded Ed25519 public key, up to the 32 bytes of the key itself */
const ED25519_PEER_ID = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

/** Binary form of an Ed25519 peer id, 38 bytes */
export function authorBytes (publicKey: PublicKey): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat([ED25519_PEER_ID, publicKey.raw]))
}

/** Undefined when `bytes` are not the peer id of an Ed25519 key */
export function authorKey (bytes: Uint8Array): PublicKey | undefined {
  const prefix = bytes.subarray(0, ED25519_PEER_ID.byteLength)
  if (bytes.byteLength !== ED25519_PEER_ID.byteLength + 32 || !ED25519_PEER_ID.every((byte, i) => prefix[i] === byte)) {
    return undefined
  }
  return publicKeyFromRaw(bytes.slice(ED25519_PEER_ID.byteLength))
}
