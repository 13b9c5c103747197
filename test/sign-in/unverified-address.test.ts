import { expect, test } from '@jest/globals'
import { login, newAddress, PASSWORD } from '../support/actors.ts'
import { mailedToken, templatesTo } from '../support/mails.ts'
import { RequestPasswordReset, VerifyEmail } from '../support/operations.ts'
import { codes, type Service, startService, useService } from '../support/service.ts'

const settings = {
  EMAIL_VERIFICATION: 'required',
  LIMIT_MAIL_ADDRESS: '2/1h',
  LIMIT_MAIL_NETWORK: '3/1h',
  TRUSTED_PROXIES: '127.0.0.1, ::1',
}
const service = useService({ settings })

let network = 0
function elsewhere() {
  network += 1
  return { 'x-forwarded-for': `198.18.0.${network}` }
}

const loginElsewhere = (
  email: string,
  { password = PASSWORD, headers = elsewhere(), on = service as Service } = {},
) => login(on, { identifier: email, password }, { headers })
const verify = (token: string) => service.send(VerifyEmail, { input: { token } })

/** An account as an import creates it: with a password and an unverified address. */
async function imported(): Promise<string> {
  const email = newAddress()
  const at = service.clock.now()
  const passwordHash = await service.app.hasher.hash(PASSWORD)
  await service.app.db.user.create({
    data: { email, emailCanonical: email, passwordHash, createdAt: at, updatedAt: at },
  })
  return email
}

test('an imported account that signs in receives a verification link, and can then sign in', async () => {
  const email = await imported()
  expect(codes(await loginElsewhere(email, { password: 'wrong' }))).toEqual(['INVALID_CREDENTIALS'])
  expect(await templatesTo(service, email)).toEqual([])
  expect(codes(await loginElsewhere(email))).toEqual(['EMAIL_NOT_VERIFIED'])
  expect(codes(await verify(await mailedToken(service, email, 'verify-email')))).toEqual([])
  expect(codes(await loginElsewhere(email))).toEqual([])
})

test('signing in again sends no other link while one is valid, on any replica', async () => {
  const replica = await startService({
    databaseUrl: service.app.config.database.url ?? '',
    settings,
    clock: service.clock,
  })
  try {
    const email = await imported()
    const replies = await Promise.all(
      Array.from({ length: 6 }, (_, at) => loginElsewhere(email, { on: at % 2 ? service : replica })),
    )
    expect(replies.flatMap(codes)).toEqual(Array(6).fill('EMAIL_NOT_VERIFIED'))
    expect(await templatesTo(service, email)).toEqual(['verify-email'])
    const token = await mailedToken(service, email, 'verify-email')
    service.clock.advance(86_000)
    expect(codes(await loginElsewhere(email))).toEqual(['EMAIL_NOT_VERIFIED'])
    expect(codes(await verify(token))).toEqual([])
  } finally {
    await replica.close()
  }
})

test('signing in sends another link after the last one has expired', async () => {
  const email = await imported()
  await loginElsewhere(email)
  service.clock.advance(86_401)
  expect(codes(await loginElsewhere(email))).toEqual(['EMAIL_NOT_VERIFIED'])
  expect(await templatesTo(service, email)).toEqual(['verify-email', 'verify-email'])
  expect(codes(await verify(await mailedToken(service, email, 'verify-email')))).toEqual([])
})

test('the link counts toward the email limits: beyond them, the answer says that no link was sent, and when to retry', async () => {
  const email = await imported()
  const headers = elsewhere()
  for (let count = 0; count < 3; count++) {
    const input = { email: newAddress() }
    expect(codes(await service.send(RequestPasswordReset, { input }, { headers }))).toEqual([])
  }
  const reply = await loginElsewhere(email, { headers })
  expect(reply.errors).toMatchObject([
    {
      message: expect.stringContaining('No new link can be sent right now'),
      extensions: { code: 'EMAIL_NOT_VERIFIED' },
    },
  ])
  expect([29, 30]).toContain(reply.errors[0]?.extensions.retryAfter)
  expect(await templatesTo(service, email)).toEqual([])
  expect(codes(await loginElsewhere(email))).toEqual(['EMAIL_NOT_VERIFIED'])
  expect(await templatesTo(service, email)).toEqual(['verify-email'])
})
