import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import Bowser from 'bowser'
import type { z } from 'zod'
import {
  displayNameField,
  emailField,
  localeField,
  metadataField,
  usernameField,
} from '../../src/accounts/fields.ts'
import { auditActions } from '../../src/audit/actions.ts'
import { AuthError, NetworkError } from '../../src/client/errors.ts'
import { passwordField } from '../../src/credentials/password/new-password.ts'
import { passwordProblems } from '../../src/credentials/password/policy.ts'
import { errorTable } from '../../src/errors.ts'
import mailsInEnglish from '../../src/mail/locales/en.ts'
import { permissions } from '../../src/permissions/permissions.ts'
import { en } from '../../src/web/locales/en.ts'
import { ko } from '../../src/web/locales/ko.ts'
import { fieldProblems, problemText, serverText } from '../../src/web/problems.ts'

const SRC = path.resolve(import.meta.dirname, '../../src')
const seconds = (count: number) => `${count} seconds`

describe.each([en, ko])('$name', text => {
  test('has a name for everything that the audit log knows', () => {
    expect(Object.keys(text.actions).sort()).toEqual(Object.keys(auditActions).sort())
  })

  test('has words for every permission, built-in role and mail', () => {
    expect(Object.keys(text.roles.may).sort()).toEqual(Object.keys(permissions).sort())
    const seeded = readFileSync(
      path.join(SRC, '../prisma/migrations/20261121000000_start/migration.sql'),
      'utf8',
    )
    const builtIn = [...seeded.matchAll(/^ {2}\('([a-z]+)', '.+', true\)[,;]$/gm)].map(([, name]) => name)
    expect(builtIn).toHaveLength(3)
    expect(Object.keys(text.roles.builtIn).sort()).toEqual(builtIn.sort())
    expect(Object.keys(text.mails.templates).sort()).toEqual(Object.keys(mailsInEnglish.templates).sort())
  })

  test('says of every error what happened', () => {
    expect(Object.keys(text.errors).sort()).toEqual(Object.keys(errorTable).sort())
  })

  test('has words for everything that events of the audit log say', () => {
    const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
      file => file.endsWith('.ts') && !/^(?:web|client|generated)\//.test(file),
    )
    const sources = files.map(file => readFileSync(path.join(SRC, file), 'utf8')).join('\n')
    const reasons = [...sources.matchAll(/because: (.+)/g)].flatMap(([, said = '']) =>
      [...said.matchAll(/'([^']+)'/g)].map(([, reason]) => reason).filter(reason => reason?.includes(' ')),
    )
    expect(reasons.length).toBeGreaterThan(10)
    expect(reasons.filter(reason => !(String(reason) in text.changes.because))).toEqual([])
    const details = [...sources.matchAll(/\bdetail(?: =|:) \{ ([^{}]+)/g)].flatMap(([, names = '']) =>
      [...names.matchAll(/(?:^|, )(\w+)(?=[,: ]|$)/g)].map(([, name]) => String(name)),
    )
    expect(details).toEqual(expect.arrayContaining(['methods', 'because', 'removed', 'until']))
    expect(details.filter(name => !['after', ...Object.keys(text.changes.fields)].includes(name))).toEqual([])
  })

  test('says which code of the authenticator app to use next, whatever else a page says of wrong codes', () => {
    const message = 'This code was already used. Wait for the next one.'
    const error = new AuthError({ message, extensions: { code: 'CODE_INVALID' } })
    const words = { CODE_INVALID: text.factors.wrongAppCode }
    const said = problemText(text, seconds, error, words)
    expect(said).toBe(serverText(text, message))
    expect(said).not.toBe(text.factors.wrongAppCode)
  })

  test('says how long to wait, which request ID the log has, and that the server is not responding', () => {
    const said = (code: string, extensions: object = {}) =>
      problemText(text, seconds, new AuthError({ message: 'x', extensions: { code, ...extensions } }))
    expect(said('RATE_LIMITED', { retryAfter: 30 })).toContain('30 seconds')
    expect(said('INTERNAL_SERVER_ERROR', { requestId: '4711' })).toContain('4711')
    expect(said('A_CODE_OF_LATER')).toBe(text.errors.INTERNAL_SERVER_ERROR)
    expect(problemText(text, seconds, new NetworkError('x'))).toBe(text.failures.network)
  })
})

