import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { PASSWORD, signIn, signUp } from '../support/actors.ts'
import { templatesTo } from '../support/mails.ts'
import { Me, Register, Settings } from '../support/operations.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, type Service, startService, useService } from '../support/service.ts'

const service = useService({ settings: { LIMIT_MAIL_ADDRESS: '50/1h' } })

let count = 0
const newEmail = () => `person.${++count}@register.example`

const register = (input: Record<string, unknown>, on: Service = service) =>
  on.send(Register as DocumentNode, { input: { email: newEmail(), password: PASSWORD, ...input } })

test('a new account is signed in immediately, with the tokens in the payload', async () => {
  const { data, errors } = await service.send(Register, {
    input: {
      email: ' Ada@Example.com ',
      password: PASSWORD,
      username: 'Ada',
      displayName: 'Ada L.',
      locale: 'ko',
      deviceName: 'Ada’s phone',
    },
  })
  expect(errors).toEqual([])
  const payload = data?.register
  expect(payload).toMatchObject({
    __typename: 'AuthPayload',
    tokenType: 'Bearer',
    session: { current: true, revokedAt: null, deviceName: 'Ada’s phone' },
    user: {
      email: 'Ada@Example.com',
      emailVerified: false,
      username: 'ada',
      displayName: 'Ada L.',
      locale: 'ko',
      roles: ['user'],
      permissions: [],
    },
  })
  if (payload?.__typename !== 'AuthPayload') throw new Error('not signed in')
  const me = await service.send(Me, {}, { token: payload.accessToken })
  expect(me.data?.me).toEqual(payload.user)
})

test('only the email address and the password are required', async () => {
  const { data, errors } = await service.send(Register, { input: { email: newEmail(), password: PASSWORD } })
  expect(errors).toEqual([])
  expect(data?.register).toMatchObject({ user: { username: null, displayName: null, locale: 'en' } })
})

test('the address is stored as typed and in canonical form, the password as an argon2id hash', async () => {
  const { id } = await signUp(service, { email: '  Grace.Hopper@BÜCHER.example ' })
  const user = await service.app.db.user.findUniqueOrThrow({ where: { id } })
  expect(user).toMatchObject({
    email: 'Grace.Hopper@BÜCHER.example',
    emailCanonical: 'grace.hopper@xn--bcher-kva.example',
    passwordHash: expect.stringMatching(/^\$argon2id\$v=19\$m=64,t=1,p=1\$/),
  })
})

test.each([
  ['full-width characters', 'Ｖictim＠'],
  ['a character that domain names ignore', 'Victim@\uFE0F'],
])('an address spelled with %s is stored, shown and sent email in its plain form', async (_, start) => {
  const domain = `${randomUUID()}.example`
  const account = await signUp(service, { email: `${start}${domain}` })
  const { data } = await service.send(Me, {}, { token: account.accessToken })
  expect(data?.me?.email).toBe(`Victim@${domain}`)
  expect(await templatesTo(service, `Victim@${domain}`)).toEqual(['verify-email'])
  expect((await service.mailsTo(`Victim@${domain}`)).map(({ to }) => to?.[0]?.address)).toEqual([
    `Victim@${domain}`,
  ])
})

describe('invalid input is rejected by field:', () => {
  const long = 'a'.repeat(101)
  test.each([
    [
      'email',
      ['', 'ada', 'ada@localhost', 'ada lovelace@example.com', 'ada@example.com\r\nBcc: eve@example.com'],
    ],
    ['email', [null, 5, ['ada@example.com']]],
    ['password', ['', 'a'.repeat(4097), null, 12345678]],
    ['username', ['', 'ab', 'a'.repeat(33), 'ada lovelace', 'ada@home', 'adä', 7]],
    ['displayName', [long, 'Ada\nLovelace', 'Ada\u0000', 'Ada\u202Egro.live', 7]],
    ['locale', ['', 'not a tag', 'en_US', `en-x-${'a-'.repeat(20)}a`, 7]],
    ['deviceName', [long, 'my\tphone', 7]],
    ['tokenTransport', ['PIGEON', 7]],
  ] as [string, unknown[]][])('%s %j', async (field, values) => {
    for (const value of values) {
      const fields = refusedFields(await register({ [field]: value }))
      expect(Object.keys(fields)).toEqual([`input.${field}`])
    }
  })

  test('all fields together', async () => {
    const fields = refusedFields(
      await register({
        email: 'ada',
        password: '',
        username: '?',
        displayName: long,
        locale: '?',
        deviceName: long,
      }),
    )
    const names = ['email', 'password', 'username', 'displayName', 'locale', 'deviceName']
    expect(Object.keys(fields)).toEqual(names.map(name => `input.${name}`))
  })

  test('a missing or unknown field', async () => {
    const missing = await service.send(Register as DocumentNode, { input: { password: PASSWORD } })
    expect(refusedFields(missing)).toEqual({ input: ['The field email (String!) is required.'] })
    expect(refusedFields(await register({ isAdmin: true }))).toEqual({
      input: ['RegisterInput has no field isAdmin.'],
    })
  })

  test('and a rejected registration leaves nothing behind', async () => {
    const email = newEmail()
    refusedFields(await register({ email, username: '?' }))
    expect(await service.app.db.user.count({ where: { emailCanonical: email } })).toBe(0)
  })
})

