import { expect } from '@jest/globals'
import fc from 'fast-check'

/** Unusual text: control characters, NUL, lone surrogates, bidi marks, very long, almost valid. */
export const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
    .map(units => String.fromCharCode(...units)),
  fc.constantFrom(
    '',
    ' ',
    '\0',
    'ada\0@example.com',
    'ada@example.com\0',
    'a\u0000b',
    '\ud800',
    '\udc00\ud800',
    '\u202e\u200b\ufeff',
    'ada\r\nBcc: eve@example.com',
    "'; DROP TABLE users; --",
    '{{7*7}}',
    '__proto__',
    'constructor',
    '%00%0a',
    '00000000-0000-0000-0000-000000000000',
    '00000000-0000-7000-8000-000000000000.0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '9'.repeat(400),
    'x'.repeat(20_000),
    '\u0301'.repeat(5000),
    '😀'.repeat(3000),
    'ﷺ'.repeat(1000),
  ),
  fc.uuid(),
  fc.emailAddress(),
)

/** Checks what must be true of every response. */
export async function expectHandled(response: Response): Promise<unknown> {
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  const text = await response.text()
  expect(response.status).toBeLessThan(500)
  expect(text).not.toMatch(/"code":"(INTERNAL_SERVER_ERROR|SERVICE_UNAVAILABLE)"/)
  // No internals: no stack, no SQL, no path.
  expect(text).not.toMatch(/node_modules|\.ts:\d+|prisma|PostgreSQL|invalid input syntax/i)
  return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : undefined
}
