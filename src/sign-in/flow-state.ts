import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { FlowSecrets } from '../credentials/provider/provider.ts'
import { quickHmac } from '../crypto/quick-hmac.ts'
import { randomBytes } from '../crypto/random.ts'

/**
 * Some providers refuse a longer state. A flow whose address to return to makes it longer is stored when it begins, and
 * its state is random.
 */
const STATE_MAX_LENGTH = 512
const ID_BYTES = 16
const TAG_BYTES = 16
const TIME_BYTES = 6
const CHALLENGE_BYTES = 32
const HEADER_BYTES = TIME_BYTES + 2 + CHALLENGE_BYTES
/** Each flow has a key of its own, which seals one message. */
const IV = Buffer.alloc(12)

/** What a sealed state carries from the start of a sign-in to its callback. */
export type CarriedFlow = {
  provider: string
  /** Of the client's own verifier, in base64url. */
  codeChallenge: string
  returnTo: string
  expiresAt: Date
  /** Whether the browser that began it must be the one that comes back. */
  isBound: boolean
}

/** The secrets of a flow. They follow from its state and the server's key, so that nothing stores them. */
export type DerivedSecrets = FlowSecrets & {
  /** The cookie of the browser that began the flow, if it is bound to one. */
  boundTo: string | undefined
}

/**
 * Seals a flow in its own state, so that a start writes nothing. AES-256-GCM hides and authenticates it. Undefined if the
 * state would be too long for some providers.
 */
export function sealState(key: Buffer, flow: CarriedFlow): DerivedSecrets | undefined {
  const provider = Buffer.from(flow.provider)
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUIntBE(flow.expiresAt.getTime(), 0, TIME_BYTES)
  header.writeUInt8(flow.isBound ? 1 : 0, TIME_BYTES)
  header.writeUInt8(provider.length, TIME_BYTES + 1)
  header.write(flow.codeChallenge, TIME_BYTES + 2, 'base64url')
  const plain = Buffer.concat([header, provider, Buffer.from(flow.returnTo)])
  if (((ID_BYTES + TAG_BYTES + plain.length) * 4) / 3 > STATE_MAX_LENGTH) return undefined
  const id = randomBytes(ID_BYTES)
  const cipher = createCipheriv('aes-256-gcm', derive(key, 'state', id), IV)
  const body = cipher.update(plain)
  // Returns nothing in GCM.
  cipher.final()
  const state = Buffer.concat([id, cipher.getAuthTag(), body]).toString('base64url')
  return secretsOf(key, id, state, flow.isBound)
}

/** The flow in a state that this server sealed. Undefined if it has expired, or if any character differs. */
export function openState(
  key: Buffer,
  state: string,
  now: Date,
): (CarriedFlow & { secrets: DerivedSecrets }) | undefined {
  if (state.length > STATE_MAX_LENGTH) return undefined
  const bytes = Buffer.from(state, 'base64url')
  if (bytes.length < ID_BYTES + TAG_BYTES + HEADER_BYTES) return undefined
  // Only one spelling of each state, so that it is used once.
  if (bytes.toString('base64url') !== state) return undefined
  const id = bytes.subarray(0, ID_BYTES)
  const plain = decrypt(derive(key, 'state', id), bytes.subarray(ID_BYTES))
  if (!plain) return undefined
  const expiresAt = new Date(plain.readUIntBE(0, TIME_BYTES))
  if (expiresAt <= now) return undefined
  const isBound = plain.readUInt8(TIME_BYTES) === 1
  const returnAt = HEADER_BYTES + plain.readUInt8(TIME_BYTES + 1)
  return {
    provider: plain.toString('utf8', HEADER_BYTES, returnAt),
    codeChallenge: plain.toString('base64url', TIME_BYTES + 2, HEADER_BYTES),
    returnTo: plain.toString('utf8', returnAt),
    expiresAt,
    isBound,
    secrets: secretsOf(key, id, state, isBound),
  }
}

function decrypt(key: Buffer, sealed: Buffer): Buffer | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key, IV, { authTagLength: TAG_BYTES })
  decipher.setAuthTag(sealed.subarray(0, TAG_BYTES))
  try {
    const plain = decipher.update(sealed.subarray(TAG_BYTES))
    // Throws unless the tag is right.
    decipher.final()
    return plain
  } catch {
    return undefined
  }
}

function secretsOf(key: Buffer, id: Buffer, state: string, isBound: boolean): DerivedSecrets {
  return {
    state,
    nonce: derive(key, 'nonce', id).toString('base64url'),
    verifier: derive(key, 'verifier', id).toString('base64url'),
    boundTo: isBound ? derive(key, 'browser', id).toString('base64url') : undefined,
  }
}

/** A secret of one flow. Those of different purposes say nothing about each other. */
function derive(key: Buffer, purpose: 'state' | 'nonce' | 'verifier' | 'browser', id: Buffer): Buffer {
  return quickHmac(key, `provider flow ${purpose}\0${id.toString('latin1')}`)
}