describe('Korean has words for what the server says', () => {
  test('of the fields of forms', async () => {
    const rules = { minLength: 8, maxLength: 128, words: ['lovelace@example.com'] }
    const passwords = [
      'short',
      'x'.repeat(200),
      'eight\ttabs and more',
      'password1',
      'lovelace lovelace',
      'zxzxzxzxzx',
    ]
    const said = new Set([
      ...(await Promise.all(passwords.map(password => passwordProblems(password, rules)))).flat(),
      ...issues(emailField, 'ada'),
      ...issues(usernameField, 'a b'),
      ...issues(displayNameField, 'x'.repeat(101)),
      ...issues(displayNameField, 'a\u0007b'),
      ...issues(localeField, '?'),
      ...issues(passwordField, ''),
      errorTable.EMAIL_TAKEN.message,
      errorTable.USERNAME_TAKEN.message,
      'This is already your email address.',
    ])
    const nested = JSON.parse('['.repeat(9) + ']'.repeat(9)) as unknown
    for (const value of [
      [],
      { a: nested },
      { a: 'x'.repeat(9000) },
      { a: '\0' },
      JSON.parse('{"__proto__":1}'),
    ])
      for (const message of issues(metadataField, value)) said.add(message)
    expect(said.size).toBeGreaterThan(17)
    expect([...said].filter(message => serverText(ko, message) === undefined)).toEqual([])
  })

  test('of conflicts and of what is forbidden', () => {
    const source = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.ts') && !/^(?:web|client|cli)\//.test(name))
      .map(name => readFileSync(path.join(SRC, name), 'utf8'))
      .join('\n')
    const said = [
      ...source.matchAll(/AuthError\('(?:CONFLICT|FORBIDDEN)', \{\s*message:\s*(['"`])(.+?)\1/gs),
    ].map(
      // A time is the only thing that a template fills in here; the next test has the number of accounts.
      ([, , message = '']) => message.replace(/\$\{from\}/, new Date(0).toISOString()),
    )
    expect(said.length).toBeGreaterThan(4)
    const here = said.filter(message => !message.endsWith(' this role. Remove it from them first.'))
    expect(here.filter(message => serverText(ko, message) === undefined)).toEqual([])
  })

  test('of a role that is in use', () => {
    for (const message of ['1 account has', '2 accounts have'])
      expect(serverText(ko, `${message} this role. Remove it from them first.`)).toContain(message[0])
    expect(
      serverText(ko, 'Use 2 to 32 characters from a-z, 0-9 and -, starting with a letter.'),
    ).toBeDefined()
  })

  test('and keeps its numbers', () => {
    const refusal = new AuthError({
      message: 'x',
      extensions: { code: 'BAD_USER_INPUT', fields: { 'input.newPassword': ['Use at least 8 characters.'] } },
    })
    expect(fieldProblems(ko, refusal)).toEqual({ newPassword: '8자 이상 입력해 주세요.' })
    expect(fieldProblems(en, refusal)).toEqual({ newPassword: 'Use at least 8 characters.' })
  })
})

describe('A device', () => {
  test.each([...Object.values(Bowser.OS_MAP), 'iPhone', 'iPad'])('on %s is called so in Korean', system => {
    expect(ko.sessions.named(`Firefox on ${system}`)).toBe(`${system}의 Firefox`)
    expect(en.sessions.named(`Firefox on ${system}`)).toBe(`Firefox on ${system}`)
  })

  test('that is an app is called so, and one that its owner named stays as it is', () => {
    expect(ko.sessions.named('Android app')).toBe('Android 앱')
    for (const name of ['curl', 'Ada on tour', '부엌의 태블릿']) expect(ko.sessions.named(name)).toBe(name)
  })
})

function issues(schema: z.ZodType, value: unknown): string[] {
  return schema.safeParse(value).error?.issues.map(issue => issue.message) ?? []
}