describe('a display name may use any script:', () => {
  test.each(['Ádám Nagy', '김철수', 'نیلوفر می‌آید', 'ශ්‍රී', 'Ada 👩‍💻'])('%s', async displayName => {
    const { data, errors } = await register({ displayName })
    expect(errors).toEqual([])
    expect(data).toMatchObject({ register: { user: { displayName } } })
  })
})

describe('passwords', () => {
  const EMOJI = '🦊🌵🛶🎻🧭🍋🪁🧲'
  const BREACHED =
    'This password, or one very similar to it, appears in a data breach. Choose a different one.'
  const OWN_WORDS = 'Do not base the password on your name, username, or email address.'
  const own = {
    email: 'zebulon.kettlewick@pumpernickel.example',
    username: 'quasimodo_77',
    displayName: 'Hildegard Ottoline',
  }

  test.each([
    ['shorter than 8 code points', [...EMOJI].slice(1).join(''), 'Use at least 8 characters.'],
    ['longer than 128 code points', `${EMOJI.repeat(16)}x`, 'Use at most 128 characters.'],
    ['common', 'iloveyou1', BREACHED],
    ['common but for the spelling', 'P@ssw0rd', BREACHED],
    ['easy to guess', 'abcdabcdabcd', expect.stringContaining('easy to guess')],
    ['based on the email address', 'zebulonkettlewick', OWN_WORDS],
    ['based on its domain', 'Pumpernickel!', OWN_WORDS],
    ['based on the username', 'quasimodo_77!', OWN_WORDS],
    ['based on the display name', 'hildegardottoline', OWN_WORDS],
    ['with a line break', 'seventeen\nbrass engines', expect.stringContaining('line breaks')],
  ])('that are %s are rejected with advice, without repeating the password', async (_, password, message) => {
    const reply = await register({ ...own, password })
    expect(refusedFields(reply)).toEqual({ 'input.password': [message] })
    expect(JSON.stringify(reply)).not.toContain(JSON.stringify(password).slice(1, -1))
  })

  test.each([
    ['8 code points', EMOJI],
    ['128 code points', `${EMOJI.repeat(15)}${PASSWORD.slice(0, 8)}`],
    ['lowercase letters only', 'ferret umbrella quorum'],
  ])('of %s are accepted', async (_, password) => {
    expect(codes(await register({ password }))).toEqual([])
  })

  test('in the file of breached passwords are rejected', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'authograph-breached-'))
    const hash = createHash('sha1').update(PASSWORD).digest('hex').toUpperCase()
    await writeFile(`${folder}/hashes.txt`, `${'0'.repeat(40)}:1\r\n${hash}:3\r\n${'F'.repeat(40)}:1\r\n`)
    const strict = await startService({ settings: { BREACHED_PASSWORDS_FILE: `${folder}/hashes.txt` } })
    try {
      expect(refusedFields(await register({}, strict))).toEqual({
        'input.password': ['This password appears in a data breach. Choose a different one.'],
      })
      expect(codes(await register({ password: `${PASSWORD}?` }, strict))).toEqual([])
    } finally {
      await strict.close()
      await rm(folder, { recursive: true })
    }
  })

  test.each([
    ['composed first and decomposed later', 'NFC', 'NFD'],
    ['decomposed first and composed later', 'NFD', 'NFC'],
  ] as const)('%s match', async (_, atFirst, later) => {
    const email = newEmail()
    const password = 'pâté de Zürich 비밀번호'
    expect(codes(await register({ email, password: password.normalize(atFirst) }))).toEqual([])
    await expect(signIn(service, email, password.normalize(later))).resolves.toMatchObject({ email })
  })
})

