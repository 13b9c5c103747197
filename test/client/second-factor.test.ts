import { describe, expect, jest, test } from '@jest/globals'
import type { LoginResult, SecondFactor, StepUpChallenge } from '../../src/client/index.ts'
import { PASSWORD, signUpVerified } from '../support/actors.ts'
import { haveRecoveryCodes, haveTotp, mailedCode } from '../support/factors.ts'
import { useService } from '../support/service.ts'
import { answered, type Jar, tab } from './support.ts'

const service = useService({ settings: { EMAIL_LOGIN: 'on', CORS_ORIGINS: 'http://localhost:4000' } })

/** An account with an authenticator app. */
async function withApp() {
  const account = await signUpVerified(service)
  return { ...account, app: await haveTotp(service, account.id) }
}

function pendingIn(result: LoginResult): SecondFactor {
  if (result.status !== 'secondFactor') throw new Error(`unexpected: ${result.status}`)
  return result
}

describe('a sign-in with a second factor', () => {
  test('login says what is required, without signing in, and completeLogin signs in', async () => {
    const { email, app } = await withApp()
    const { client } = tab(service)
    const pending = pendingIn(await client.login({ identifier: email, password: PASSWORD }))
    expect(pending).toMatchObject({ methods: ['TOTP'], ticket: expect.any(String) })
    expect(client.state.status).not.toBe('signedIn')
    const { ticket } = pending
    await expect(client.completeLogin({ ticket, proof: { totpCode: '000000' } })).rejects.toMatchObject({
      code: 'CODE_INVALID',
    })
    const done = await client.completeLogin({ ticket, proof: { totpCode: app.code() } })
    expect(done).toMatchObject({ status: 'signedIn', user: { email } })
    expect(client.state).toMatchObject({ status: 'signedIn', strength: 'MULTI', user: { email } })
  })

  test('a page with the cookie gets it with the last step, not with the first', async () => {
    const { email, app } = await withApp()
    const jar: Jar = {}
    const { client } = tab(service, {}, jar)
    const { ticket } = pendingIn(await client.login({ identifier: email, password: PASSWORD }))
    expect(jar.cookie).toBeUndefined()
    await client.completeLogin({ ticket, proof: { totpCode: app.code() } })
    expect(jar.cookie).toMatch(/^authograph_refresh=/)
  })

  test('a recovery code completes it once', async () => {
    const { email, id } = await withApp()
    const [code = ''] = await haveRecoveryCodes(service, id)
    const { client } = tab(service)
    const first = pendingIn(await client.login({ identifier: email, password: PASSWORD }))
    await client.completeLogin({ ticket: first.ticket, proof: { recoveryCode: code } })
    const second = pendingIn(await client.login({ identifier: email, password: PASSWORD }))
    await expect(
      client.completeLogin({ ticket: second.ticket, proof: { recoveryCode: code } }),
    ).rejects.toMatchObject({ code: 'CODE_INVALID' })
  })

  test('a result that this version does not know is an error that names it', async () => {
    const { client, network } = tab(service)
    network.on('Login', answered(JSON.stringify({ data: { login: { __typename: 'RetinaScanRequired' } } })))
    await expect(client.login({ identifier: 'ada', password: 'x' })).rejects.toThrow('RetinaScanRequired')
  })
})

test('an emailed code signs in', async () => {
  const { email } = await signUpVerified(service)
  const { client } = tab(service)
  const { ticket } = await client.requestEmailLogin({ email })
  const code = await mailedCode(service, email)
  expect(await client.loginWithEmail({ ticket, code })).toMatchObject({ status: 'signedIn', user: { email } })
})

