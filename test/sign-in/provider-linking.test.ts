import { expect, test } from '@jest/globals'
import { login, newAddress, register, signUp, signUpVerified, signUpWith } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { haveTotp } from '../support/factors.ts'
import { mailedToken } from '../support/mails.ts'
import { ConfirmEmailChange, Me, RequestEmailChange, VerifyEmail } from '../support/operations.ts'
import { havePasskey } from '../support/passkeys.ts'
import {
  codeFor,
  complete,
  signedInWith,
  signInWith,
  someone,
  useProviders,
} from '../support/provider-sign-in.ts'
import { codes } from '../support/service.ts'
import { refresh } from '../support/sessions.ts'

const { service, fake } = useProviders()

const identitiesOf = (userId: string) => service.app.db.identity.count({ where: { userId } })

test('the authority for an address connects it to the verified account, whose owner is notified', async () => {
  const ada = await signUpVerified(service)
  const { user } = await signedInWith(service, fake, someone({ email: ada.email }))
  expect(user).toMatchObject({ id: ada.id, hasPassword: true, identities: [{ provider: 'sure' }] })
  const emails = await service.mailsTo(ada.email)
  expect(emails.map(({ subject }) => subject)).toContain('Sure was connected to your account at Authograph')
  const linked = (await auditOf(service, ada.id)).filter(({ action }) => action === 'identity.linked')
  expect(linked).toMatchObject([{ actorId: ada.id, detail: { provider: 'sure' } }])
})

test('the password still works after an identity was connected', async () => {
  const ada = await signUpVerified(service)
  await signedInWith(service, fake, someone({ email: ada.email }))
  expect(codes(await login(service, { identifier: ada.email }))).toEqual([])
})

test.each([
  ['a provider that only verifies addresses', 'verifying', async () => {}],
  ['an authenticator app', 'sure', async (id: string) => void (await haveTotp(service, id))],
  ['a passkey', 'sure', async (id: string) => void (await havePasskey(service, id))],
  [
    'a role with a permission',
    'sure',
    async (id: string) =>
      void (await service.app.db.userRole.create({ data: { userId: id, roleName: 'admin' } })),
  ],
  [
    'a second factor that its owner requires',
    'sure',
    async (id: string) =>
      void (await service.app.db.user.update({ where: { id }, data: { secondFactorRequired: true } })),
  ],
])('with %s, the owner signs in first, and nothing is connected', async (_name, provider, prepare) => {
  const ada = await signUpVerified(service)
  await prepare(ada.id)
  const result = await signInWith(service, fake, someone({ email: ada.email }), provider)
  expect(result).toMatchObject({ __typename: 'ProviderLinkRequired', address: ada.email, provider })
  expect(await identitiesOf(ada.id)).toBe(0)
  expect(await service.app.db.session.count({ where: { userId: ada.id } })).toBe(1)
})

test('an address that the provider does not answer for reveals nothing about accounts', async () => {
  const ada = await signUpVerified(service)
  const known = await signInWith(service, fake, someone({ email: ada.email }), 'corp')
  const unknown = await signInWith(service, fake, someone(), 'corp')
  for (const result of [known, unknown]) {
    expect(result).toMatchObject({ __typename: 'ProviderSignUpRequired', provider: 'corp' })
  }
  expect(Object.keys(known)).toEqual(Object.keys(unknown))
  expect(await identitiesOf(ada.id)).toBe(0)
})

test('an address that the provider calls unverified is not relied on (nOAuth)', async () => {
  const ada = await signUpVerified(service)
  const result = await signInWith(service, fake, someone({ email: ada.email, email_verified: false }))
  expect(result.__typename).toBe('ProviderSignUpRequired')
  expect(await identitiesOf(ada.id)).toBe(0)
})

test('the same subject at another issuer is another person', async () => {
  const person = someone()
  const { user } = await signedInWith(service, fake, person)
  await service.app.db.identity.updateMany({
    where: { userId: user.id },
    data: { issuer: 'https://another.example' },
  })
  const result = await signInWith(service, fake, { ...person, email: newAddress() }, 'corp')
  expect(result.__typename).toBe('ProviderSignUpRequired')
})

