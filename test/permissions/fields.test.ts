import { describe, expect, test } from '@jest/globals'
import { Arg, Authorized, Ctx, Field, ID, ObjectType, Query, Resolver } from 'type-graphql'
import { requireAccount } from '../../src/accounts/account.ts'
import { toUser, UserType } from '../../src/accounts/accounts.types.ts'
import type { Context } from '../../src/context.ts'
import { PASSWORD, type SignedIn, signUp, signUpWith } from '../support/actors.ts'
import { codes, useService } from '../support/service.ts'

@ObjectType()
class Note {
  @Field(() => ID)
  id!: string

  @Field(() => ID)
  userId!: string

  @Authorized('self', 'users:read')
  @Field(() => String, { nullable: true })
  text!: string

  @Authorized('notes:grade')
  @Field(() => String, { nullable: true })
  grade!: string
}

const noteOf = (userId: string): Note => ({ id: `note of ${userId}`, userId, text: 'Dear diary', grade: 'A' })

/** Operations that an embedding program could add. */
@Resolver()
class Extra {
  @Query(() => UserType, { nullable: true })
  async anyone(@Ctx() { app }: Context, @Arg('id', () => ID) id: string): Promise<UserType> {
    return toUser(await requireAccount(app, id))
  }

  @Query(() => [Note])
  notes(@Arg('of', () => [ID]) of: string[]): Note[] {
    return of.map(noteOf)
  }

  @Authorized()
  @Query(() => String, { nullable: true })
  anySession(): string {
    return 'open'
  }

  @Authorized('users:read')
  @Query(() => String, { nullable: true })
  permission(): string {
    return 'open'
  }

  @Authorized('self', 'users:read')
  @Query(() => String, { nullable: true })
  selfOrPermission(@Arg('id', () => ID) _id: string): string {
    return 'open'
  }

  @Authorized('notes:grade')
  @Query(() => String, { nullable: true })
  ownPermission(): string {
    return 'open'
  }
}

const service = useService({ server: { resolvers: [Extra], permissions: ['notes:grade'] } })

type Data = Record<string, unknown>

const ask = (query: string, viewer?: SignedIn) =>
  service.send<Data, Data>(query, {}, { token: viewer?.accessToken })

const PUBLIC = ['id', 'username', 'displayName', 'createdAt']
const OWN = [
  'email',
  'emailVerified',
  'emailChangeUndoableUntil',
  'locale',
  'roles',
  'permissions',
  'updatedAt',
  'lastLoginAt',
  'passwordChangedAt',
  'hasPassword',
  'secondFactorRequired',
  'hasTotp',
  'recoveryCodesLeft',
  'passkeys { id }',
  'publicMetadata',
  'sessions { id }',
  'trustedDevices { id }',
  'identities { id }',
  'apiKeys { id }',
  'impersonatedBy { id }',
]
/** Only for the owner, whatever others may see. */
const PRIVATE = ['passkeyUserHandle']
const STAFF = ['disabledAt', 'disabledReason', 'invitedAt', 'privateMetadata']

describe('the fields of an account', () => {
  const viewers: [
    who: string,
    shown: string[],
    code: string,
    viewer: (subject: SignedIn) => Promise<SignedIn | undefined>,
  ][] = [
    ['a caller without a session', PUBLIC, 'UNAUTHENTICATED', async () => undefined],
    ['a stranger', PUBLIC, 'FORBIDDEN', () => signUp(service)],
    ['its owner', [...PUBLIC, ...OWN, ...PRIVATE], 'FORBIDDEN', async subject => subject],
    ['support', [...PUBLIC, ...OWN, ...STAFF], 'FORBIDDEN', () => signUpWith(service, 'support')],
    ['an administrator', [...PUBLIC, ...OWN, ...STAFF], 'FORBIDDEN', () => signUpWith(service, 'admin')],
  ]

  test.each(viewers)('%s sees %j', async (_, shown, code, viewerOf) => {
    const subject = await signUp(service)
    const viewer = await viewerOf(subject)
    for (const field of [...PUBLIC, ...OWN, ...PRIVATE, ...STAFF]) {
      const reply = await ask(`{ anyone(id: "${subject.id}") { ${field} } }`, viewer)
      expect([field, ...codes(reply)]).toEqual(shown.includes(field) ? [field] : [field, code])
      const anyone = reply.data?.anyone as Data | null | undefined
      if (!shown.includes(field)) expect(anyone?.[field] ?? null).toBeNull()
    }
  })

  test('the lists of account fields are complete', async () => {
    const { data } = await service.send<{ __type: { fields: { name: string }[] } }, Data>(
      '{ __type(name: "User") { fields { name } } }',
    )
    const names = [...PUBLIC, ...OWN, ...PRIVATE, ...STAFF].map(field => field.split(' ')[0])
    expect(data?.__type.fields.map(field => field.name).sort()).toEqual(names.sort())
  })
})

