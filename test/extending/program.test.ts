import { beforeEach, describe, expect, test } from '@jest/globals'
import DataLoader from 'dataloader'
import { GraphQLError } from 'graphql'
import { loadConfig } from '../../src/config.ts'
import {
  Arg,
  type Context,
  Cost,
  Ctx,
  Field,
  FieldResolver,
  ID,
  Int,
  ListSize,
  MailRefused,
  ObjectType,
  type OutgoingEmail,
  perRequest,
  Query,
  Resolver,
  Root,
  type SendMail,
  startServer,
} from '../../src/index.ts'
import { deliverMails } from '../../src/mail/deliver.ts'
import { newAddress, PASSWORD } from '../support/actors.ts'
import { Register } from '../support/operations.ts'
import { codes, useService } from '../support/service.ts'

const described = { description: 'For a test.' }
const CANARY = 'hunter2-canary'

@ObjectType(described)
class Book {
  @Field(() => ID, described)
  id!: string

  @Cost(3000)
  @Field(() => String, described)
  summary!: string
}

/** The lists of IDs that were loaded. */
const loads: string[][] = []
const titles = perRequest(
  () =>
    new DataLoader(async (ids: readonly string[]) => {
      loads.push([...ids])
      return ids.map(id => `Title of ${id}`)
    }),
)

@Resolver(() => Book)
class BooksResolver {
  @ListSize({ assumedSize: 3 })
  @Query(() => [Book], described)
  books(): Book[] {
    return ['a', 'b', 'a'].map(id => ({ id, summary: `Summary of ${id}` }))
  }

  @Query(() => Book, described)
  book(@Arg('tags', () => [String], { ...described, nullable: true }) _tags?: string[]): Book {
    return { id: 'c', summary: 'Summary of c' }
  }

  @FieldResolver(() => String, described)
  title(@Root() { id }: Book, @Ctx() context: Context): Promise<string> {
    return titles(context).load(id)
  }

  @Query(() => Int, { ...described, nullable: true })
  locked(): number {
    throw new GraphQLError('Ada edits this note.', { extensions: { code: 'NOTE_LOCKED', by: 'ada' } })
  }

  @Query(() => Int, { ...described, nullable: true })
  broken(): number {
    throw new Error(CANARY)
  }
}

const sent: OutgoingEmail[] = []
let sending: SendMail
beforeEach(() => {
  sending = email => void sent.push(email)
  sent.length = 0
  loads.length = 0
})

const service = useService({
  settings: { LOCALES: 'en,de', MAIL_FROM: 'Engine <no-reply@example.com>' },
  server: {
    resolvers: [BooksResolver],
    requestLimits: { tokens: 3000, cost: 10_000, bodyBytes: 128 * 1024 },
    mail: {
      send: (email, signal) => sending(email, signal),
      templates: {
        en: {
          'verify-email': ({ appName, link }) => ({
            subject: `Welcome to ${appName}`,
            text: `Open ${link}`,
            html: `<a href="${link}">Welcome</a>`,
          }),
        },
        de: {
          'verify-email': ({ appName }) => ({
            subject: `Willkommen bei ${appName}`,
            paragraphs: ['Bestätige deine Adresse: 1 < 2.'],
            action: 'Adresse bestätigen',
          }),
        },
      },
      layouts: { de: { linkHint: 'Oder öffne diese Adresse:' } },
    },
  },
})

describe('an error of a resolver of one’s own', () => {
  test('reaches the client with its code, message and extensions if it is a GraphQLError with a code', async () => {
    const { data, errors } = await service.send('{ locked authSettings { locales } }')
    expect(data).toMatchObject({ locked: null, authSettings: { locales: ['en', 'de'] } })
    expect(errors).toMatchObject([
      { message: 'Ada edits this note.', path: ['locked'], extensions: { code: 'NOTE_LOCKED', by: 'ada' } },
    ])
  })

  test('is a fault without details otherwise, with the ID of its entry in the log', async () => {
    const { errors, headers } = await service.send('{ broken }')
    expect(errors[0]?.extensions).toEqual({
      code: 'INTERNAL_SERVER_ERROR',
      requestId: headers.get('x-request-id'),
    })
    expect(JSON.stringify(errors)).not.toContain(CANARY)
    expect(service.logged.splice(0).join()).toContain(CANARY)
  })
})

describe('a field that states its cost', () => {
  test('counts once for each object that could have it', async () => {
    const allowed = await service.send('{ books { id summary } }')
    expect(codes(allowed)).toEqual([])
    const refused = await service.send('{ books { id summary } book { id summary } }')
    expect(codes(refused)).toEqual(['QUERY_TOO_COMPLEX'])
    expect(refused.errors[0]?.message).toContain('more than 10000 objects')
  })
})

