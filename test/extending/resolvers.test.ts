import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  Arg,
  Authorized,
  type Context,
  Ctx,
  createSchema,
  Field,
  FieldResolver,
  ID,
  InterfaceType,
  ObjectType,
  Query,
  Resolver,
  Root,
  StepUp,
  testContext,
  testExecute,
  UserType,
} from '../../src/index.ts'
import { signUp, signUpWith } from '../support/actors.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { codes, useService } from '../support/service.ts'

@ObjectType({ description: 'A note.', simpleResolvers: true })
class Note {
  @Field(() => ID, { description: 'Its id.' })
  id!: string

  @Field(() => String, { description: 'What it is called.' })
  title!: string

  @Authorized('self', 'notes:read')
  @Field(() => String, { nullable: true, description: 'What it says.' })
  text!: string

  @Authorized('notes:read')
  @Field(() => String, { nullable: true, simple: true, description: 'Visible only to its owner.' })
  secret!: string

  @Field(() => String, { name: 'heading', description: 'The title by another name.' })
  caption!: string

  userId!: string
}

@Authorized('notes:read')
@ObjectType({ description: 'Guarded as a whole.' })
class Diary {
  @Field(() => String, { nullable: true, description: 'What it says.' })
  text!: string
}

@InterfaceType({ description: 'Guarded in part.' })
abstract class Sealed {
  @Authorized('notes:read')
  @Field(() => String, { nullable: true, description: 'What it says.' })
  text!: string
}

@ObjectType({ implements: Sealed, description: 'Guarded by what it implements.' })
class Letter extends Sealed {}

const note = (userId: string): Note => ({
  id: 'note',
  title: 'Title',
  text: 'TEXT',
  secret: 'SECRET',
  caption: 'Title',
  userId,
})

@Resolver()
class NotesResolver {
  @Query(() => Note, { description: 'A note of an account.' })
  noteOf(@Arg('userId', () => ID, { description: 'The account.' }) userId: string): Note {
    return note(userId)
  }

  @Query(() => Diary, { description: 'A diary.' })
  diary(): Diary {
    return { text: 'TEXT' }
  }

  @Query(() => Letter, { description: 'A letter.' })
  letter(): Letter {
    return Object.assign(new Letter(), { text: 'TEXT' })
  }

  @Authorized('notes:read')
  @Query(() => String, { description: 'For holders of the added permission.' })
  async allNotes(@Ctx() context: Context): Promise<string> {
    const { account } = await context.viewer()
    return `for ${account.id}`
  }
}

@Resolver(() => UserType)
class UserNotesResolver {
  @Authorized('self')
  @FieldResolver(() => [Note], { nullable: true, description: 'The notes of the account.' })
  notes(@Root() user: UserType): Note[] {
    return [note(user.id)]
  }
}

