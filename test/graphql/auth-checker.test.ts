import { describe, expect, test } from '@jest/globals'
import type { ResolverData } from 'type-graphql'
import { systemClock } from '../../src/clock.ts'
import { unauthenticated } from '../../src/errors.ts'
import { authChecker } from '../../src/graphql/auth-checker.ts'
import { type App, type Context, testContext } from '../../src/index.ts'

const ADA = '00000000-0000-7000-8000-00000000000a'
const BOB = '00000000-0000-7000-8000-00000000000b'

/** The part of the app that records a denial. */
const app = {
  clock: systemClock,
  db: { auditEvent: { createMany: async () => ({ count: 1 }) } },
} as unknown as Partial<App>
const ada = (...permissions: string[]) => testContext({ app, viewer: { account: { id: ADA, permissions } } })
const anonymous = testContext()

/** For an operation, which has no object. */
const operation = (context: Context, args: Record<string, unknown> = {}) => data(context, undefined, args)
/** For a field of an object. */
const field = (context: Context, root: object, args: Record<string, unknown> = {}) =>
  data(context, root, args)

function data(context: Context, root: unknown, args: Record<string, unknown>): ResolverData<Context> {
  const info = { parentType: { name: 'Query' }, fieldName: 'field' }
  return { root, args, context, info } as unknown as ResolverData<Context>
}

const allows = async (guarded: ResolverData<Context>, ...required: string[]) => authChecker(guarded, required)
const refuses = async (code: string, guarded: ResolverData<Context>, ...required: string[]) =>
  expect(authChecker(guarded, required)).rejects.toMatchObject({ code })

describe('@Authorized()', () => {
  test('allows any signed-in user', async () => {
    expect(await allows(operation(ada()))).toBe(true)
    expect(await allows(field(ada(), { id: BOB }))).toBe(true)
  })

  test('refuses unauthenticated callers, whatever is required', async () => {
    await refuses('UNAUTHENTICATED', operation(anonymous))
    await refuses('UNAUTHENTICATED', operation(anonymous, { id: ADA }), 'self')
    await refuses('UNAUTHENTICATED', operation(anonymous), 'users:read')
    await refuses('UNAUTHENTICATED', field(anonymous, { id: ADA }), 'self', 'users:read')
  })
})

describe('@Authorized with permissions', () => {
  test('allows callers with at least one of them', async () => {
    expect(await allows(operation(ada('users:read')), 'users:read')).toBe(true)
    expect(await allows(operation(ada('audit:read')), 'users:read', 'audit:read')).toBe(true)
  })

  test('refuses other callers, even for their own data', async () => {
    await refuses('FORBIDDEN', operation(ada()), 'users:read')
    await refuses('FORBIDDEN', operation(ada('users:write'), { id: ADA }), 'users:read')
    await refuses('FORBIDDEN', field(ada(), { id: ADA }), 'users:read')
  })

  test('accepts neither a permission’s prefix nor a wildcard', async () => {
    await refuses('FORBIDDEN', operation(ada('users:read', '*')), 'users:read:all')
    await refuses('FORBIDDEN', operation(ada('*', 'users', 'users:')), 'users:read')
  })
})

describe("@Authorized('self')", () => {
  test('on an operation compares the argument id', async () => {
    expect(await allows(operation(ada(), { id: ADA }), 'self')).toBe(true)
    await refuses('FORBIDDEN', operation(ada(), { id: BOB }), 'self')
    await refuses('FORBIDDEN', operation(ada(), {}), 'self')
    await refuses('FORBIDDEN', operation(ada(), { userId: ADA }), 'self')
  })

  test('on an object compares its owner or, for an account, its id', async () => {
    expect(await allows(field(ada(), { id: ADA }), 'self')).toBe(true)
    expect(await allows(field(ada(), { id: 'note', userId: ADA }), 'self')).toBe(true)
    await refuses('FORBIDDEN', field(ada(), { id: BOB }), 'self')
    await refuses('FORBIDDEN', field(ada(), {}), 'self')
  })

  test('refuses another user’s object whose id is the caller’s', async () => {
    await refuses('FORBIDDEN', field(ada(), { id: ADA, userId: BOB }), 'self')
  })

  test('on an object ignores the field’s arguments, which the client chooses', async () => {
    await refuses('FORBIDDEN', field(ada(), { id: BOB }, { id: ADA }), 'self')
  })

  test('with a permission allows callers who satisfy either', async () => {
    expect(await allows(field(ada('users:read'), { id: BOB }), 'self', 'users:read')).toBe(true)
    expect(await allows(field(ada(), { id: ADA }), 'users:read', 'self')).toBe(true)
    await refuses('FORBIDDEN', field(ada('audit:read'), { id: BOB }), 'self', 'users:read')
  })

  test('is not a permission that a role can grant', async () => {
    await refuses('FORBIDDEN', field(ada('self'), { id: BOB }), 'self')
  })
})

describe('the account in the response to a sign-in', () => {
  const own = { id: ADA }
  const context = testContext()
  context.reveal(own, 'session')

  test('is visible without a token', async () => {
    expect(await allows(field(context, own), 'self', 'users:read')).toBe(true)
  })

  test('shows neither fields that its owner may not see nor any other object', async () => {
    await refuses('UNAUTHENTICATED', field(context, own), 'users:read')
    await refuses('UNAUTHENTICATED', field(context, own))
    await refuses('UNAUTHENTICATED', field(context, { id: ADA }), 'self')
  })
})

test('the error for an ended session says why it ended', async () => {
  const context: Context = { ...anonymous, viewer: () => Promise.reject(unauthenticated('REVOKED')) }
  await expect(authChecker(operation(context), [])).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    extensions: { reason: 'REVOKED' },
  })
})
