import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { signUpWith } from '../support/actors.ts'
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts'
import { ProviderTokenOf } from '../support/operations.ts'
import { signedInWith, someone } from '../support/provider-sign-in.ts'
import { codes, type Service, startService } from '../support/service.ts'

let fake: FakeProvider
let service: Service

beforeAll(async () => {
  fake = await startFakeProvider()
  const settings = { ...fake.settings('kept'), ...fake.settings('plain'), PROVIDERS: 'kept,plain' }
  const rules = { PROVIDER_KEPT_EMAIL: 'verified', PROVIDER_PLAIN_EMAIL: 'verified' }
  service = await startService({ settings: { ...settings, ...rules, PROVIDER_KEPT_KEEP_TOKENS: 'on' } })
})
afterAll(async () => {
  await service.close()
  await fake.stop()
})
afterEach(() => {
  fake.bend = {}
})

const issue = (access_token: string, refresh_token?: string) => {
  fake.bend.tokens = tokens => ({ ...tokens, access_token, refresh_token, expires_in: 600 })
  // It forgets whose token it is.
  fake.bend.userInfo = info => info
}

const identityOf = (userId: string) => service.app.db.identity.findFirstOrThrow({ where: { userId } })

test('where KEEP_TOKENS is off, a sign-in stores no token', async () => {
  issue('access-plain', 'refresh-plain')
  const { user } = await signedInWith(service, fake, someone(), 'plain')
  expect(await identityOf(user.id)).toMatchObject({ sealedTokens: null })
})

test('the first sign-in keeps the tokens sealed, and each later one replaces them', async () => {
  const admin = await signUpWith(service, 'admin')
  const tokenOf = async (userId: string) => {
    const reply = await service.send(
      ProviderTokenOf,
      { userId, provider: 'kept' },
      { token: admin.accessToken },
    )
    expect(codes(reply)).toEqual([])
    return reply.data?.providerToken.accessToken
  }
  const ada = someone()
  issue('access-1', 'refresh-1')
  const { user } = await signedInWith(service, fake, ada, 'kept')
  const first = await identityOf(user.id)
  expect(JSON.stringify(first)).not.toMatch(/access-1|refresh-1/)
  expect(await tokenOf(user.id)).toBe('access-1')

  issue('access-2')
  await signedInWith(service, fake, ada, 'kept')
  expect(await tokenOf(user.id)).toBe('access-2')
  expect((await identityOf(user.id)).tokenVersion).toBeGreaterThan(first.tokenVersion)
})

test('a sign-in that brings no refresh token keeps the earlier one', async () => {
  const ada = someone()
  issue('access-1', 'refresh-kept')
  fake.refreshTokens.add('refresh-kept')
  const { user } = await signedInWith(service, fake, ada, 'kept')
  issue('access-2')
  await signedInWith(service, fake, ada, 'kept')
  fake.bend = {}
  service.clock.advance(3600)
  const admin = await signUpWith(service, 'admin')
  const variables = { userId: user.id, provider: 'kept' }
  const reply = await service.send(ProviderTokenOf, variables, { token: admin.accessToken })
  expect(codes(reply)).toEqual([])
  expect(reply.data?.providerToken.accessToken).not.toBe('access-2')
})
