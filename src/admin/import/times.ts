import { z } from 'zod'

const DATE_TIME =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?)? ?(?:(Z|UTC)|([+-]\d\d)(?::?(\d\d))?)?$/i

/** Numbers from here on are milliseconds since 1970. In seconds, this would be the year 5138. */
const MILLISECONDS_FROM = 100_000_000_000

const DIGITS = /^\d{9,13}$/

/** Reads the time formats of databases and programs. Times without a zone are UTC; numbers are seconds since 1970. */
export function toInstant(value: unknown): Date | undefined {
  const number = typeof value === 'string' && DIGITS.test(value) ? Number(value) : value
  const date = new Date(typeof number === 'number' ? toMilliseconds(number) : toIso(value))
  const year = date.getUTCFullYear()
  return year >= 1 && year <= 9999 ? date : undefined
}

function toMilliseconds(value: number): number {
  return value >= MILLISECONDS_FROM ? value : value * 1000
}

function toIso(value: unknown): string {
  const parts = typeof value === 'string' ? DATE_TIME.exec(value) : null
  if (!parts) return ''
  const [, date = '', time = '00:00', seconds = ':00', , hours, minutes = '00'] = parts
  if (!isDay(date)) return ''
  return `${date}T${time}${seconds}${hours ? `${hours}:${minutes}` : 'Z'}`
}

/** JavaScript turns February 30 into a day in March. */
function isDay(date: string): boolean {
  const at = new Date(date)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(date)
}

/** A time. */
export const instantField = z.unknown().transform((value, context) => {
  const instant = toInstant(value)
  if (instant) return instant
  context.addIssue('Enter a time such as 2024-05-31T12:00:00Z.')
  return z.NEVER
})
