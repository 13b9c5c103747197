import { describe, expect, test } from '@jest/globals'
import type { ResolverData } from 'type-graphql'
import { systemClock } from '../../src/clock.ts'
import { unauthenticated } from '../../src/errors.ts'
import { authChecker } from '../../src/graphql/auth-checker.ts'
import { type App, type Context, testContext } from '../../src/index.ts'

const ADA = '00000000-0000-7000-8000-00000000000a'
const BOB = '00000000-0000-7000-8000-00000000000b'

/** As much of the app as a denial needs, which is put on record. */
const app = {
  clock: systemClock,
  db: { auditEvent: { createMany: async () => ({ count: 1 }) } },
} as unknown as Partial<App>
const ada = (...permissions: string[]) => testContext({ app, viewer: { account: { id: ADA, permissions } } })
const nobody = testContext()

/** On an operation: there is no object yet. */
const operation = (context: Context, args: Record<string, unknown> = {}) => data(context, undefined, args)
/** On a field of an object. */
const field = (context: Context, root: object, args: Record<string, unknown> = {}) =>
  data(context, root, args)

function data(context: Context, root: unknown, args: Record<string, unknown>): ResolverData<Context> {
  const info = { parentType: { name: 'Query' }, fieldName: 'field' }
  return { root, args, context, info } as unknown as ResolverData<Context>
}

const allows = async (asked: ResolverData<Context>, ...required: string[]) => authChecker(asked, required)
const refuses = async (code: string, asked: ResolverData<Context>, ...required: string[]) =>
  expect(authChecker(asked, required)).rejects.toMatchObject({ code })

describe('@Authorized()', () => {
  test('lets anyone signed in through', async () => {
    expect(await allows(operation(ada()))).toBe(true)
    expect(await allows(field(ada(), { id: BOB }))).toBe(true)
  })

  test('refuses strangers, whatever they ask for', async () => {
    await refuses('UNAUTHENTICATED', operation(nobody))
    await refuses('UNAUTHENTICATED', operation(nobody, { id: ADA }), 'self')
    await refuses('UNAUTHENTICATED', operation(nobody), 'users:read')
    await refuses('UNAUTHENTICATED', field(nobody, { id: ADA }), 'self', 'users:read')
  })
})

describe('@Authorized with permissions', () => {
  test('lets through whoever holds any one of them', async () => {
    expect(await allows(operation(ada('users:read')), 'users:read')).toBe(true)
    expect(await allows(operation(ada('audit:read')), 'users:read', 'audit:read')).toBe(true)
  })

  test('refuses others, also on what is their own', async () => {
    await refuses('FORBIDDEN', operation(ada()), 'users:read')
    await refuses('FORBIDDEN', operation(ada('users:write'), { id: ADA }), 'users:read')
    await refuses('FORBIDDEN', field(ada(), { id: ADA }), 'users:read')
  })

  test('takes no permission for one that begins like it, and no star for all', async () => {
    await refuses('FORBIDDEN', operation(ada('users:read', '*')), 'users:read:all')
    await refuses('FORBIDDEN', operation(ada('*', 'users', 'users:')), 'users:read')
  })
})

describe("@Authorized('self')", () => {
  test('on an operation goes by the argument id', async () => {
    expect(await allows(operation(ada(), { id: ADA }), 'self')).toBe(true)
    await refuses('FORBIDDEN', operation(ada(), { id: BOB }), 'self')
    await refuses('FORBIDDEN', operation(ada(), {}), 'self')
    await refuses('FORBIDDEN', operation(ada(), { userId: ADA }), 'self')
  })

  test('on an object goes by its owner, and by its id where it is an account', async () => {
    expect(await allows(field(ada(), { id: ADA }), 'self')).toBe(true)
    expect(await allows(field(ada(), { id: 'note', userId: ADA }), 'self')).toBe(true)
    await refuses('FORBIDDEN', field(ada(), { id: BOB }), 'self')
    await refuses('FORBIDDEN', field(ada(), {}), 'self')
  })

  test('does not take an object of somebody else for the own one because its id says so', async () => {
    await refuses('FORBIDDEN', field(ada(), { id: ADA, userId: BOB }), 'self')
  })

  test('on an object does not go by the arguments of the field, which the client chooses', async () => {
    await refuses('FORBIDDEN', field(ada(), { id: BOB }, { id: ADA }), 'self')
  })

  test('beside a permission: either will do', async () => {
    expect(await allows(field(ada('users:read'), { id: BOB }), 'self', 'users:read')).toBe(true)
    expect(await allows(field(ada(), { id: ADA }), 'users:read', 'self')).toBe(true)
    await refuses('FORBIDDEN', field(ada('audit:read'), { id: BOB }), 'self', 'users:read')
  })

  test('is no permission that a role could give', async () => {
    await refuses('FORBIDDEN', field(ada('self'), { id: BOB }), 'self')
  })
})

describe('an object whose owner has just proved to be it, by a password', () => {
  const own = { id: ADA }
  const context = testContext()
  context.reveal(own, 'session')

  test('shows itself without a token', async () => {
    expect(await allows(field(context, own), 'self', 'users:read')).toBe(true)
  })

  test('does not show what its owner may not see, nor any other object', async () => {
    await refuses('UNAUTHENTICATED', field(context, own), 'users:read')
    await refuses('UNAUTHENTICATED', field(context, own))
    await refuses('UNAUTHENTICATED', field(context, { id: ADA }), 'self')
  })
})

test('a session that has ended says why', async () => {
  const context: Context = { ...nobody, viewer: () => Promise.reject(unauthenticated('REVOKED')) }
  await expect(authChecker(operation(context), [])).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    extensions: { reason: 'REVOKED' },
  })
})
