import { describe, expect, test } from '@jest/globals'
import {
  Authorized,
  type Context,
  Ctx,
  createSchema,
  FieldResolver,
  Query,
  Resolver,
  Root,
  StepUp,
  testContext,
  testExecute,
  UserType,
} from '../../src/index.ts'
import { as, signUp } from '../support/actors.ts'
import { codes, useService } from '../support/service.ts'
import { addSomePasskey, addSomeTotp } from '../support/some-factors.ts'

let runs = 0

@Resolver()
class PaymentsResolver {
  @Authorized()
  @StepUp({ strength: 'MULTI', maxAgeSeconds: 60 })
  @Query(() => String, { description: 'Requires two factors within a minute.' })
  async pay(@Ctx() context: Context): Promise<string> {
    runs++
    return (await context.viewer()).account.id
  }

  @Authorized()
  @StepUp({ strength: 'PHISHING_RESISTANT', maxAgeSeconds: 60 })
  @Query(() => String, { description: 'Requires a passkey within a minute.' })
  sign(): string {
    return 'signed'
  }

  @Authorized('users:read')
  @StepUp()
  @Query(() => String, { description: 'Requires what the account can prove, and a permission.' })
  read(): string {
    return 'read'
  }

  @StepUp()
  @Query(() => String, { description: 'Requires what the account can prove.' })
  usual(): string {
    return 'usual'
  }
}

@Resolver(() => UserType)
class SecretResolver {
  @Authorized('self')
  @StepUp({ strength: 'MULTI' })
  @FieldResolver(() => String, { nullable: true, description: 'A field that requires two factors.' })
  secret(@Root() user: UserType): string {
    return `secret of ${user.id}`
  }
}

const service = useService({ server: { resolvers: [PaymentsResolver, SecretResolver] } })

type Times = Partial<Record<'passwordAt' | 'totpAt' | 'passkeyAt', number>>

/** A session whose proofs are as many seconds old. */
async function provedBefore(ages: Times) {
  const account = await signUp(service)
  const now = service.clock.now().getTime()
  const data = Object.fromEntries(
    Object.entries(ages).map(([name, age]) => [name, new Date(now - age * 1000)]),
  )
  await service.app.db.session.update({ where: { id: account.sessionId }, data })
  return account
}

describe('@StepUp with a strength', () => {
  test.each<[string, Times, string[]]>([
    ['allows both factors in time', { passwordAt: 40, totpAt: 10 }, []],
    ['refuses when the older of the two is too old', { passwordAt: 61, totpAt: 10 }, ['STEP_UP_REQUIRED']],
    ['refuses a single factor', { passwordAt: 0 }, ['STEP_UP_REQUIRED']],
    ['allows more than it requires', { passkeyAt: 30 }, []],
    ['refuses more than it requires when that is too old', { passkeyAt: 61 }, ['STEP_UP_REQUIRED']],
  ])('%s', async (_, ages, expected) => {
    const before = runs
    const reply = await service.send('{ pay }', {}, as(await provedBefore(ages)))
    expect(codes(reply)).toEqual(expected)
    expect(runs - before).toBe(expected.length === 0 ? 1 : 0)
  })

  test('names what it requires and what the account can answer with, in the error and in the challenge', async () => {
    const ada = await provedBefore({ passwordAt: 0, totpAt: 0 })
    await addSomeTotp(service, ada.id)
    await addSomePasskey(service, ada.id)
    const reply = await service.send('{ sign }', {}, as(ada))
    expect(reply.errors[0]?.extensions).toEqual({
      code: 'STEP_UP_REQUIRED',
      acr: 'phr',
      maxAgeSeconds: 60,
      accepts: [['PASSKEY']],
    })
    expect(reply.headers.get('www-authenticate')).toContain('acr_values="phr", max_age="60"')
    expect(codes(await service.send('{ sign }', {}, as(await provedBefore({ passkeyAt: 0 }))))).toEqual([])
  })

  test('guards a field, and leaves its siblings', async () => {
    const ada = await provedBefore({ passwordAt: 0 })
    const reply = await service.send<{ me: object }, object>('{ me { id secret } }', {}, as(ada))
    expect(codes(reply)).toEqual(['STEP_UP_REQUIRED'])
    expect(reply.data?.me).toEqual({ id: ada.id, secret: null })
  })
})

describe('@StepUp without a strength', () => {
  test('requires from each account as much as it can prove', async () => {
    const ada = await provedBefore({ passwordAt: 570 })
    expect((await service.send('{ usual }', {}, as(ada))).errors).toEqual([])
    await addSomeTotp(service, ada.id)
    expect(codes(await service.send('{ usual }', {}, as(ada)))).toEqual(['STEP_UP_REQUIRED'])
    expect(codes(await service.send('{ usual }', {}, as(await provedBefore({ passwordAt: 601 }))))).toEqual([
      'REAUTHENTICATION_REQUIRED',
    ])
  })

  test('comes after @Authorized, and alone requires a session', async () => {
    expect(codes(await service.send('{ read }', {}, as(await provedBefore({ passwordAt: 601 }))))).toEqual([
      'FORBIDDEN',
    ])
    expect(codes(await service.send('{ usual }'))).toEqual(['UNAUTHENTICATED'])
  })
})

test('a maximum age that is not positive is refused when the program starts', () => {
  for (const maxAgeSeconds of [0, -1, Number.NaN])
    expect(() => StepUp({ maxAgeSeconds })).toThrow('maxAgeSeconds must be a positive number')
})

test('a test context refuses API keys where the server does', async () => {
  const viewer = { account: { permissions: ['notes:write'] }, apiKey: {} }
  const context = testContext({ viewer })
  expect((await context.viewer()).via).toMatchObject({
    kind: 'apiKey',
    apiKey: { permissions: ['notes:write'] },
  })
  const { errors } = await testExecute(createSchema([PaymentsResolver]), '{ pay }', { context })
  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
})

test('the viewer of a test context has an access token of the session’s generation', async () => {
  const context = testContext({ viewer: { session: { generation: 4 } } })
  expect((await context.viewer()).via).toMatchObject({ kind: 'session', accessToken: { generation: 4 } })
})