describe('names in use', () => {
  const taken = { email: 'Zoë.Taken@Bücher.example', username: 'taken.name' }

  test.each([
    ['email', 'Zoë.Taken@Bücher.example'],
    ['email', ' zoë.taken@bücher.EXAMPLE '],
    ['email', 'zoe\u0308.taken@xn--bcher-kva.example'],
    ['email', 'ｚoë.taken@bücher。example'],
    ['username', 'taken.name'],
    ['username', ' Taken.NAME '],
  ] as const)('are reported by a code and the field %s: %j', async (field, spelling) => {
    await service.send(Register, { input: { ...taken, password: PASSWORD } })
    const reply = await register({ [field]: spelling })
    expect(codes(reply)).toEqual([field === 'email' ? 'EMAIL_TAKEN' : 'USERNAME_TAKEN'])
    expect(reply.errors[0]?.extensions).toMatchObject({ field })
    expect(reply.data).toBeNull()
  })

  test('do not block a sub-address or a dotted spelling, which are different addresses', async () => {
    await signUp(service, { email: 'sub@register.example' })
    expect(codes(await register({ email: 'sub+news@register.example' }))).toEqual([])
    expect(codes(await register({ email: 's.ub@register.example' }))).toEqual([])
  })
})

describe('of 20 simultaneous registrations', () => {
  const spellings = (text: string) =>
    Array.from({ length: 20 }, (_, at) => {
      const cased = [...text]
        .map((char, place) => ((at >> (place % 5)) & 1 ? char.toUpperCase() : char))
        .join('')
      return at % 3 === 0 ? ` ${cased} ` : cased
    })

  test.each([
    ['one address', 'email', 'EMAIL_TAKEN', 'crowd@register.example'],
    ['one username', 'username', 'USERNAME_TAKEN', 'crowd_name'],
  ])('for %s in different spellings, one creates an account', async (_, field, code, name) => {
    const replies = await Promise.all(spellings(name).map(spelling => register({ [field]: spelling })))
    expect(replies.flatMap(codes)).toEqual(Array(19).fill(code))

    const { db } = service.app
    const users = await db.user.findMany({
      where: { OR: [{ emailCanonical: name }, { username: name }] },
      include: { roles: true },
    })
    expect(users).toMatchObject([{ roles: [{ roleName: 'user' }] }])
    const sessions = await db.session.findMany({ where: { userId: { in: users.map(({ id }) => id) } } })
    expect(sessions).toMatchObject([{ revokedAt: null }])
    expect(await db.session.count()).toBe(await db.auditEvent.count({ where: { action: 'session.started' } }))
  })
})

test('while registration is closed, no input registers, and accounts can still sign in', async () => {
  const account = await signUp(service)
  const closed = await startService({
    databaseUrl: service.app.config.database.url!,
    settings: { REGISTRATION: 'closed' },
  })
  try {
    const settings = await closed.send(Settings)
    expect(settings.data?.authSettings.registrationOpen).toBe(false)
    expect(codes(await register({}, closed))).toEqual(['REGISTRATION_CLOSED'])
    expect(codes(await register({ email: account.email }, closed))).toEqual(['REGISTRATION_CLOSED'])
    expect(codes(await register({ email: 'no address' }, closed))).toEqual(['REGISTRATION_CLOSED'])
    await expect(signIn(closed, account.email)).resolves.toMatchObject({ id: account.id })
  } finally {
    await closed.close()
  }
})

test('a registration gets only the role user, whatever token it carries', async () => {
  const { accessToken } = await signUp(service)
  for (const token of [accessToken, 'stale']) {
    const reply = await service.send(
      Register,
      { input: { email: newEmail(), password: PASSWORD } },
      { token },
    )
    expect(reply.errors).toEqual([])
    expect(reply.data?.register).toMatchObject({ user: { roles: ['user'], permissions: [] } })
  }
})