describe('custom resolvers', () => {
  const service = useService({
    server: { resolvers: [NotesResolver, UserNotesResolver], permissions: ['notes:read'] },
  })
  const TEXT = 'query ($userId: ID!) { noteOf(userId: $userId) { id title heading text secret } }'

  test('an operation that requires an added permission refuses callers without it', async () => {
    const ada = await signUp(service)
    expect(codes(await service.send('{ allNotes }'))).toEqual(['UNAUTHENTICATED'])
    expect(codes(await service.send('{ allNotes }', {}, { token: ada.accessToken }))).toEqual(['FORBIDDEN'])
  })

  test('administrators have an added permission immediately', async () => {
    const admin = await signUpWith(service, 'admin')
    const reply = await service.send('{ allNotes me { permissions } }', {}, { token: admin.accessToken })
    expect(reply.errors).toEqual([])
    expect(reply.data).toMatchObject({
      allNotes: `for ${admin.id}`,
      me: { permissions: expect.arrayContaining(['notes:read', 'users:read']) },
    })
  })

  test('a role in the database can grant an added permission', async () => {
    await service.app.db.role.create({
      data: { name: 'reader', permissions: ['notes:read'], builtIn: false },
    })
    const reader = await signUpWith(service, 'reader')
    const reply = await service.send('{ allNotes }', {}, { token: reader.accessToken })
    expect(reply.data).toEqual({ allNotes: `for ${reader.id}` })
  })

  test('a guarded field stays guarded, even if it or its class is marked simple', async () => {
    const [ada, bob] = [await signUp(service), await signUp(service)]
    const { data, errors } = await service.send(TEXT, { userId: bob.id }, { token: ada.accessToken })
    expect(data).toEqual({
      noteOf: { id: 'note', title: 'Title', heading: 'Title', text: null, secret: null },
    })
    // In either order.
    const denied = errors.map(({ path, extensions }) => [path?.at(-1), extensions.code])
    expect(denied.sort()).toEqual([
      ['secret', 'FORBIDDEN'],
      ['text', 'FORBIDDEN'],
    ])
    const stranger = await service.send(TEXT, { userId: bob.id })
    expect(codes(stranger)).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED'])
    expect(JSON.stringify(stranger.data)).not.toMatch(/TEXT|SECRET/)
  })

  test('an object shows only its owner the fields guarded by self', async () => {
    const ada = await signUp(service)
    const { data, errors } = await service.send(TEXT, { userId: ada.id }, { token: ada.accessToken })
    expect(data).toMatchObject({ noteOf: { text: 'TEXT', secret: null } })
    expect(errors.map(({ path }) => path?.at(-1))).toEqual(['secret'])
  })

  test.each(['diary', 'letter'])(
    'what guards a whole class or its interface guards its fields (%s)',
    async name => {
      const ada = await signUp(service)
      for (const token of [undefined, ada.accessToken]) {
        const { data, errors } = await service.send(`{ ${name} { text } }`, {}, { token })
        expect(data).toEqual({ [name]: { text: null } })
        expect(errors).toHaveLength(1)
      }
      const admin = await signUpWith(service, 'admin')
      const { data } = await service.send(`{ ${name} { text } }`, {}, { token: admin.accessToken })
      expect(data).toEqual({ [name]: { text: 'TEXT' } })
    },
  )

  test('a field added to User is guarded like the built-in ones', async () => {
    const [ada, admin] = [await signUp(service), await signUpWith(service, 'admin')]
    const own = await service.send('{ me { notes { text } } }', {}, { token: ada.accessToken })
    expect(own.data).toEqual({ me: { notes: [{ text: 'TEXT' }] } })
    const query = 'query ($id: ID!) { user(id: $id) { id notes { text } } }'
    const others = await service.send(query, { id: ada.id }, { token: admin.accessToken })
    expect(others.data).toEqual({ user: { id: ada.id, notes: null } })
    expect(codes(others)).toEqual(['FORBIDDEN'])
  })
})

