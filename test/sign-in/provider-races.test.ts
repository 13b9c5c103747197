import { expect, test } from '@jest/globals'
import { login, newAddress, PASSWORD, register, signUp } from '../support/actors.ts'
import { Me, Register } from '../support/operations.ts'
import { codeFor, complete, signedInWith, someone, useProviders } from '../support/provider-sign-in.ts'
import { meet, whileHolding } from '../support/race.ts'
import { codes } from '../support/service.ts'
import { refresh } from '../support/sessions.ts'

const { service, fake } = useProviders()

test('fifty first sign-ins of one person at the same time make one account', async () => {
  const person = someone()
  const inputs = []
  for (let flow = 0; flow < 50; flow++) inputs.push(await codeFor(service, fake, person))
  const replies = await Promise.all(inputs.map(input => complete(service, input)))
  expect(replies.flatMap(codes)).toEqual([])
  const ids = replies.map(({ data }) => {
    const result = data?.completeProviderSignIn
    return result?.__typename === 'AuthPayload' ? result.user.id : result?.__typename
  })
  expect(new Set(ids).size).toBe(1)
  expect(await service.app.db.user.count({ where: { emailCanonical: person.email } })).toBe(1)
  expect(await service.app.db.identity.count({ where: { subject: person.sub } })).toBe(1)
}, 60_000)

test('a registration beside a first sign-in leaves one account, in which the registrant has no part', async () => {
  for (let round = 0; round < 5; round++) {
    const person = someone()
    const input = await codeFor(service, fake, person)
    const [reply] = await Promise.all([
      complete(service, input),
      service.send(Register, { input: { email: person.email, password: PASSWORD } }),
    ])
    expect(codes(reply)).toEqual([])
    expect(await service.app.db.user.count({ where: { emailCanonical: person.email } })).toBe(1)
    expect(codes(await login(service, { identifier: person.email }))).toEqual(['INVALID_CREDENTIALS'])
  }
})

test('two people of one address, whose provider answers for both, do not meet in one account unnoticed', async () => {
  const email = newAddress()
  const one = await signedInWith(service, fake, someone({ email }))
  const two = await signedInWith(service, fake, someone({ email }))
  expect(two.user.id).toBe(one.user.id)
  const emails = await service.mailsTo(email)
  expect(emails.some(({ subject }) => subject?.includes('was connected'))).toBe(true)
})

test('a login of the squatter that meets the take-over is refused, or its session ends with it', async () => {
  const orders = ['take-over first', 'login first'] as const
  for (const order of orders) {
    const squatter = await signUp(service)
    const input = await codeFor(service, fake, someone({ email: squatter.email }))
    const row = { table: 'users', id: squatter.id } as const
    const takeOver = () => complete(service, input)
    const squat = () => login(service, { identifier: squatter.email })
    const [taken, squatted] =
      order === 'take-over first'
        ? await meet(service, row, takeOver, squat)
        : (await meet(service, row, squat, takeOver)).reverse()
    expect([order, ...codes(taken as Awaited<ReturnType<typeof complete>>)]).toEqual([order])
    const { data } = squatted as Awaited<ReturnType<typeof login>>
    const token = data?.login.accessToken
    if (token !== undefined) expect(codes(await service.send(Me, {}, { token }))).toEqual(['UNAUTHENTICATED'])
    expect(codes(await refresh(service, squatter.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
    expect(codes(await login(service, { identifier: squatter.email }))).toEqual(['INVALID_CREDENTIALS'])
  }
})

test('disabling the account during the callback leaves no session', async () => {
  const person = someone()
  const { user } = await signedInWith(service, fake, person)
  const before = await service.app.db.session.count({ where: { userId: user.id } })
  const input = await codeFor(service, fake, person)
  const [, reply] = await meet(
    service,
    { table: 'users', id: user.id },
    async () => {
      await service.app.db.user.update({ where: { id: user.id }, data: { disabledAt: service.clock.now() } })
    },
    () => complete(service, input),
  )
  expect(codes(reply)).toEqual(['ACCOUNT_DISABLED'])
  expect(await service.app.db.session.count({ where: { userId: user.id } })).toBe(before)
})

test('an identity that moves to another account during the sign-in starts no session in either', async () => {
  const person = someone()
  const { user } = await signedInWith(service, fake, person)
  const other = await signUp(service)
  const sessions = () => service.app.db.session.count({ where: { userId: { in: [user.id, other.id] } } })
  const before = await sessions()
  const input = await codeFor(service, fake, person)
  const lock = `SELECT FROM users WHERE id = '${user.id}' FOR NO KEY UPDATE`
  const completed = await whileHolding(service.app.config.database.url ?? '', lock, async waiting => {
    const completing = complete(service, input)
    await waiting(1)
    await service.app.db.identity.updateMany({ where: { userId: user.id }, data: { userId: other.id } })
    return { completing }
  })
  expect(codes(await completed.completing)).toEqual(['TOKEN_INVALID'])
  expect(await sessions()).toBe(before)
})

test('a registration that waits for its link gives way to the account of the provider', async () => {
  const email = newAddress()
  await register(service, { email })
  const { user } = await signedInWith(service, fake, someone({ email }))
  expect(user).toMatchObject({ emailVerified: true, hasPassword: false })
})