test('the owner of an address takes the account that a stranger registered with it', async () => {
  const squatter = await signUp(service)
  await haveTotp(service, squatter.id)
  await havePasskey(service, squatter.id)
  const { user } = await signedInWith(service, fake, someone({ email: squatter.email }), 'verifying')
  expect(user).toMatchObject({ id: squatter.id, emailVerified: true, hasPassword: false })
  expect(codes(await service.send(Me, {}, { token: squatter.accessToken }))).toEqual(['UNAUTHENTICATED'])
  expect(codes(await refresh(service, squatter.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
  expect(await service.app.db.passkey.count({ where: { userId: squatter.id } })).toBe(0)
  expect(await service.app.db.totp.count({ where: { userId: squatter.id } })).toBe(0)
  const actions = (await auditOf(service, squatter.id)).map(({ action }) => action)
  expect(actions).toEqual(expect.arrayContaining(['user.credentials_removed', 'identity.linked']))
})

test('an unverified account with a permission is not taken over', async () => {
  const admin = await signUpWith(service, 'admin')
  const result = await signInWith(service, fake, someone({ email: admin.email }))
  expect(result.__typename).toBe('ProviderLinkRequired')
  expect(codes(await service.send(Me, {}, { token: admin.accessToken }))).toEqual([])
})

test('a disabled account is not taken over, and nothing is connected to it', async () => {
  const account = await signUp(service)
  await service.app.db.user.update({ where: { id: account.id }, data: { disabledAt: service.clock.now() } })
  const input = await codeFor(service, fake, someone({ email: account.email }))
  expect(codes(await complete(service, input))).toEqual(['ACCOUNT_DISABLED'])
  expect(await identitiesOf(account.id)).toBe(0)
})

// The five attacks of Sudhodanan and Paverd, “Pre-hijacked accounts” (arXiv 2205.10174). In each, a stranger registers the
// victim’s address first, and the victim later signs in with a provider.

test('classic-federated merge: the stranger’s password does not open the victim’s account', async () => {
  const stranger = await signUp(service)
  await signedInWith(service, fake, someone({ email: stranger.email }))
  expect(codes(await login(service, { identifier: stranger.email }))).toEqual(['INVALID_CREDENTIALS'])
})

test('unexpired session: the stranger’s session ends when the victim signs in', async () => {
  const stranger = await signUp(service)
  await signedInWith(service, fake, someone({ email: stranger.email }))
  expect(codes(await refresh(service, stranger.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
})

test('trojan identifier: an identity of the stranger does not open the victim’s account', async () => {
  const email = newAddress('victim')
  const stranger = someone({ email })
  const unsure = await signInWith(service, fake, stranger, 'corp')
  if (unsure.__typename !== 'ProviderSignUpRequired') throw new Error('signed in')
  const trap = await service.send<{ completeProviderSignUp: { user: { id: string } } }, object>(
    'mutation ($input: CompleteSignUpInput!) { completeProviderSignUp(input: $input) { ... on AuthPayload { user { id } } } }',
    { input: { ticket: unsure.ticket, email } },
  )
  const trapId = trap.data?.completeProviderSignUp.user.id
  const victim = await signedInWith(service, fake, someone({ email }))
  expect(victim.user.id).toBe(trapId)
  expect(victim.user.identities).toHaveLength(1)
  const again = await signInWith(service, fake, stranger, 'corp')
  expect(again.__typename).toBe('ProviderSignUpRequired')
})

test('unexpired email change: the stranger’s link to change the address is dead', async () => {
  const stranger = await signUp(service)
  const mine = newAddress('stranger')
  await service.send(RequestEmailChange, { input: { newEmail: mine } }, { token: stranger.accessToken })
  const token = await mailedToken(service, mine, 'confirm-email')
  const { user } = await signedInWith(service, fake, someone({ email: stranger.email }))
  const reply = await service.send(ConfirmEmailChange, { input: { token } })
  expect(codes(reply)).toEqual(['TOKEN_INVALID'])
  expect(user.email).toBe(stranger.email)
})

test('non-verifying provider: an address that nothing verifies opens no account', async () => {
  const victim = await signUpVerified(service)
  const result = await signInWith(service, fake, someone({ email: victim.email }), 'corp')
  expect(result.__typename).toBe('ProviderSignUpRequired')
  expect(await identitiesOf(victim.id)).toBe(0)
})

test('the link that a stranger’s registration sent gives the stranger no way in', async () => {
  const email = newAddress()
  await register(service, { email })
  const token = await mailedToken(service, email, 'verify-email')
  const { user } = await signedInWith(service, fake, someone({ email }))
  expect(user.hasPassword).toBe(false)
  const reply = await service.send(VerifyEmail, { input: { token } })
  expect(codes(reply)).toEqual([])
  expect(codes(await login(service, { identifier: email }))).toEqual(['INVALID_CREDENTIALS'])
})
