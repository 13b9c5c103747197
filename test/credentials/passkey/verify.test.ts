import { describe, expect, test } from '@jest/globals'
import { verifyAssertion } from '../../../src/credentials/passkey/assertion.ts'
import { authenticationOptions, registrationOptions } from '../../../src/credentials/passkey/ceremony.ts'
import { claimedCredential, verifyCreation } from '../../../src/credentials/passkey/verify.ts'
import { type Ceremony, SoftAuthenticator } from '../../support/authenticator.ts'

const ORIGIN = 'https://accounts.example.com'
const rp = { rpId: 'example.com', rpName: 'Example', origins: [ORIGIN] }
const TICKET = 'the ticket of this ceremony'

const creationOptions = (ticket = TICKET) =>
  registrationOptions(rp, ticket, {
    userHandle: new Uint8Array(32).fill(7),
    userName: 'ada@example.com',
    displayName: 'Ada',
    exclude: [],
    securityKey: false,
    automatic: false,
  })

async function create(ceremony: Ceremony = {}, { unattended = false, ticket = TICKET } = {}) {
  const authenticator = new SoftAuthenticator(ORIGIN)
  const response = authenticator.create(await creationOptions(), ceremony)
  return verifyCreation(rp, ticket, response, { requireUserVerification: true, unattended })
}

async function assert(ceremony: Ceremony = {}, { ticket = TICKET, synced = true } = {}) {
  const authenticator = new SoftAuthenticator(ORIGIN, { synced })
  const options = await authenticationOptions(rp, TICKET, { userVerification: 'required' })
  return verifyAssertion(rp, ticket, authenticator.get(options, ceremony), authenticator.coseKey)
}

const attacks: [string, Ceremony][] = [
  ['a page of another origin', { origin: 'https://evil.example' }],
  ['an origin that only starts alike', { origin: `${ORIGIN}.evil.example` }],
  ['the origin over plain http', { origin: 'http://accounts.example.com' }],
  ['another relying party', { rpId: 'evil.example' }],
  ['the other ceremony', { type: 'payment.get' }],
  ['another challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
  ['a frame of another origin', { crossOrigin: true }],
  ['a frame that names its top origin', { crossOrigin: true, topOrigin: 'https://evil.example' }],
  ['no user present', { userPresent: false }],
]

describe('the creation of a passkey', () => {
  test('is accepted with all that is stored of it', async () => {
    const created = await create()
    expect(created).toMatchObject({
      counter: 0,
      backupEligible: true,
      backedUp: true,
      discoverable: true,
      transports: ['internal', 'hybrid'],
      userVerified: true,
    })
    expect(created?.credentialId).toMatch(/^[\w-]{22}$/)
  })

  test.each(attacks)('is refused for %s', async (_name, ceremony) => {
    expect(await create(ceremony)).toBeUndefined()
  })

  test('is refused for the ticket of another ceremony', async () => {
    expect(await create({}, { ticket: 'another ticket' })).toBeUndefined()
  })

  test('is refused without user verification, unless the browser makes it unattended', async () => {
    const ceremony = { userVerified: false }
    expect(await create(ceremony)).toBeUndefined()
    expect(await create({ ...ceremony, userPresent: false }, { unattended: true })).toMatchObject({
      userVerified: false,
    })
  })

  test('asks for algorithms that every supported Node can verify', async () => {
    const { pubKeyCredParams } = await creationOptions()
    expect(pubKeyCredParams.map(({ alg }) => alg)).toEqual([-8, -7, -257])
  })
})

describe('an assertion', () => {
  test('is accepted and says whether the user was verified', async () => {
    expect(await assert()).toEqual({ counter: 0, backupEligible: true, backedUp: true, userVerified: true })
    expect(await assert({ userVerified: false })).toMatchObject({ userVerified: false })
  })

  test('of a device-bound credential has its counter', async () => {
    expect(await assert({}, { synced: false })).toMatchObject({ counter: 1, backupEligible: false })
  })

  test.each(attacks)('is refused for %s', async (_name, ceremony) => {
    expect(await assert(ceremony)).toBeUndefined()
  })

  test('is refused for the ticket of another ceremony', async () => {
    expect(await assert({}, { ticket: 'another ticket' })).toBeUndefined()
  })

  test('is refused if another key signed it', async () => {
    expect(await assert({ forged: true })).toBeUndefined()
  })
})

test.each([
  null,
  undefined,
  'text',
  42,
  [],
  {},
  { id: 7 },
  { id: '' },
  { id: 'x'.repeat(2000) },
  { id: 'x', response: { userHandle: 5 } },
])('junk claims no credential and verifies as none (%#)', async junk => {
  expect(claimedCredential(junk)).toBeUndefined()
  expect(await verifyAssertion(rp, TICKET, junk, new Uint8Array(1))).toBeUndefined()
  expect(
    await verifyCreation(rp, TICKET, junk, { requireUserVerification: true, unattended: false }),
  ).toBeUndefined()
})
