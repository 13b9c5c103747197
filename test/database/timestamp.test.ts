import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseTimestamp } from '../../src/database/timestamp.ts'

test.each([
  ['2026-11-21 20:45:51+00', '2026-11-21T20:45:51.000Z'],
  ['2026-11-21 20:45:51.1+00', '2026-11-21T20:45:51.100Z'],
  ['2026-11-21 20:45:51.12+00', '2026-11-21T20:45:51.120Z'],
  ['2026-11-21 20:45:51.123+00', '2026-11-21T20:45:51.123Z'],
  ['2026-11-21 20:45:51.123999+00', '2026-11-21T20:45:51.123Z'],
  ['2024-02-29 00:00:00+00', '2024-02-29T00:00:00.000Z'],
  ['0001-01-01 00:00:00+00', '0001-01-01T00:00:00.000Z'],
  ['2026-11-22 05:45:51.123+09', '2026-11-21T20:45:51.123Z'],
  ['2026-11-21 15:15:51.5-05:30', '2026-11-21T20:45:51.500Z'],
  ['10000-01-01 00:00:00+00', '+010000-01-01T00:00:00.000Z'],
  ['0001-01-01 00:00:00+00 BC', '0000-01-01T00:00:00.000Z'],
])('PostgreSQL’s %s is the time %s', (text, time) => {
  expect(new Date(Number(parseTimestamp(text))).toISOString()).toBe(time)
})

test('a timestamp may be infinite', () => {
  expect(parseTimestamp('infinity')).toBe(Number.POSITIVE_INFINITY)
  expect(parseTimestamp('-infinity')).toBe(Number.NEGATIVE_INFINITY)
})

test('a timestamp is read as it was written', () => {
  const time = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  fc.assert(
    fc.property(time, written => {
      const text = written.toISOString().replace('T', ' ').replace('Z', '+00')
      expect(parseTimestamp(text)).toEqual(written)
    }),
  )
})
