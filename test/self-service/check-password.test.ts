import { createHash } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { newAddress, PASSWORD, register } from '../support/actors.ts'
import { codes, useService } from '../support/service.ts'

const BREACHED = 'nineteen tin trumpets'
const file = path.join(tmpdir(), `breached-${process.pid}.txt`)
const hash = createHash('sha1').update(BREACHED).digest('hex').toUpperCase()
await writeFile(file, `${hash}:3\n`)
afterAll(() => rm(file))

const service = useService({ settings: { PASSWORD_MIN_LENGTH: '9', BREACHED_PASSWORDS_FILE: file } })
const CHECK = 'mutation ($i: CheckPasswordInput!) { checkPassword(input: $i) { problems strength } }'
type Check = { checkPassword: { problems: string[]; strength: string | null } }

async function check(password: string, words: string[] = []): Promise<Check['checkPassword'] | undefined> {
  const reply = await service.send<Check, unknown>(CHECK, { i: { password, words } })
  expect(reply.errors).toEqual([])
  return reply.data?.checkPassword
}

test.each([
  'short',
  'x'.repeat(129),
  'P@ssw0rd2026!!',
  'qwertyuiop123',
  'tab\tin a password',
  'Ada.Lovelace1815',
  'grace-hopper',
  BREACHED,
  PASSWORD,
])('%j gets the answer that registering with it would get', async password => {
  const account = { email: newAddress('ada.lovelace'), username: undefined, displayName: 'Grace Hopper' }
  const said = await check(password, [account.email, account.displayName])
  const reply = await register(service, { ...account, password })
  const refused = reply.errors[0]?.extensions.fields?.['input.password'] ?? []
  expect(said?.problems).toEqual(refused)
  expect(said?.strength === null).toBe(reply.errors.length > 0)
})

test('an accepted password is fair, good or strong', async () => {
  expect(await check('winter garden 41')).toEqual({ problems: [], strength: 'FAIR' })
  expect(await check('tK9#wq2z%')).toEqual({ problems: [], strength: 'GOOD' })
  expect(await check(PASSWORD)).toEqual({ problems: [], strength: 'STRONG' })
})

test('words of the account make a password weaker', async () => {
  const words = ['seventeen@brass.example', 'engines']
  expect((await check(PASSWORD))?.strength).toBe('STRONG')
  expect((await check(PASSWORD, words))?.problems).toEqual([
    'Do not base the password on your name, username, or email address.',
  ])
})

describe('input that no account can have', () => {
  test.each([
    ['no password', { password: '' }, 'input.password'],
    ['a password longer than any', { password: 'x'.repeat(5000) }, 'input.password'],
    ['too many words', { password: PASSWORD, words: Array(21).fill('ada') }, 'input.words'],
    ['a word that is too long', { password: PASSWORD, words: ['x'.repeat(321)] }, 'input.words.0'],
  ])('%s is refused at its field', async (_, input, field) => {
    const reply = await service.send(CHECK, { i: input })
    expect(codes(reply)).toEqual(['BAD_USER_INPUT'])
    expect(Object.keys(reply.errors[0]?.extensions.fields ?? {})).toEqual([field])
  })
})

test('a request checks at most three passwords, and none in an address that proxies log', async () => {
  const fields = [1, 2, 3, 4].map(
    n => `c${n}: checkPassword(input: { password: "${PASSWORD}" }) { strength }`,
  )
  const reply = await service.send(`mutation { ${fields.join(' ')} }`)
  expect(codes(reply)).toEqual(['QUERY_TOO_COMPLEX'])
  const query = `mutation { checkPassword(input: { password: "${PASSWORD}" }) { strength } }`
  const got = await fetch(`${service.url}/graphql?query=${encodeURIComponent(query)}`, {
    headers: { 'apollo-require-preflight': 'yes' },
  })
  expect(got.status).toBe(405)
})

test('checking passwords is neither recorded nor logged, and refuses no one', async () => {
  const before = await service.app.db.auditEvent.count()
  await Promise.all(Array.from({ length: 40 }, () => check('P@ssw0rd2026!!')))
  expect(await service.app.db.auditEvent.count()).toBe(before)
  expect(service.logged.join('')).not.toContain('P@ssw0rd')
})
