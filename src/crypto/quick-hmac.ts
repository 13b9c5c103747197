import { hash } from 'node:crypto'

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c
/** Longer messages are refused, so that what is kept for a key stays small. */
const MESSAGE_MAX_BYTES = 256

type Hmac = (message: string) => Buffer

/** What is derived from each key. It lives as long as the key. */
const known = new WeakMap<Uint8Array, Hmac>()

/**
 * HMAC-SHA-256 (RFC 2104) of a short message whose characters each stand for one byte (`latin1`). It takes a third of the
 * time of `createHmac`, which creates objects in OpenSSL for each message. For what every request needs.
 * @throws RangeError for a message of more than 256 bytes, or a key of more than 64
 */
export function quickHmac(key: Uint8Array, message: string): Buffer {
  let hmac = known.get(key)
  if (!hmac) {
    hmac = withKey(key)
    known.set(key, hmac)
  }
  return hmac(message)
}

function withKey(key: Uint8Array): Hmac {
  if (key.length > BLOCK_BYTES) throw new RangeError('The key is longer than a block.')
  const inner = Buffer.alloc(BLOCK_BYTES + MESSAGE_MAX_BYTES)
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES)
  for (let index = 0; index < BLOCK_BYTES; index++) {
    const byte = key[index] ?? 0
    inner[index] = byte ^ INNER_PAD
    outer[index] = byte ^ OUTER_PAD
  }
  return message => {
    if (message.length > MESSAGE_MAX_BYTES) throw new RangeError('The message is too long.')
    const length = inner.write(message, BLOCK_BYTES, 'latin1')
    // As text, a digest needs no buffer of its own, which takes longer than the hash.
    outer.write(hash('sha256', inner.subarray(0, BLOCK_BYTES + length), 'binary'), BLOCK_BYTES, 'latin1')
    return Buffer.from(hash('sha256', outer, 'binary'), 'latin1')
  }
}
