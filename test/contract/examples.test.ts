import { afterAll, expect, test } from '@jest/globals'
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import {
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isObjectType,
  isSpecifiedScalarType,
  parse,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import { newApiKey } from '../../src/api-keys/key.ts'
import { createNonce } from '../../src/credentials/provider/nonce.ts'
import { createSchema } from '../../src/graphql/schema.ts'
import { signUp, signUpVerified, signUpWith } from '../support/actors.ts'
import { type Example, examples } from '../support/examples.ts'
import { AuthenticatorApp, haveTotp, mailedCode, ticketOf } from '../support/factors.ts'
import { type FakeClaims, startFakeProvider } from '../support/fake-provider.ts'
import { failedMail, mailedToken } from '../support/mails.ts'
import { havePasskey, newAuthenticator } from '../support/passkeys.ts'
import { codeFor, land, newVerifier, someone } from '../support/provider-sign-in.ts'
import { useService } from '../support/service.ts'

const provider = await startFakeProvider()
const service = useService({
  settings: {
    ...provider.settings('google'),
    PROVIDER_GOOGLE_TYPE: 'oidc',
    PROVIDER_GOOGLE_EMAIL: 'authoritative',
    PROVIDER_GOOGLE_KEEP_TOKENS: 'on',
    RETURN_ORIGINS: 'https://app.example.com',
    EMAIL_LOGIN: 'on',
    FACTOR_RECOVERY_WAIT: '3d',
  },
})
afterAll(() => provider.stop())
const schema = createSchema()
const types = Object.values(schema.getTypeMap()).filter(
  type => !isSpecifiedScalarType(type) && !type.name.startsWith('__'),
)

type Described = { name: string; description?: string | null | undefined }

test('every type, field, argument, input field and enum value has a description', () => {
  const bare = types
    .flatMap(type => [type, ...partsOf(type)])
    .filter(({ description }) => !description?.trim())
  expect(bare.map(({ name }) => name)).toEqual([])
})

function partsOf(type: GraphQLNamedType): Described[] {
  if (isEnumType(type)) return type.getValues().map(value => inside(type, value))
  if (isInputObjectType(type)) return Object.values(type.getFields()).map(field => inside(type, field))
  if (!isObjectType(type)) return []
  return Object.values(type.getFields()).flatMap(field => [
    inside(type, field),
    ...field.args.map(arg => inside(type, { ...arg, name: `${field.name}(${arg.name}:)` })),
  ])
}

function inside(type: GraphQLNamedType, { name, description }: Described): Described {
  return { name: `${type.name}.${name}`, description }
}

test("every operation's description ends in an example, and together they select every field", () => {
  const selected = new Set<string>()
  for (const { coordinate, text } of examples(schema)) {
    expect([coordinate, text]).toEqual([coordinate, expect.stringContaining(' ')])
    const info = new TypeInfo(schema)
    visit(
      parse(text),
      visitWithTypeInfo(info, {
        Field: ({ name }) => void selected.add(`${info.getParentType()?.name}.${name.value}`),
      }),
    )
  }
  const fields = types
    .filter(isObjectType)
    .flatMap(type => Object.keys(type.getFields()).map(name => `${type.name}.${name}`))
  expect(fields.filter(field => !selected.has(field))).toEqual([])
})

const signInText = `mutation ($input: CompleteProviderInput!) {
  completeProviderSignIn(input: $input) { ... on ProviderSignUpRequired { ticket } }
}`

test('the examples run unchanged, from the first sign-up to the last sign-out', async () => {
  const left = new Map(examples(schema).map(example => [example.coordinate, example]))
  const take = (coordinate: string): Example => {
    const example = left.get(coordinate)
    left.delete(coordinate)
    return example ?? { coordinate, text: '' }
  }
  let token: string | undefined

  await run(take('Query.authSettings'))
  expect(await run(take('Mutation.checkPassword'))).toMatchObject({ problems: [] })
  const registered = await run(take('Mutation.register'))
  await run(take('Mutation.resendVerificationEmail'))
  expect(await run(take('Query.emailLink'), await mailed('verify-email'))).toMatchObject({ confirmed: false })
  expect(await run(take('Mutation.verifyEmail'), await mailed('verify-email'))).toMatchObject({
    emailVerified: true,
  })
  const ada = registered.user as { id: string }
  await service.app.db.userRole.create({ data: { userId: ada.id, roleName: 'admin' } })
  const signedIn = await run(take('Mutation.login'))
  const emailLogin = await run(take('Mutation.requestEmailLogin'))
  const emailed = (await service.mailsTo('ada@example.com')).at(-1)
  const code = emailed?.text?.match(/^\d{6}$/m)?.[0]
  expect(await run(take('Mutation.loginWithEmail'), { ticket: emailLogin.ticket, code })).toMatchObject({
    user: { id: ada.id },
  })
  const refreshed = await run(take('Mutation.refreshToken'), { refreshToken: signedIn.refreshToken })
  token = String(refreshed.accessToken)

  const me = await run(take('Query.me'))
  expect(me).toMatchObject({ id: ada.id, roles: ['admin', 'user'], sessions: [{}, {}, {}] })
  await run(take('Mutation.reauthenticate'))
  token = String((await run(take('Mutation.stepUp'))).accessToken)
  await run(take('Mutation.updateProfile'))
  const { apiKey } = await run(take('Mutation.createApiKey'))
  await run(take('Mutation.deleteApiKey'), { id: (apiKey as { id: string }).id })
  const spare = newApiKey(service.app)
  await service.app.db.apiKey.create({
    data: {
      id: spare.id,
      userId: ada.id,
      name: 'Spare',
      keyHash: spare.hash,
      permissions: [],
      multiFactor: false,
      createdAt: service.clock.now(),
    },
  })
  await run(take('Mutation.deleteUserApiKey'), { id: ada.id, apiKeyId: spare.id })
  await run(take('Query.roles'))
  await run(take('Query.user'), { id: ada.id })
  const other = await signUpVerified(service)
  await run(take('Mutation.setUserRoles'), { id: other.id })
  expect(await run(take('Query.users'))).toMatchObject({ totalCount: 1, nodes: [{ id: ada.id }] })
  const invited = await run(take('Mutation.inviteUser'))
  await run(take('Mutation.resendInvitation'), { id: invited.id })
  await run(take('Mutation.sendPasswordReset'), { id: other.id })
  const sessionOfOther = { id: other.id, sessionId: other.sessionId }
  for (const operation of ['updateUser', 'disableUser', 'enableUser', 'revokeUserSessions', 'deleteUser']) {
    await run(take(`Mutation.${operation}`), { id: invited.id })
  }
  for (const operation of ['createRole', 'updateRole', 'deleteRole']) await run(take(`Mutation.${operation}`))
  await run(take('Mutation.setRoleSecondFactor'))
  const helpless = await signUp(service)
  await haveTotp(service, helpless.id)
  await run(take('Mutation.resetUserFactors'), { id: helpless.id })
  const failed = await failedMail(service, 'grace@example.com')
  await run(take('Query.failedMails'))
  await run(take('Mutation.retryMail'), { id: failed })
  const { webhook } = await run(take('Mutation.createWebhook'))
  const { id: webhookId } = webhook as { id: string }
  expect(await run(take('Query.webhooks'))).toMatchObject([{ id: webhookId }])
  // The address is an example.
  await service.app.db.webhook.updateMany({ data: { pausedUntil: new Date('2100-01-01') } })
  await run(take('Mutation.rotateWebhookSecret'), { id: webhookId })
  const event = { event: 'user.deleted', eventId: webhookId, at: new Date(), nextAttemptAt: new Date() }
  const undelivered = await service.app.db.webhookDelivery.create({
    data: { ...event, id: webhookId, webhookId, status: 'failed', attempts: 10 },
  })
  expect(await run(take('Query.failedWebhookDeliveries'))).toMatchObject({ totalCount: 1 })
  await run(take('Mutation.retryWebhookDelivery'), { id: undelivered.id })
  expect(await run(take('Mutation.updateWebhook'), { id: webhookId })).toMatchObject({ enabled: false })
  await run(take('Mutation.deleteWebhook'), { id: webhookId })
  await run(take('Query.auditLog'))
  expect(await run(take('Query.overview'))).toMatchObject({ emailsQueued: expect.any(Number) })
  await run(take('Mutation.rotateSigningKey'))
  const { serviceAccount } = await run(take('Mutation.createServiceAccount'))
  const program = { id: (serviceAccount as { id: string }).id }
  await run(take('Query.serviceAccounts'))
  await run(take('Mutation.updateServiceAccount'), program)
  await run(take('Mutation.rotateServiceAccountSecret'), program)
  await run(take('Mutation.deleteServiceAccount'), program)
  const trustedUntil = new Date(service.clock.now().getTime() + 60_000)
  await service.app.db.device.updateMany({ where: { userId: ada.id }, data: { trustedUntil } })
  const [device] = await service.app.db.device.findMany({ where: { userId: ada.id } })
  expect(await run(take('Mutation.revokeTrustedDevice'), { id: device?.id })).toBe(true)
  await run(take('Mutation.revokeTrustedDevices'))
  expect(await run(take('Query.securityActivity'))).toMatchObject({ nodes: expect.any(Array) })
  await run(take('Mutation.changePassword'))
  await run(take('Query.exportAccount'))
  const [session] = (me.sessions as { id: string; current: boolean }[]).filter(({ current }) => !current)
  expect(await run(take('Mutation.revokeSession'), { id: session?.id })).toMatchObject({ current: false })
  await run(take('Mutation.revokeOtherSessions'))
  await run(take('Mutation.revokeAllSessions'))
  await run(take('Mutation.requestPasswordReset'))
  await run(take('Mutation.resetPassword'), await mailed('reset-password'))
  token = other.accessToken
  await run(take('Mutation.requestEmailChange'))
  const confirmed = await run(
    take('Mutation.confirmEmailChange'),
    await mailed('confirm-email', 'ada@lovelace.example'),
  )
  expect(confirmed).toMatchObject({ email: 'ada@lovelace.example' })
  expect(await run(take('Mutation.undoEmailChange'), await mailed('undo-email', other.email))).toEqual({
    id: other.id,
    email: other.email,
  })
  token = (await signUpWith(service, 'admin')).accessToken
  await run(take('Mutation.endEmailChangeUndo'), { id: other.id })
  expect(await run(take('Mutation.impersonateUser'), { id: other.id })).toMatchObject({
    user: { id: other.id },
    session: { impersonated: true },
  })
  await run(take('Mutation.revokeUserSession'), sessionOfOther)
  const careful = await signUp(service)
  token = careful.accessToken
  await run(take('Mutation.sendEmailCode'))
  const emailCode = await mailedCode(service, careful.email)
  const setUp = await run(take('Mutation.beginTotp'), { emailCode })
  const authenticator = new AuthenticatorApp(service, String(setUp.secret))
  const added = await run(take('Mutation.confirmTotp'), {
    ticket: setUp.ticket,
    code: authenticator.code(-1),
  })
  token = String((added.auth as { accessToken: string }).accessToken)
  expect(await run(take('Mutation.renewRecoveryCodes'))).toHaveLength(10)
  const ticket = await ticketOf(service, careful.email)
  const completed = await run(take('Mutation.completeLogin'), { ticket, code: authenticator.code() })
  expect(completed).toMatchObject({ user: { id: careful.id } })
  token = String(completed.accessToken)
  await run(take('Mutation.requireSecondFactor'))
  const phone = await havePasskey(service, careful.id)
  const begun = await run(take('Mutation.beginPasskeyLogin'))
  const credential = phone.get(begun.options as PublicKeyCredentialRequestOptionsJSON)
  const signedInAgain = await run(take('Mutation.loginWithPasskey'), {
    passkey: { ticket: begun.ticket, credential },
  })
  expect(signedInAgain).toMatchObject({ user: { id: careful.id } })
  token = String(signedInAgain.accessToken)
  await run(take('Mutation.beginPasskeyProof'))
  const adding = await run(take('Mutation.beginPasskey'))
  const laptop = newAuthenticator(service).create(adding.options as PublicKeyCredentialCreationOptionsJSON)
  const withLaptop = await run(take('Mutation.addPasskey'), {
    passkey: { ticket: adding.ticket, credential: laptop },
  })
  token = String((withLaptop.auth as { accessToken: string }).accessToken)
  const [stored, removed] = await service.app.db.passkey.findMany({
    where: { userId: careful.id },
    orderBy: { id: 'asc' },
  })
  await run(take('Mutation.removePasskey'), { id: removed?.id })
  await run(take('Mutation.renamePasskey'), { id: stored?.id })
  expect(await run(take('Mutation.removePassword'))).toMatchObject({ passkeys: [{ name: 'Work laptop' }] })
  const began = await run(take('Mutation.beginPasskeyRegistration'))
  const created = newAuthenticator(service).create(began.options as PublicKeyCredentialCreationOptionsJSON)
  const newcomer = await run(take('Mutation.registerWithPasskey'), {
    passkey: { ticket: began.ticket, credential: created },
  })
  expect(newcomer).toMatchObject({ user: { email: 'mary@example.com' } })
  await service.app.db.user.update({ where: { id: careful.id }, data: { secondFactorRequired: false } })
  expect(await run(take('Mutation.removeTotp'))).toMatchObject({ hasTotp: false })
  const { verifier, challenge } = newVerifier()
  const started = await run(take('Mutation.startProviderSignIn'), { challenge })
  const back = provider.authorize(String(started.url), someone())
  const { code: providerCode } = await land(service, back)
  const withProvider = await run(take('Mutation.completeProviderSignIn'), { code: providerCode, verifier })
  expect(withProvider).toMatchObject({ user: { identities: [{ provider: 'google' }] } })
  const { id: atProvider } = withProvider.user as { id: string }
  await service.app.db.userRole.create({ data: { userId: atProvider, roleName: 'admin' } })
  token = String(withProvider.accessToken)
  expect(await run(take('Query.providerToken'), { id: atProvider })).toMatchObject({
    scopes: ['openid', 'email', 'profile'],
  })
  expect(await run(take('Query.providerLogoutUrl'))).toContain(provider.origin)
  const { nonce } = await run(take('Mutation.createProviderNonce'))
  const idToken = await provider.idToken(someone(), { nonce })
  expect(await run(take('Mutation.signInWithIdToken'), { idToken, nonce })).toMatchObject({
    user: { email: expect.stringContaining('@') },
  })
  /** Goes through a flow that begins with this example, and returns what completes it. */
  async function completing(coordinate: string, person: FakeClaims) {
    const { url } = await run(take(coordinate), { challenge })
    const { code } = await land(service, provider.authorize(String(url), person))
    return { code, verifier }
  }
  const atWork = someone()
  const linked = await run(
    take('Mutation.completeProviderLink'),
    await completing('Mutation.startProviderLink', atWork),
  )
  expect(linked).toMatchObject({ provider: 'google' })
  expect(
    await run(
      take('Mutation.completeProviderReauthentication'),
      await completing('Mutation.startProviderReauthentication', atWork),
    ),
  ).toMatchObject({ methods: ['PROVIDER'] })
  await run(take('Mutation.unlinkIdentity'), { id: linked.id })
  const { nonce: another } = createNonce(service.app)
  const brought = await provider.idToken(someone(), { nonce: another })
  expect(await run(take('Mutation.linkIdToken'), { idToken: brought, nonce: another })).toMatchObject({
    provider: 'google',
  })
  const unconnected = await run(
    { coordinate: 'Mutation.completeProviderSignIn', text: signInText },
    { input: await codeFor(service, provider, someone({ email: undefined }), { provider: 'google' }) },
  )
  await run(take('Mutation.linkIdentity'), { ticket: unconnected.ticket })
  const nameless = await run(
    { coordinate: 'Mutation.completeProviderSignIn', text: signInText },
    { input: await codeFor(service, provider, someone({ email: undefined }), { provider: 'google' }) },
  )
  expect(await run(take('Mutation.completeProviderSignUp'), { ticket: nameless.ticket })).toMatchObject({
    user: { email: 'augusta@example.com' },
  })
  const forgetful = await signUpVerified(service)
  await haveTotp(service, forgetful.id)
  const lostTicket = await ticketOf(service, forgetful.email)
  await service.send('mutation ($ticket: String!) { sendEmailCode(input: { ticket: $ticket }) }', {
    ticket: lostTicket,
  })
  await run(take('Mutation.requestFactorRecovery'), {
    ticket: lostTicket,
    code: await mailedCode(service, forgetful.email),
  })
  await run(take('Mutation.cancelFactorRecovery'), await mailed('cancel-recovery', forgetful.email))
  token = (await signUp(service)).accessToken
  await run(take('Mutation.logout'))
  token = (await signUp(service)).accessToken
  await run(take('Mutation.deleteAccount'))
  expect([...left.keys()]).toEqual([])

  async function mailed(page: string, address = 'ada@example.com'): Promise<{ token: string }> {
    return { token: await mailedToken(service, address, page) }
  }

  async function run({ coordinate, text }: Example, variables = {}): Promise<Record<string, unknown>> {
    const { data, errors } = await service.send<Record<string, Record<string, unknown>>, object>(
      text,
      variables,
      { token },
    )
    expect([coordinate, errors]).toEqual([coordinate, []])
    return data?.[coordinate.split('.')[1] ?? ''] ?? {}
  }
})
