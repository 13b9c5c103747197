import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { App } from '../../src/app.ts'
import {
  isAuthentic,
  parseRefreshToken,
  type RefreshToken,
  refreshTokenOf,
  saltOf,
} from '../../src/sessions/refresh-token.ts'

// The only parts of the app that the code uses.
const appWith = (refreshToken: Buffer) => ({ keys: { refreshToken } }) as App
const app = appWith(Buffer.alloc(32, 1))
const session = { id: randomUUID(), salt: new Uint8Array(randomBytes(16)) }

function parsed(text: string): RefreshToken {
  const token = parseRefreshToken(text)
  if (!token) throw new Error(`does not parse: ${text}`)
  return token
}

test('a token names its session and generation, and is authentic', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.nat(999_999_999), fc.uint8Array(), (id, generation, salt) => {
      const token = parsed(refreshTokenOf(app, { id, salt }, generation))
      expect(token).toMatchObject({ sessionId: id, generation })
      expect(isAuthentic(app, { id, salt }, token)).toBe(true)
    }),
  )
})

test('a generation always has the same token, and the next one has a different secret', () => {
  const [first, again, next] = [0, 0, 1].map(generation => refreshTokenOf(app, session, generation))
  expect(again).toBe(first)
  expect(parsed(next ?? '').secret).not.toBe(parsed(first ?? '').secret)
})

test('the salt of a session depends on its ID and on the key', () => {
  const salts = [app, app, appWith(Buffer.alloc(32, 2))].map(anApp => saltOf(anApp, session.id))
  expect(salts[0]).toHaveLength(16)
  expect(salts[1]).toEqual(salts[0])
  expect(salts[2]).not.toEqual(salts[0])
  expect(saltOf(app, randomUUID())).not.toEqual(salts[0])
})

describe('a token is not authentic', () => {
  const token = parsed(refreshTokenOf(app, session, 7))
  test.each([
    ['under another key', appWith(Buffer.alloc(32, 2)), session, token],
    ['for another session', app, { ...session, id: randomUUID() }, token],
    ['with another salt', app, { ...session, salt: new Uint8Array(16) }, token],
    ['as another generation', app, session, { ...token, generation: 8 }],
    // The digits of the generation must not blend into the adjacent parts.
    ['with a digit moved', app, { ...session, id: `${session.id}.7` }, token],
    ['with another secret', app, session, { ...token, secret: 'A'.repeat(43) }],
  ])('a token is not authentic: %s', (_case, anApp, aSession, aToken) => {
    expect(isAuthentic(anApp, aSession, aToken)).toBe(false)
  })

  test('a token with any single bit changed is not authentic', () => {
    const secret = Buffer.from(token.secret, 'base64url')
    for (let bit = 0; bit < 256; bit++) {
      const changed = Buffer.from(secret)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(isAuthentic(app, session, { ...token, secret: changed.toString('base64url') })).toBe(false)
    }
  })
})

describe('malformed tokens do not parse', () => {
  const good = refreshTokenOf(app, session, 12)
  const [id, generation, secret = ''] = good.split('.')
  test.each([
    '',
    '..',
    `${id}.${generation}`,
    `${good}.`,
    `${good}\n`,
    ` ${good}`,
    `${good}A`,
    good.slice(0, -1),
    `${id?.toUpperCase()}.${generation}.${secret}`,
    `${id?.replaceAll('-', '')}.${generation}.${secret}`,
    `__proto__.${generation}.${secret}`,
    ...['', '-1', '01', '1.5', '1e3', '0x1', '١', '9'.repeat(10), 'NaN'].map(
      other => `${id}.${other}.${secret}`,
    ),
    ...['+', '/', '=', ' ', 'é'].map(other => `${id}.${generation}.${other}${secret.slice(1)}`),
  ])('the malformed token %j does not parse', text => {
    expect(parseRefreshToken(good)).toBeDefined()
    expect(parseRefreshToken(text)).toBeUndefined()
  })

  test('parsing arbitrary text never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => expect(parseRefreshToken(text)).toBeUndefined()),
    )
  })
})
