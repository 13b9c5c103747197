import { expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config.ts'
import { databaseUrlProblem, parseDatabaseUrl } from '../../src/database-url.ts'

const FILE = import.meta.filename
const AUTHORITY = 'postgresql://ada:secret@'

test.each([
  ['db.example.com', [{ host: 'db.example.com', port: undefined }]],
  ['db.example.com:6432', [{ host: 'db.example.com', port: 6432 }]],
  ['one:1,two,three:3', [{ host: 'one', port: 1 }, { host: 'two' }, { host: 'three', port: 3 }]],
  ['[2001:db8::1]:5433,10.0.0.1', [{ host: '2001:db8::1', port: 5433 }, { host: '10.0.0.1' }]],
  ['%2Frun%2Fpostgresql', [{ host: '/run/postgresql' }]],
  ['', [{ host: '' }]],
  [
    '/auth?host=one,two&port=1,2',
    [
      { host: 'one', port: 1 },
      { host: 'two', port: 2 },
    ],
  ],
  [
    '/auth?host=one,two&port=6',
    [
      { host: 'one', port: 6 },
      { host: 'two', port: 6 },
    ],
  ],
  ['ignored:1/auth?host=/run/postgresql', [{ host: '/run/postgresql' }]],
])('the hosts of %s are read as libpq reads them', (rest, hosts) => {
  const url = parseDatabaseUrl(`${AUTHORITY}${rest}`)
  expect(url.hosts).toMatchObject(hosts)
  expect(url).toMatchObject({ user: 'ada', password: 'secret' })
})

test('user, password and database can have any character, and a percent sign of their own', () => {
  const { user, password, dbname } = parseDatabaseUrl('postgres://a%40b:p%2Fw%ZZ:%20@host/my%20db')
  expect({ user, password, dbname }).toEqual({ user: 'a@b', password: 'p/w%ZZ: ', dbname: 'my db' })
})

test.each([
  ['mysql://host/db', 'must be a postgresql:// URL'],
  [
    `${AUTHORITY}host:70000/db`,
    'has an invalid port: in a password, / ? # and @ must be written as %2F %3F %23 and %40',
  ],
  [`${AUTHORITY}one,,two/db`, 'has an empty host in its list'],
  [`${AUTHORITY}one,two/db?port=1,2,3`, 'has 2 hosts and 3 ports'],
  [`${AUTHORITY}host/db?sslmod=verify-full`, 'has the unknown parameter sslmod'],
  [
    `${AUTHORITY}host/db?sslmode=always`,
    'has sslmode=always: must be disable, allow, prefer, require, verify-ca, verify-full',
  ],
  [`${AUTHORITY}host/db?sslmode=verify-ca`, 'has sslmode=verify-ca, which needs sslrootcert'],
  [`${AUTHORITY}host/db?sslrootcert=/none`, 'has sslrootcert=/none, which is not an existing file'],
  [`${AUTHORITY}host/db?sslcert=${FILE}`, 'needs both sslcert and sslkey, or neither'],
  [
    `${AUTHORITY}host/db?target_session_attrs=standby`,
    'has target_session_attrs=standby, but the server needs a database that accepts writes',
  ],
  [
    `${AUTHORITY}host/db?target_session_attrs=primarry`,
    'has target_session_attrs=primarry: must be any, read-write, primary',
  ],
])('%s is refused, and the message says why without the password', (url, problem) => {
  expect(databaseUrlProblem(url)).toBe(problem)
  expect(() => loadConfig({ DATABASE_URL: url })).toThrow(`DATABASE_URL: ${problem}`)
})

test.each(['zq/qz', 'zq?qz', 'zq#qz', 'zq/q@z', '12/qz?qz=1', 'zq qz,qz:qz'])(
  'the message about a URL whose password is %s has no part of it',
  password => {
    expect(databaseUrlProblem(`postgresql://ada:${password}@host/db`) ?? '').not.toMatch(/zq|qz/)
  },
)

test.each([
  ['sslmode=require', 'require'],
  ['ssl=true', 'verify-full'],
  ['ssl=0', 'disable'],
  ['sslmode=no-verify', 'require'],
  ['sslrootcert=system', 'verify-full'],
  ['', undefined],
])('%s means sslmode %s', (query, sslmode) => {
  expect(parseDatabaseUrl(`${AUTHORITY}host/db?${query}`).sslmode).toBe(sslmode)
})

test('parameters for Prisma and other programs are accepted', () => {
  const url = parseDatabaseUrl(
    `${AUTHORITY}host/db?schema=public&connection_limit=5&pgbouncer=true&connect_timeout=10`,
  )
  expect(url.isPooled).toBe(true)
})
