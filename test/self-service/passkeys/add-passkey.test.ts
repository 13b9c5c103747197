import { describe, expect, test } from '@jest/globals'
import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server'
import { signIn, signUp, signUpVerified } from '../../support/actors.ts'
import { auditOf } from '../../support/audit.ts'
import type { Ceremony } from '../../support/authenticator.ts'
import { haveTotp } from '../../support/factors.ts'
import { templatesTo } from '../../support/mails.ts'
import { Login, Me, MyPasskeys } from '../../support/operations.ts'
import {
  addPasskey,
  answerAdding,
  beginAdding,
  begun,
  havePasskey,
  newAuthenticator,
  passkeyLogin,
  passkeyProblem,
} from '../../support/passkeys.ts'
import { codes, useService } from '../../support/service.ts'
import { refreshed } from '../../support/sessions.ts'

const service = useService()

const MINUTE = 60

const passkeysOf = async (accessToken: string) =>
  (await service.send(MyPasskeys, {}, { token: accessToken })).data?.me

describe('a passkey that a new user adds', () => {
  test('signs in from then on, comes with recovery codes, and is listed', async () => {
    const account = await signUpVerified(service)
    const { authenticator, options, reply } = await addPasskey(service, account, { name: ' Ada’s phone ' })
    expect(reply.errors).toEqual([])
    const { auth, recoveryCodes } = reply.data?.addPasskey ?? {}
    expect(auth).toMatchObject({
      user: { id: account.id },
      session: { id: account.sessionId, strength: 'PHISHING_RESISTANT' },
    })
    expect(recoveryCodes).toHaveLength(10)
    expect(options).toMatchObject({
      rp: { id: 'localhost', name: 'Authograph' },
      user: { name: account.email, displayName: account.email },
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      attestation: 'none',
      excludeCredentials: [],
    })
    const me = await passkeysOf(auth?.accessToken ?? '')
    expect(me?.passkeys).toEqual([
      {
        id: expect.any(String),
        name: 'Ada’s phone',
        credentialId: authenticator.id,
        discoverable: true,
        synced: true,
        provider: null,
        createdAt: expect.any(String),
        lastUsedAt: null,
      },
    ])
    expect(me?.passkeyUserHandle).toBe(options.user.id)
    expect(codes(await passkeyLogin(service, authenticator))).toEqual([])
    expect(await templatesTo(service, account.email)).toContain('factor-added')
    expect((await auditOf(service, account.id)).map(({ action }) => action)).toContain('factor.added')
  })

  test('leaves the password as it is, and other sessions alive', async () => {
    const account = await signUpVerified(service)
    const other = await signIn(service, account.email)
    await addPasskey(service, account)
    expect(codes(await service.send(Me, {}, { token: other.accessToken }))).toEqual([])
    const input = { identifier: account.email, password: 'seventeen brass engines' }
    const { data } = await service.send(Login, { input })
    expect(data?.login.__typename).toBe('AuthPayload')
  })

  test('is named after the product that stores it, if no name is given', async () => {
    const account = await signUp(service)
    await addPasskey(service, account)
    const names = await service.app.db.passkey.findMany({
      where: { userId: account.id },
      select: { name: true },
    })
    expect(names).toEqual([{ name: 'Passkey' }])
  })

  test('has a user handle that says nothing about the account and stays the same', async () => {
    const account = await signUp(service)
    const [one, two] = await Promise.all([beginAdding(service, account), beginAdding(service, account)])
    const handles = [one, two].map(
      ({ data, errors }) =>
        begun<PublicKeyCredentialCreationOptionsJSON>(data?.beginPasskey, errors).options.user.id,
    )
    expect(handles[0]).toMatch(/^[\w-]{43}$/)
    expect(handles[1]).toBe(handles[0])
  })

  test('excludes those that the account has, so that an authenticator makes no second one', async () => {
    const account = await signUp(service)
    const { authenticator, reply } = await addPasskey(service, account)
    const { data, errors } = await beginAdding(service, {
      accessToken: reply.data?.addPasskey.auth.accessToken ?? '',
    })
    const { options } = begun<PublicKeyCredentialCreationOptionsJSON>(data?.beginPasskey, errors)
    expect(options.excludeCredentials).toMatchObject([{ id: authenticator.id }])
  })
})

describe('a security key', () => {
  test('needs neither to be found without a name nor to verify the person, and is only a second factor', async () => {
    const account = await signUp(service)
    const authenticator = newAuthenticator(service, { synced: false })
    const { data, errors } = await beginAdding(service, account, { securityKey: true })
    const { ticket, options } = begun<PublicKeyCredentialCreationOptionsJSON>(data?.beginPasskey, errors)
    expect(options.authenticatorSelection).toMatchObject({
      residentKey: 'discouraged',
      userVerification: 'discouraged',
    })
    const credential = authenticator.create(options, { userVerified: false })
    credential.clientExtensionResults = { credProps: { rk: false } }
    const reply = await answerAdding(service, account, ticket, credential)
    expect(reply.data?.addPasskey.auth.session.methods).toEqual(['PASSWORD', 'SECURITY_KEY'])
    const me = await passkeysOf(reply.data?.addPasskey.auth.accessToken ?? '')
    expect(me?.passkeys).toMatchObject([{ name: 'Security key', discoverable: false, synced: false }])
    expect(passkeyProblem(await passkeyLogin(service, authenticator, { userVerified: false }))).toBe(
      'PASSKEY_INVALID REFUSED',
    )
  })
})