describe('raised limits', () => {
  test('allow longer documents and bodies, up to the new limits', async () => {
    const document = (items: number) => `{ book(tags: [${'"x" '.repeat(items)}]) { id } }`
    expect((await service.send(document(2900))).errors).toEqual([])
    expect(codes(await service.send(document(3000)))).toEqual(['QUERY_TOO_COMPLEX'])
    const filler = (kib: number) => ({ filler: 'x'.repeat(kib * 1024) })
    expect(codes(await service.send('{ __typename }', filler(120)))).toEqual([])
    const refused = await service.send('{ __typename }', filler(128))
    expect([refused.status, refused.errors[0]?.message]).toEqual([413, 'The request is larger than 128 KiB.'])
  })

  test.each([
    [{ depth: 14 }, 'requestLimits.depth must be an integer of at least 15.'],
    [{ tokens: 1_000_000 }, 'requestLimits.tokens must be an integer from 1000 to 5000.'],
    [{ cost: Number.NaN }, 'requestLimits.cost must be an integer of at least 5000.'],
    [{ costs: 9000 } as object, 'requestLimits has no limit named costs.'],
  ])('%j are refused when the program starts', async (requestLimits, message) => {
    const config = loadConfig({ DATABASE_URL: 'postgresql://127.0.0.1:1/none', NODE_ENV: 'test' })
    await expect(startServer({ config, requestLimits, signals: false })).rejects.toThrow(message)
  })
})

test('a value per request is shared by the resolvers of one request, and by no others', async () => {
  const query = '{ books { title } again: books { title } }'
  for (const _round of [1, 2]) {
    const { data, errors } = await service.send<{ books: object[] }, object>(query)
    expect(errors).toEqual([])
    expect(data?.books).toEqual(['a', 'b', 'a'].map(id => ({ title: `Title of ${id}` })))
  }
  expect(loads).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ])
})

describe('emails that the program sends', () => {
  async function register(locale: string): Promise<string> {
    const email = newAddress()
    await service.send(Register, { input: { email, password: PASSWORD, locale } })
    return email
  }

  test('arrive at its function once, whole as its template wrote them', async () => {
    const to = await register('en')
    await service.mailsTo(to)
    expect(sent).toHaveLength(1)
    const [email] = sent
    const [, link = ''] = /Open (\S+)/.exec(email?.text ?? '') ?? []
    expect(email).toMatchObject({
      template: 'verify-email',
      locale: 'en',
      from: 'Engine <no-reply@example.com>',
      to,
      subject: 'Welcome to Authograph',
      html: `<a href="${link}">Welcome</a>`,
      messageId: `<${email?.id}@localhost>`,
      headers: { 'Content-Language': 'en', 'Auto-Submitted': 'auto-generated' },
    })
    expect(link).toMatch(/^http:\/\/localhost:4000\/verify-email#token=.+/)
  })

  test('are laid out by the server if a template writes their text, in a language that the server lacks', async () => {
    await service.mailsTo(await register('de-CH'))
    expect(sent[0]).toMatchObject({
      locale: 'de',
      subject: 'Willkommen bei Authograph',
      text: expect.stringMatching(/Bestätige deine Adresse: 1 < 2\.\n\nAdresse bestätigen:\nhttp/),
      html: expect.stringMatching(/1 &#60; 2\..*Oder öffne diese Adresse:/s),
    })
  })

  test('are tried again with the same ID after a failure, whose message is not recorded', async () => {
    const ids: string[] = []
    sending = ({ id }) => {
      ids.push(id)
      throw Object.assign(new Error(CANARY), { code: 'E_BUSY' })
    }
    const recipient = await register('en')
    await deliverMails(service.app)
    const waiting = await service.app.db.mail.findFirstOrThrow({ where: { recipient } })
    expect(waiting).toMatchObject({ status: 'queued', attempts: 1, lastError: 'E_BUSY' })
    expect(service.logged.splice(0).join()).not.toContain(CANARY)
    sending = email => void sent.push(email)
    service.clock.advance(10)
    await deliverMails(service.app)
    expect(sent.map(({ id }) => id)).toEqual([waiting.id])
    expect(new Set(ids)).toEqual(new Set([waiting.id]))
  })

  test('are not tried again after a refusal', async () => {
    sending = () => Promise.reject(new MailRefused(CANARY))
    const recipient = await register('en')
    await deliverMails(service.app)
    expect(await service.app.db.mail.findFirstOrThrow({ where: { recipient } })).toMatchObject({
      status: 'failed',
      attempts: 1,
      lastError: 'MailRefused',
    })
    expect(service.logged.splice(0).join()).not.toContain(CANARY)
  })
})