describe('factors', () => {
  test('someone whose account must have a factor adds an app with the ticket and is signed in', async () => {
    const { email, id } = await signUpVerified(service)
    await service.app.db.user.update({ where: { id }, data: { secondFactorRequired: true } })
    const { client } = tab(service)
    const result = await client.login({ identifier: email, password: PASSWORD })
    if (result.status !== 'setup') throw new Error(`unexpected: ${result.status}`)
    await client.factors.sendEmailCode(result.ticket)
    const { ticket, secret } = await client.factors.beginTotp(result.ticket, await mailedCode(service, email))
    const { TOTP } = await import('otpauth')
    const code = new TOTP({ secret }).generate({ timestamp: service.clock.now().getTime() })
    const { recoveryCodes, user } = await client.factors.confirmTotp({ ticket, code })
    expect(recoveryCodes).toHaveLength(10)
    expect(user).toMatchObject({ email })
    expect(client.state).toMatchObject({ status: 'signedIn', strength: 'MULTI' })
    expect(await client.factors.get()).toMatchObject({ hasTotp: true, recoveryCodesLeft: 10, passkeys: [] })
  })

  test('awaiting the group of methods does not call the server', async () => {
    const { client, network } = tab(service)
    await Promise.resolve(client.factors)
    expect(network.sent).toEqual([])
  })
})

describe('stepping up', () => {
  async function signedInWithApp(options = {}) {
    const account = await withApp()
    const opened = tab(service, options)
    const { client } = opened
    const { ticket } = pendingIn(await client.login({ identifier: account.email, password: PASSWORD }))
    await client.completeLogin({ ticket, proof: { totpCode: account.app.code() } })
    service.clock.advance(660)
    // The client goes by its own clock.
    await client.renewAccessToken()
    return { ...account, ...opened }
  }

  test('withStepUp proves the identity and repeats what the server refused', async () => {
    const challenges: StepUpChallenge[] = []
    const { client, app, network } = await signedInWithApp()
    await client.withStepUp(
      () => client.factors.renewRecoveryCodes(),
      async challenge => {
        challenges.push(challenge)
        await client.stepUp({ password: PASSWORD }, { totpCode: app.code() })
      },
    )
    expect(challenges).toEqual([
      expect.objectContaining({ acr: 'mfa', accepts: expect.arrayContaining([['PASSWORD', 'TOTP']]) }),
    ])
    expect(network.count('RenewRecoveryCodes')).toBe(2)
  })

  test('the session goes on with the new tokens, which other tabs receive', async () => {
    const { client, app } = await signedInWithApp()
    const before = await client.getAccessToken()
    const refreshed = jest.fn()
    client.on('refreshed', refreshed)
    await client.stepUp({ password: PASSWORD }, { totpCode: app.code() })
    expect(await client.getAccessToken()).not.toBe(before)
    expect(refreshed).toHaveBeenCalled()
    service.clock.advance(661)
    expect(await client.me()).not.toBeNull()
  })

  test('a person who declines gets the error of the prompt, and nothing is repeated', async () => {
    const { client, network } = await signedInWithApp()
    const declined = new Error('declined')
    const run = () => client.factors.renewRecoveryCodes()
    await expect(client.withStepUp(run, () => Promise.reject(declined))).rejects.toBe(declined)
    expect(network.count('RenewRecoveryCodes')).toBe(1)
  })

  test('client.fetch meets the challenge of another server, as RFC 9470 has it', async () => {
    const prove = jest.fn(async (_challenge: StepUpChallenge) => {})
    const { client, network } = await signedInWithApp({
      tokenOrigins: ['https://api.example.com'],
      onStepUp: prove,
    })
    const refusal = new Response('', {
      status: 401,
      headers: {
        'www-authenticate':
          'Bearer error="insufficient_user_authentication", acr_values="phr mfa", max_age="300"',
      },
    })
    network.on(
      'fetch',
      async () => refusal,
      async () => new Response('served'),
    )
    const response = await client.fetch('https://api.example.com/wire-transfer')
    expect(await response.text()).toBe('served')
    expect(prove).toHaveBeenCalledWith({ acr: 'phr', maxAgeSeconds: 300, accepts: [] })
  })
})