test('a denied nullable field is null with an error, and its siblings are returned', async () => {
  const viewer = await signUp(service)
  const { data, errors } = await ask('{ me { id email disabledAt locale } }', viewer)
  expect(data).toEqual({ me: { id: viewer.id, email: viewer.email, disabledAt: null, locale: 'en' } })
  expect(errors).toMatchObject([{ path: ['me', 'disabledAt'], extensions: { code: 'FORBIDDEN' } }])
})

test('a denied operation does not affect the others of the request', async () => {
  const [viewer, other] = [await signUp(service), await signUp(service)]
  const query = `{ me { id } own: user(id: "${viewer.id}") { id } user(id: "${other.id}") { id } roles { name } }`
  const { data, errors } = await ask(query, viewer)
  expect(data).toMatchObject({
    me: { id: viewer.id },
    own: { id: viewer.id },
    user: null,
    roles: [{ name: 'admin' }, { name: 'support' }, { name: 'user' }],
  })
  expect(errors).toMatchObject([{ path: ['user'], extensions: { code: 'FORBIDDEN' } }])
})

test('the response to a registration shows the account to its owner without an access token', async () => {
  const { data, errors } = await ask(
    `mutation { register(input: { email: "just@registered.example", password: "${PASSWORD}" }) {
       ... on AuthPayload { user { email roles sessions { current } disabledAt } } } }`,
  )
  expect(data).toEqual({
    register: {
      user: {
        email: 'just@registered.example',
        roles: ['user'],
        sessions: [{ current: true }],
        disabledAt: null,
      },
    },
  })
  expect(errors).toMatchObject([{ path: ['register', 'user', 'disabledAt'] }])
})

describe('a resolver of the embedding program', () => {
  test.each<[string, string, [number, number, number, number]]>([
    ['@Authorized()', 'anySession', [0, 1, 1, 1]],
    ['@Authorized("users:read")', 'permission', [0, 0, 1, 1]],
    ['@Authorized("self", "users:read")', 'selfOrPermission(id: "$id")', [0, 1, 1, 1]],
    ['@Authorized("self", "users:read") of another', `selfOrPermission(id: "$other")`, [0, 0, 1, 1]],
    ['@Authorized of a permission of its own', 'ownPermission', [0, 0, 0, 1]],
  ])('an operation of the embedding program is guarded by %s', async (_, operation, open) => {
    const [user, other] = [await signUp(service), await signUp(service)]
    const viewers = [
      undefined,
      user,
      await signUpWith(service, 'support'),
      await signUpWith(service, 'admin'),
    ]
    for (const [at, viewer] of viewers.entries()) {
      const text = operation.replace('$id', user.id).replace('$other', other.id)
      const reply = await ask(`{ field: ${text} }`, viewer)
      const denied = viewer ? 'FORBIDDEN' : 'UNAUTHENTICATED'
      expect([reply.data, ...codes(reply)]).toEqual(
        open[at] ? [{ field: 'open' }] : [{ field: null }, denied],
      )
    }
  })

  test('a field of the embedding program is guarded by the owner of each object', async () => {
    const [one, two] = [await signUp(service), await signUp(service)]
    const query = `{ notes(of: ["${one.id}", "${two.id}"]) { userId text } }`
    const asOne = await ask(query, one)
    expect(asOne.data).toEqual({
      notes: [
        { userId: one.id, text: 'Dear diary' },
        { userId: two.id, text: null },
      ],
    })
    expect(asOne.errors).toMatchObject([{ path: ['notes', 1, 'text'], extensions: { code: 'FORBIDDEN' } }])
    expect((await ask(query, await signUpWith(service, 'support'))).errors).toEqual([])
    expect(codes(await ask(query))).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED'])
  })

  test('a field of the embedding program is guarded by its own permission, which administrators have', async () => {
    const owner = await signUp(service)
    const query = `{ notes(of: ["${owner.id}"]) { grade } me { permissions } }`
    const asOwner = await ask(query, owner)
    expect(asOwner.data?.notes).toEqual([{ grade: null }])
    expect(codes(asOwner)).toEqual(['FORBIDDEN'])
    const asAdmin = await ask(query, await signUpWith(service, 'admin'))
    expect(asAdmin.data).toMatchObject({
      notes: [{ grade: 'A' }],
      me: { permissions: expect.arrayContaining(['notes:grade', 'users:read']) },
    })
  })
})