describe('the browser’s answer is refused, and nothing is stored, for', () => {
  test.each<[string, Ceremony]>([
    ['a page of another origin', { origin: 'https://evil.example' }],
    ['another relying party', { rpId: 'evil.example' }],
    ['the other ceremony', { type: 'webauthn.get' }],
    ['another challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
    ['a frame of another origin', { crossOrigin: true }],
    ['no user present', { userPresent: false }],
    ['no user verification', { userVerified: false }],
  ])('%s', async (_name, ceremony) => {
    const account = await signUp(service)
    const { reply } = await addPasskey(service, account, { ceremony })
    expect(passkeyProblem(reply)).toBe('PASSKEY_INVALID REFUSED')
    expect(await service.app.db.passkey.count({ where: { userId: account.id } })).toBe(0)
    expect(await service.app.db.recoveryCode.count({ where: { userId: account.id } })).toBe(0)
  })

  test('a credential that another account has', async () => {
    const [ada, eve] = [await signUp(service), await signUp(service)]
    const { authenticator } = await addPasskey(service, ada)
    const { data, errors } = await beginAdding(service, eve)
    const { ticket, options } = begun<PublicKeyCredentialCreationOptionsJSON>(data?.beginPasskey, errors)
    expect(codes(await answerAdding(service, eve, ticket, authenticator.create(options)))).toEqual([
      'CONFLICT',
    ])
    expect(await service.app.db.recoveryCode.count({ where: { userId: eve.id } })).toBe(0)
  })

  test('the session of someone else, and a ticket that was used', async () => {
    const [ada, eve] = [await signUp(service), await signUp(service)]
    const { data, errors } = await beginAdding(service, ada)
    const { ticket, options } = begun<PublicKeyCredentialCreationOptionsJSON>(data?.beginPasskey, errors)
    const credential = newAuthenticator(service).create(options)
    expect(codes(await answerAdding(service, eve, ticket, credential))).toEqual(['TICKET_INVALID'])
    const added = await answerAdding(service, ada, ticket, credential)
    expect(codes(added)).toEqual([])
    const accessToken = added.data?.addPasskey.auth.accessToken ?? ''
    const again = newAuthenticator(service).create(options)
    expect(codes(await answerAdding(service, { accessToken }, ticket, again))).toEqual(['TICKET_INVALID'])
  })

  test('a caller without a session', async () => {
    const { errors } = await service.send('mutation { beginPasskey { ticket } }')
    expect(errors[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'MISSING' })
  })

  test('the 51st passkey of an account', async () => {
    const account = await signUp(service)
    for (let count = 0; count < 50; count++) await havePasskey(service, account.id)
    const session = { passkeyAt: service.clock.now() }
    await service.app.db.session.update({ where: { id: account.sessionId }, data: session })
    const { reply } = await addPasskey(service, account)
    expect(codes(reply)).toEqual(['CONFLICT'])
    expect(await service.app.db.passkey.count({ where: { userId: account.id } })).toBe(50)
  })
})

describe('a thief', () => {
  test('of the password can’t add a passkey: the first one takes a code from the mailbox', async () => {
    const { email } = await signUpVerified(service)
    service.clock.advance(MINUTE)
    const thief = await signIn(service, email)
    const { errors } = await beginAdding(service, thief)
    expect(errors[0]?.extensions).toMatchObject({
      code: 'STEP_UP_REQUIRED',
      accepts: [['EMAIL']],
    })
  })

  test('of the password can’t add one to an account with an authenticator app either', async () => {
    const account = await signUpVerified(service)
    await haveTotp(service, account.id)
    const { errors } = await beginAdding(service, account)
    expect(errors[0]?.extensions).toMatchObject({ code: 'STEP_UP_REQUIRED', acr: 'mfa' })
  })

  test('of the session that registered can’t add one after 10 minutes', async () => {
    const account = await signUpVerified(service)
    service.clock.advance(11 * MINUTE)
    const later = await refreshed(service, account.refreshToken)
    expect(codes(await beginAdding(service, later))).toEqual(['REAUTHENTICATION_REQUIRED'])
  })
})

test('with PASSKEYS=off, nothing can be added', async () => {
  const account = await signUp(service)
  service.app.config.passkeys.enabled = false
  try {
    expect(codes(await beginAdding(service, account))).toEqual(['CONFLICT'])
    expect(codes(await answerAdding(service, account, 'x', {}))).toEqual(['CONFLICT'])
  } finally {
    service.app.config.passkeys.enabled = true
  }
})
