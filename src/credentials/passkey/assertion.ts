import { hash } from 'node:crypto'
import type { AuthenticationResponseJSON } from '@simplewebauthn/server'
import type { RelyingParty } from '../../relying-party.ts'
import { challengeOf } from './ceremony.ts'
import { isSignedBy } from './cose-key.ts'
import { knownKey } from './known-keys.ts'
import { webauthnHelpers } from './library.ts'
import { refuseFrame, unlessRefused } from './refuse.ts'

/** What a verified assertion says. */
export type Assertion = {
  counter: number
  backupEligible: boolean
  backedUp: boolean
  userVerified: boolean
}

/**
 * Verifies an assertion (WebAuthn Level 3, section 7.2), answering the ceremony of `ticket`. The counter is returned,
 * not judged: the caller compares it in the statement that stores it. Undefined if anything about it is wrong.
 * The library decodes; the rules and the signature are checked here, because its own check takes four times as long
 * (decision 017).
 */
export function verifyAssertion(
  relyingParty: RelyingParty,
  ticket: string,
  response: unknown,
  publicKey: Uint8Array,
): Promise<Assertion | undefined> {
  return unlessRefused(async () => {
    const { signed, signature, flags, counter } = await readAnswer(relyingParty, ticket, response)
    if (!isSignedBy(await knownKey(publicKey), signed, signature)) return undefined
    return { counter, backupEligible: flags.be, backedUp: flags.bs, userVerified: flags.uv }
  })
}

/**
 * Whether an assertion answers the ceremony of `ticket` in all but its signature, which takes the credential's key. Only
 * then may a client learn that its credential is unknown: a phishing page must not find out which ones exist.
 */
export async function answersCeremony(
  relyingParty: RelyingParty,
  ticket: string,
  response: unknown,
): Promise<boolean> {
  return (await unlessRefused(() => readAnswer(relyingParty, ticket, response))) !== undefined
}

/**
 * What an assertion says, and what it signed. Steps 5 to 20 of section 7.2, up to the signature.
 * @throws Error if it does not answer the ceremony
 */
async function readAnswer({ rpId, origins }: RelyingParty, ticket: string, response: unknown) {
  const { decodeClientDataJSON, parseAuthenticatorData } = await webauthnHelpers()
  const { id, rawId, type: credentialType, response: answer } = response as AuthenticationResponseJSON
  if (typeof id !== 'string' || id !== rawId) throw new Error('The credential has two IDs')
  if (credentialType !== 'public-key') throw new Error('The credential is of another type')
  const { type, challenge, origin, ...frame } = decodeClientDataJSON(answer.clientDataJSON)
  refuseFrame(frame)
  if (type !== 'webauthn.get') throw new Error('The answer is of another ceremony')
  if (challenge !== challengeOf(ticket).toString('base64url')) throw new Error('The challenge is another one')
  if (!origins.includes(origin)) throw new Error('The page has another origin')
  const authenticatorData = bytesOf(answer.authenticatorData)
  const { rpIdHash, flags, counter } = parseAuthenticatorData(authenticatorData)
  if (!sha256(rpId).equals(rpIdHash)) throw new Error('The relying party is another one')
  if (!flags.up) throw new Error('No one was present')
  if (flags.bs && !flags.be) throw new Error('A credential that cannot be backed up is backed up')
  const signed = Buffer.concat([authenticatorData, sha256(bytesOf(answer.clientDataJSON))])
  return { flags, counter, signed, signature: bytesOf(answer.signature) }
}

function sha256(data: string | Uint8Array): Buffer {
  return hash('sha256', data, 'buffer')
}

const BASE64URL = /^[\w-]*$/

function bytesOf(text: unknown): Uint8Array<ArrayBuffer> {
  if (typeof text !== 'string' || !BASE64URL.test(text)) throw new Error('This is not Base64url')
  return new Uint8Array(Buffer.from(text, 'base64url'))
}