describe('the example of the README and of docs/extending.md', () => {
  let database: TestDatabase
  let example: typeof import('./example.ts')

  beforeAll(async () => {
    database = await createDatabase()
    // It reads the environment, as a real program would.
    Object.assign(process.env, {
      NODE_ENV: 'test',
      PORT: '0',
      DATABASE_URL: database.url,
      AUTHOGRAPH_SECRET: 'a secret that only the tests may know',
      LOG_LEVEL: 'silent',
    })
    example = await import('./example.ts')
  })

  afterAll(async () => {
    await example.server.close()
    await database.drop()
  })

  test('has at most 25 lines', () => {
    const lines = readFileSync(new URL('example.ts', import.meta.url), 'utf8')
      .trim()
      .split('\n')
    expect(lines.length).toBeLessThanOrEqual(25)
  })

  test('is a complete server, with an operation that requires its permission', async () => {
    const ask = async (query: string, token = '') => {
      const response = await fetch(`${example.server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify({ query }),
      })
      return (await response.json()) as {
        data: Record<string, { accessToken: string; user: { id: string } }>
      }
    }
    const { data } = await ask(
      'mutation { register(input: { email: "ada@example.com", password: "an engine of brass" }) { ... on AuthPayload { accessToken user { id } } } }',
    )
    const { accessToken = '', user } = data.register ?? {}
    expect(await ask('{ notes }')).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] })
    expect(await ask('{ notes }', accessToken)).toMatchObject({
      errors: [{ extensions: { code: 'FORBIDDEN' } }],
    })
    await example.server.app.db.userRole.create({ data: { userId: user?.id ?? '', roleName: 'admin' } })
    expect(await ask('{ notes }', accessToken)).toEqual({ data: { notes: [`Note of ${user?.id}`] } })
  })

  test('has a resolver that can be tested without HTTP or a database', async () => {
    const context = testContext({ viewer: { account: { id: 'ada', permissions: ['notes:read'] } } })
    expect(await new example.NotesResolver().notes(context)).toEqual(['Note of ada'])
  })

  test('has a resolver that refuses unauthenticated callers even in such a test', async () => {
    await expect(new example.NotesResolver().notes(testContext())).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      extensions: { reason: 'MISSING' },
    })
  })
})

describe('a context for tests', () => {
  test('throws an error that names a missing part instead of returning undefined', () => {
    const { app } = testContext()
    expect(() => app.db).toThrow('The test context has no app.db. Pass it in the app option.')
  })

  test('has the given parts of the app', () => {
    const clock = { now: () => new Date(0) }
    expect(testContext({ app: { clock } }).app.clock.now().getTime()).toBe(0)
  })

  test('has one complete viewer for each request, with the given values', async () => {
    const context = testContext({ viewer: { account: { id: 'ada' }, session: { deviceName: 'phone' } } })
    const viewer = await context.viewer()
    expect(viewer).toMatchObject({
      account: { id: 'ada', roles: ['user'], permissions: [] },
      via: { kind: 'session', session: { userId: 'ada', deviceName: 'phone', revokedAt: null } },
    })
    expect(await context.viewer()).toBe(viewer)
  })
})

describe('an operation that a test executes', () => {
  @Resolver()
  class Guarded {
    @Authorized()
    @StepUp({ strength: 'MULTI' })
    @Query(() => String, { description: 'Requires two factors.' })
    pay(): string {
      return 'paid'
    }
  }
  const schema = createSchema([NotesResolver, UserNotesResolver, Guarded])
  const viewer = (...permissions: string[]) =>
    testContext({ viewer: { account: { id: 'ada', permissions } } })
  const replies = async (document: string, context?: Context) => {
    const { data, errors } = await testExecute(schema, document, { context })
    return [data, errors.map(({ path, extensions }) => [path?.join('.'), extensions?.code])]
  }

  test('is refused by its guards as on a server, without any part of the app', async () => {
    expect(await replies('{ allNotes }')).toEqual([null, [['allNotes', 'UNAUTHENTICATED']]])
    expect(await replies('{ allNotes }', viewer())).toEqual([null, [['allNotes', 'FORBIDDEN']]])
    expect(await replies('{ allNotes }', viewer('notes:read'))).toEqual([{ allNotes: 'for ada' }, []])
  })

  test('shows each caller the fields that guards allow', async () => {
    const query = (id: string) => `{ noteOf(userId: "${id}") { title text secret } }`
    expect(await replies(query('ada'), viewer())).toEqual([
      { noteOf: { title: 'Title', text: 'TEXT', secret: null } },
      [['noteOf.secret', 'FORBIDDEN']],
    ])
    expect(await replies(query('bob'), viewer())).toMatchObject([
      { noteOf: { text: null } },
      expect.any(Array),
    ])
  })

  test('requires the sign-in that @StepUp demands', async () => {
    expect(await replies('{ pay }', viewer())).toEqual([null, [['pay', 'STEP_UP_REQUIRED']]])
    const session = { totpAt: new Date() }
    expect(await replies('{ pay }', testContext({ viewer: { session } }))).toEqual([{ pay: 'paid' }, []])
    // The session has stepped up since this access token was issued.
    const earlier = testContext({ viewer: { session: { ...session, proofGeneration: 1 } } })
    expect(await replies('{ pay }', earlier)).toEqual([null, [['pay', 'STEP_UP_REQUIRED']]])
    const weak = testContext({ viewer: { account: { secondFactorRequiredFrom: new Date(0) } } })
    expect(await replies('{ allNotes }', weak)).toEqual([null, [['allNotes', 'STEP_UP_REQUIRED']]])
  })

  test('must be valid and within the limits, and takes variables', async () => {
    expect(await replies('{ nothing }')).toEqual([undefined, [[undefined, 'BAD_USER_INPUT']]])
    expect(await replies('{ nothing')).toEqual([undefined, [[undefined, 'BAD_USER_INPUT']]])
    const aliases = Array.from({ length: 31 }, (_, at) => `a${at}: __typename`).join(' ')
    expect(await replies(`{ ${aliases} }`)).toEqual([undefined, [[undefined, 'QUERY_TOO_COMPLEX']]])
    const query = 'query ($id: ID!) { noteOf(userId: $id) { title } }'
    const given = { variables: { id: 'bob' } }
    expect(await testExecute(schema, query, given)).toEqual({
      data: { noteOf: { title: 'Title' } },
      errors: [],
    })
    expect(await testExecute(schema, query)).toMatchObject({
      errors: [{ extensions: { code: 'BAD_USER_INPUT', fields: { id: ['This is required (ID!).'] } } }],
    })
  })
})
