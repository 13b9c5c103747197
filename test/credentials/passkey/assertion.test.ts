import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { verifyAuthenticationResponse } from '@simplewebauthn/server'
import fc from 'fast-check'
import { verifyAssertion } from '../../../src/credentials/passkey/assertion.ts'
import { authenticationOptions } from '../../../src/credentials/passkey/ceremony.ts'
import { toCosePublicKey } from '../../../src/credentials/passkey/public-key.ts'
import { SoftAuthenticator } from '../../support/authenticator.ts'

const ORIGIN = 'https://accounts.example.com'
const rp = { rpId: 'example.com', rpName: 'Example', origins: [ORIGIN] }
const TICKET = 'the ticket of this ceremony'

type Answer = ReturnType<SoftAuthenticator['get']>

async function answered(ceremony = {}) {
  const authenticator = new SoftAuthenticator(ORIGIN)
  const options = await authenticationOptions(rp, TICKET, { userVerification: 'required' })
  return { options, authenticator, answer: authenticator.get(options, ceremony) }
}

/** The library's judgment, the rules of frames aside. */
async function libraryAccepts(answer: Answer, challenge: string, publicKey: Uint8Array): Promise<boolean> {
  const credential = { id: answer.id, publicKey: new Uint8Array(publicKey), counter: 0 }
  const expected = { expectedChallenge: challenge, expectedOrigin: ORIGIN, expectedRPID: rp.rpId }
  return verifyAuthenticationResponse({
    response: answer,
    credential,
    ...expected,
    requireUserVerification: false,
  }).then(
    ({ verified }) => verified,
    () => false,
  )
}

const parts = ['authenticatorData', 'clientDataJSON', 'signature'] as const

test.each([
  {},
  { userVerified: false },
  { userPresent: false },
  { type: 'webauthn.create' },
  { rpId: 'evil.example' },
])('the library judges an assertion alike (%j)', async ceremony => {
  const { options, authenticator, answer } = await answered(ceremony)
  const assertion = await verifyAssertion(rp, TICKET, answer, authenticator.coseKey)
  expect(await libraryAccepts(answer, options.challenge, authenticator.coseKey)).toBe(assertion !== undefined)
})

test('an assertion with any bit changed is refused', async () => {
  const { authenticator, answer } = await answered()
  expect(await verifyAssertion(rp, TICKET, answer, authenticator.coseKey)).toBeDefined()
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...parts), fc.nat(), async (part, bit) => {
      const bytes = Buffer.from(answer.response[part], 'base64url')
      const at = bit % (bytes.length * 8)
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7))
      const changed = { ...answer, response: { ...answer.response, [part]: bytes.toString('base64url') } }
      expect(await verifyAssertion(rp, TICKET, changed, authenticator.coseKey)).toBeUndefined()
    }),
    { numRuns: 1000 },
  )
})

test.each([
  ['two IDs', { rawId: 'another' }],
  ['another type', { type: 'password' }],
])('an assertion of a credential with %s is refused', async (_name, change) => {
  const { authenticator, answer } = await answered()
  const changed = { ...answer, ...change }
  expect(await verifyAssertion(rp, TICKET, changed, authenticator.coseKey)).toBeUndefined()
})

test.each([
  ['an authenticatorData with a stray character', 'authenticatorData', '*'],
  ['a signature with padding', 'signature', '='],
] as const)('%s is refused', async (_name, part, stray) => {
  const { authenticator, answer } = await answered()
  const changed = { ...answer, response: { ...answer.response, [part]: answer.response[part] + stray } }
  expect(await verifyAssertion(rp, TICKET, changed, authenticator.coseKey)).toBeUndefined()
})

test.each<[string, () => { publicKey: KeyObject; privateKey: KeyObject }]>([
  ['EdDSA', () => generateKeyPairSync('ed25519')],
  ['ES256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['RS256', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
])('an assertion signed with %s is accepted, and one of another key is not', async (_name, newPair) => {
  const { answer } = await answered()
  const [own, other] = [newPair(), newPair()]
  const { authenticatorData, clientDataJSON } = answer.response
  const hash = await crypto.subtle.digest('SHA-256', Buffer.from(clientDataJSON, 'base64url'))
  const data = Buffer.concat([Buffer.from(authenticatorData, 'base64url'), Buffer.from(hash)])
  const signed = ({ privateKey }: { privateKey: KeyObject }) => {
    const algorithm = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256'
    const signature = sign(algorithm, data, privateKey).toString('base64url')
    return { ...answer, response: { ...answer.response, signature } }
  }
  const stored = toCosePublicKey(own.publicKey.export({ format: 'jwk' }))
  if (!stored) throw new Error('The key is not supported.')
  expect(await verifyAssertion(rp, TICKET, signed(own), stored)).toBeDefined()
  expect(await verifyAssertion(rp, TICKET, signed(other), stored)).toBeUndefined()
})
