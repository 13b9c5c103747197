import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { z } from 'zod'
import { displayNameField, emailField, localeField, usernameField } from '../../src/accounts/fields.ts'
import { auditActions } from '../../src/audit/actions.ts'
import { AuthError, NetworkError } from '../../src/client/errors.ts'
import { errorTable } from '../../src/errors.ts'
import { passwordField } from '../../src/passwords/new-password.ts'
import { passwordProblems } from '../../src/passwords/policy.ts'
import { en } from '../../src/web/locales/en.ts'
import { ko } from '../../src/web/locales/ko.ts'
import { fieldProblems, problemText, serverText } from '../../src/web/problems.ts'

const SRC = path.resolve(import.meta.dirname, '../../src')
const seconds = (count: number) => `${count} seconds`

describe.each([en, ko])('$name', text => {
  test('has a name for everything that the audit log knows', () => {
    expect(Object.keys(text.actions).sort()).toEqual(Object.keys(auditActions).sort())
  })

  test('says of every error what happened', () => {
    expect(Object.keys(text.errors).sort()).toEqual(Object.keys(errorTable).sort())
  })

  test('says how long to wait, by which number the log knows a fault, and that nobody answered', () => {
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
      'This is your address already.',
    ])
    expect(said.size).toBeGreaterThan(12)
    expect([...said].filter(message => serverText(ko, message) === undefined)).toEqual([])
  })

  test('of conflicts and of what is forbidden', () => {
    const source = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.ts') && !/^(?:web|client|cli)\//.test(name))
      .map(name => readFileSync(path.join(SRC, name), 'utf8'))
      .join('\n')
    const said = [...source.matchAll(/AuthError\('(?:CONFLICT|FORBIDDEN)', \{\s*message:\s*'([^']+)'/g)].map(
      ([, message]) => message ?? '',
    )
    expect(said.length).toBeGreaterThan(4)
    expect(said.filter(message => serverText(ko, message) === undefined)).toEqual([])
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

function issues(schema: z.ZodType, value: unknown): string[] {
  return schema.safeParse(value).error?.issues.map(issue => issue.message) ?? []
}
