import { randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { exportUsers } from '../../../src/admin/import/export-users.ts'
import { type ImportOptions, importUsers, type SourceRecord } from '../../../src/admin/import/import-users.ts'
import { newAddress, signIn, signUp } from '../../support/actors.ts'
import { actionsOf, auditOf } from '../../support/audit.ts'
import { CHEAP_HASH } from '../../support/foreign-hashes.ts'
import { whileHolding } from '../../support/race.ts'
import { startService, useService } from '../../support/service.ts'

const service = useService()

const users = () => service.app.db.user
const byEmail = (emailCanonical: string) => users().findUniqueOrThrow({ where: { emailCanonical } })

/** Yields records with line numbers, like a file, in chunks. */
async function* chunks(records: object[], size = 400): AsyncGenerator<SourceRecord[]> {
  const numbered = records.map((fields, index) => ({
    line: index + 1,
    fields: fields as Record<string, unknown>,
  }))
  for (let start = 0; start < numbered.length; start += size) yield numbered.slice(start, start + size)
}

const importing = (records: object[], options?: ImportOptions) =>
  importUsers(service.app, chunks(records), options)

/** A role of the embedding program. Its permissions may be undeclared on the command line. */
async function newRole(...permissions: string[]): Promise<string> {
  const name = `role-${randomUUID()}`
  await service.app.db.role.create({ data: { name, permissions } })
  return name
}

const whole = {
  username: 'Grace_H',
  displayName: ' Grace Hopper ',
  locale: 'en_US',
  passwordHash: CHEAP_HASH,
  emailVerified: '2020-02-03 04:05:06',
  roles: ['user', 'support'],
  disabled: false,
  createdAt: '2019-12-31T23:00:00.123456+01:00',
  lastLoginAt: 1_700_000_000,
  passwordChangedAt: '2021-01-01',
  publicMetadata: { theme: 'dark' },
  privateMetadata: '{"legacyId": 42}',
}

describe('importing an account', () => {
  test('an account is imported with all its fields, is recorded and can sign in', async () => {
    const email = `Grace.${randomUUID()}@EXAMPLE.com`
    const report = await importing([{ ...whole, email }], { allowAdmin: true })
    expect(report).toMatchObject({ read: 1, taken: 1, alreadyThere: 0, skipped: 0, weakHashes: 1 })
    const user = await byEmail(email.toLowerCase())
    expect(user).toMatchObject({
      email,
      username: 'grace_h',
      displayName: 'Grace Hopper',
      locale: 'en-US',
      passwordHash: CHEAP_HASH,
      emailVerifiedAt: new Date('2020-02-03T04:05:06Z'),
      disabledAt: null,
      createdAt: new Date('2019-12-31T22:00:00.123Z'),
      lastLoginAt: new Date('2023-11-14T22:13:20Z'),
      passwordChangedAt: new Date('2021-01-01T00:00:00Z'),
      publicMetadata: { theme: 'dark' },
      privateMetadata: { legacyId: 42 },
    })
    expect(await auditOf(service, user.id)).toMatchObject([
      { action: 'user.imported', actorId: null, ipAddress: null, detail: { roles: ['user', 'support'] } },
    ])
    const { id } = await signIn(service, 'grace_h')
    expect(id).toBe(user.id)
    const roles = await service.app.db.userRole.findMany({
      where: { userId: id },
      orderBy: { roleName: 'asc' },
    })
    expect(roles.map(({ roleName }) => roleName)).toEqual(['support', 'user'])
  })

  test('an account with only an address has the default language and role, and no password', async () => {
    const email = newAddress()
    const blank = { username: '', displayName: null, passwordHash: '\\N', roles: '', emailVerified: '' }
    const report = await importing([{ email, ...blank }])
    expect(report).toMatchObject({ taken: 1, withoutPassword: 1, weakHashes: 0 })
    const user = await users().findUniqueOrThrow({
      where: { emailCanonical: email },
      include: { roles: true },
    })
    expect(user).toMatchObject({
      locale: 'en',
      username: null,
      displayName: null,
      passwordHash: null,
      emailVerifiedAt: null,
      disabledAt: null,
      roles: [{ roleName: 'user' }],
    })
  })

  test.each([
    [
      'a UUID becomes the ID of the account',
      '0192A3B4-0000-4000-8000-00000000ABCD',
      '0192a3b4-0000-4000-8000-00000000abcd',
    ],
    ['a numeric ID of the other system is replaced', 42, expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)],
  ])('%s', async (_, id, expected) => {
    const email = newAddress()
    await importing([{ id, email }])
    expect((await byEmail(email)).id).toEqual(expected)
  })

  test.each([
    [{ active: 0 }, true],
    [{ active: 'True' }, false],
    [{ disabled: 't' }, true],
    [{ disabledAt: '2024-01-01' }, true],
    [{ disabled: '' }, false],
  ])('a record with %j has a disabled state of %s', async (fields, disabled) => {
    const email = newAddress()
    await importing([{ email, ...fields }])
    expect((await byEmail(email)).disabledAt !== null).toBe(disabled)
  })

  test('the reason why an account is disabled and its open invitation are imported as they were exported', async () => {
    const [disabled, enabled] = [newAddress(), newAddress()]
    const invitedAt = '2026-01-05T00:00:00.000Z'
    const record = { disabledReason: 'Left the company', invitedAt }
    await importing([
      { email: disabled, disabled: true, ...record },
      { email: enabled, disabled: false, ...record },
    ])
    expect(await byEmail(disabled)).toMatchObject({ ...record, invitedAt: new Date(invitedAt) })
    expect(await byEmail(enabled)).toMatchObject({ disabledReason: null, invitedAt: new Date(invitedAt) })
  })

  test.each([
    '2024-05-31T12:00:00Z',
    '2024-05-31 12:00:00',
    '2024-05-31 14:00:00.000+02',
    '2024-05-31T06:30:00-0530',
    '2024-05-31 12:00 UTC',
    1_717_156_800,
    1_717_156_800_000,
    '1717156800',
  ])('the time format %j is supported', async createdAt => {
    const email = newAddress()
    await importing([{ email, createdAt }])
    expect((await byEmail(email)).createdAt).toEqual(new Date('2024-05-31T12:00:00Z'))
  })

  test.each(['user,support', 'user; support', '{user,support}'])(
    'the list of roles %j is supported',
    async roles => {
      const email = newAddress()
      await importing([{ email, roles }], { allowAdmin: true })
      const user = { emailCanonical: email }
      expect(await service.app.db.userRole.count({ where: { user } })).toBe(2)
    },
  )

  test.each(['!unusable', '*', null])(
    'the hash %j means that the account has no password',
    async passwordHash => {
      const email = newAddress()
      expect(await importing([{ email, passwordHash }])).toMatchObject({ taken: 1, withoutPassword: 1 })
      expect((await byEmail(email)).passwordHash).toBeNull()
    },
  )

  test.each([
    ['Ada\tLovelace', 'Ada Lovelace'],
    [' Ada\r\nLovelace\u2028', 'Ada Lovelace'],
    ['Ada\u0000\u0007 Love\u202Elace', 'Ada Lovelace'],
    ['\t\u0000', null],
    ['نامه\u200Cای', 'نامه\u200Cای'],
  ])('the name %j is imported as %j', async (displayName, shown) => {
    const email = newAddress()
    expect(await importing([{ email, displayName }])).toMatchObject({ taken: 1, skipped: 0 })
    expect((await byEmail(email)).displayName).toBe(shown)
  })

  test('fields can have the names of the other system', async () => {
    const email = newAddress()
    const record = { mail: email, pw: CHEAP_HASH, email: 'not this one', nickname: 'x' }
    const report = await importing([record], { names: { email: 'mail', passwordHash: 'pw' } })
    expect(report).toMatchObject({ taken: 1, withoutPassword: 0, ignored: ['email', 'nickname'] })
    expect((await byEmail(email)).passwordHash).toBe(CHEAP_HASH)
  })
})

describe('skipping invalid records', () => {
  const bad: [string, object, RegExp][] = [
    ['a missing address', { email: '' }, /^email: The record has no email address\.$/],
    ['an incomplete address', { email: 'ada@' }, /^email: Enter a complete email address/],
    ['an address that is a number', { email: 7 }, /^email: /],
    ['an invalid username', { username: 'ad' }, /^username: Use 3 to 32/],
    ['a display name that is too long', { displayName: 'a'.repeat(101) }, /^displayName: Use at most 100/],
    ['an invalid language', { locale: 'nonsense language' }, /^locale: Enter a language tag/],
    [
      'a hash of an unknown kind',
      { passwordHash: '5f4dcc3b5aa765d61d8327deb882cf99' },
      /kind that is not known/,
    ],
    ['a hash that is too costly', { passwordHash: CHEAP_HASH.replace('$04$', '$31$') }, /too costly/],
    ['a role that does not exist', { roles: ['captain'] }, /^roles: There is no role named "captain"/],
    ['an administrator', { roles: 'user admin' }, /"admin" grants permissions.*--allow-admin/],
    ['a role with permissions', { roles: 'user support' }, /"support" grants permissions.*--allow-admin/],
    ['an invalid time', { createdAt: 'yesterday' }, /^createdAt: Enter a time/],
    ['an invalid date', { createdAt: '2024-13-01' }, /^createdAt: Enter a time/],
    ['February 30', { createdAt: '2023-02-30 12:00:00' }, /^createdAt: Enter a time/],
    ['metadata that is not an object', { publicMetadata: '[1]' }, /^publicMetadata: Enter a JSON object/],
    ['metadata that is not JSON', { privateMetadata: '{' }, /^privateMetadata: Enter a JSON object/],
    ['an invalid flag', { active: 'perhaps' }, /^active: Enter true or false/],
    ['Latin-1 read as UTF-8', { displayName: 'J\uFFFDrg' }, /UTF-8/],
  ]

  test.each(bad)('a record with %s is skipped, and the others are imported', async (_, fields, reason) => {
    const [before, after] = [newAddress(), newAddress()]
    const email = newAddress()
    const skipped: object[] = []
    const report = await importing([{ email: before }, { email, ...fields }, { email: after }], {
      onSkip: skip => skipped.push(skip),
    })
    expect(report).toMatchObject({ read: 3, taken: 2, skipped: 1 })
    expect(report.reasons).toEqual([{ reason: expect.stringMatching(reason), count: 1, lines: [2] }])
    expect(skipped).toMatchObject([{ line: 2, reason: expect.stringMatching(reason) }])
    expect(JSON.stringify([report, skipped])).not.toContain('5f4dcc3b')
    expect(await users().count({ where: { emailCanonical: { in: [before, email, after] } } })).toBe(2)
  })

  test('a record whose username another account has is skipped', async () => {
    const { email } = await signUp(service, { username: 'taken_name' })
    const report = await importing([{ email: newAddress(), username: 'TAKEN_name' }, { email: newAddress() }])
    expect(report).toMatchObject({
      taken: 1,
      skipped: 1,
      reasons: [{ reason: 'username: Another account has this username.' }],
    })
    expect((await byEmail(email)).username).toBe('taken_name')
  })

  test('a repeated ID is skipped, and a repeated record is imported once', async () => {
    const [id, twice] = [randomUUID(), randomUUID()]
    const [one, two, same] = [newAddress(), newAddress(), newAddress()]
    const report = await importing([
      { id, email: one, roles: 'user' },
      { id, email: two, roles: await newRole() },
      { id: twice, email: same },
      { id: twice, email: same },
      { email: newAddress() },
    ])
    expect(report).toMatchObject({
      read: 5,
      taken: 3,
      alreadyThere: 1,
      reasons: [{ reason: 'id: Another account has this ID.', lines: [2] }],
    })
    const { roles } = await users().findUniqueOrThrow({ where: { id }, include: { roles: true } })
    expect(roles).toMatchObject([{ roleName: 'user' }])
  })

  test('a record whose ID another account has is skipped', async () => {
    const { id } = await signUp(service)
    const report = await importing([{ id, email: newAddress() }])
    expect(report).toMatchObject({ taken: 0, reasons: [{ reason: 'id: Another account has this ID.' }] })
  })

  test('another spelling of the address of an account is skipped, because it may belong to another person', async () => {
    const email = newAddress()
    const report = await importing([{ email }, { email: email.toUpperCase() }])
    expect(report).toMatchObject({
      taken: 1,
      alreadyThere: 0,
      reasons: [{ reason: 'email: Another spelling of this address has an account.', lines: [2] }],
    })
  })
})

test('an account whose role grants an undeclared permission is imported only with allowAdmin', async () => {
  const [email, roles] = [newAddress(), await newRole('notes:write')]
  expect(await importing([{ email, roles }])).toMatchObject({ taken: 0, skipped: 1 })
  expect(await importing([{ email, roles }], { allowAdmin: true })).toMatchObject({ taken: 1 })
  const { id } = await byEmail(email)
  expect(await auditOf(service, id)).toMatchObject([{ action: 'user.imported', detail: { roles: [roles] } }])
})

test('an account whose role has no permissions is imported without allowAdmin', async () => {
  const roles = await newRole()
  expect(await importing([{ email: newAddress(), roles }])).toMatchObject({ taken: 1, skipped: 0 })
})

test('an administrator is imported with allowAdmin', async () => {
  const email = newAddress()
  expect(await importing([{ email, roles: ['admin'] }], { allowAdmin: true })).toMatchObject({ taken: 1 })
  const user = await users().findUniqueOrThrow({ where: { emailCanonical: email }, include: { roles: true } })
  expect(user.roles).toMatchObject([{ roleName: 'admin' }])
})

describe('repeating an import', () => {
  test('importing a file again creates no account twice and reverts no changes', async () => {
    const records = Array.from({ length: 1201 }, () => ({ email: newAddress(), passwordHash: CHEAP_HASH }))
    expect(await importing(records)).toMatchObject({ taken: 1201, alreadyThere: 0 })
    const email = records[0]!.email
    const { id } = await signIn(service, email)
    const renewed = await users().update({ where: { id }, data: { displayName: 'Ada' } })
    const count = await users().count()

    expect(await importing(records)).toMatchObject({ read: 1201, taken: 0, alreadyThere: 1201, skipped: 0 })
    expect(await users().count()).toBe(count)
    expect(await byEmail(email)).toEqual(renewed)
    expect(await actionsOf(service, id)).toEqual(['user.imported', 'session.started'])
  })

  test('importing a file again after an interruption imports the remaining accounts', async () => {
    const records = Array.from({ length: 1500 }, () => ({ email: newAddress() }))
    const stop = new AbortController()
    async function* source() {
      for await (const chunk of chunks(records)) {
        if (chunk[0]!.line > 800) stop.abort()
        yield chunk
      }
    }
    const first = await importUsers(service.app, source(), { signal: stop.signal })
    expect(first).toMatchObject({ interrupted: true, read: 800, taken: 800 })
    expect(await importing(records)).toMatchObject({ interrupted: false, taken: 700, alreadyThere: 800 })
  })

  test('accounts imported before the source fails remain', async () => {
    const records = Array.from({ length: 900 }, () => ({ email: newAddress() }))
    async function* source() {
      yield* chunks(records)
      throw new Error('the disk is gone')
    }
    await expect(importUsers(service.app, source())).rejects.toThrow('the disk is gone')
    const there = await importing(records)
    expect(there.taken + there.alreadyThere).toBe(900)
    expect(there.alreadyThere).toBeGreaterThanOrEqual(500)
  })

  test('two simultaneous imports of one file import each account once', async () => {
    const records = Array.from({ length: 2000 }, () => ({ email: newAddress() }))
    const [one, two] = await Promise.all([importing(records), importing(records.toReversed())])
    expect(one.taken + two.taken).toBe(2000)
    expect(one.alreadyThere + two.alreadyThere).toBe(2000)
    const events = await service.app.db.auditEvent.groupBy({
      by: ['subjectId'],
      where: { action: 'user.imported' },
      _count: true,
      having: { subjectId: { _count: { gt: 1 } } },
    })
    expect(events).toEqual([])
  })

  test('an account that registers while its batch waits counts as existing', async () => {
    const email = newAddress()
    const id = randomUUID()
    const insert = `INSERT INTO users (id, email, email_canonical, created_at, updated_at)
      VALUES ('${id}', '${email}', '${email}', now(), now())`
    const report = await whileHolding(service.app.config.database.url!, insert, async waiting => {
      const running = importing([{ email, displayName: 'imported' }, { email: newAddress() }])
      await waiting(1)
      return { running }
    }).then(({ running }) => running)
    expect(report).toMatchObject({ taken: 1, alreadyThere: 1 })
    expect(await byEmail(email)).toMatchObject({ id, displayName: null })
  })
})

test('a dry run reports what an import would do and changes nothing', async () => {
  const known = newAddress()
  await importing([{ email: known }])
  const counts = async () => [await users().count(), await service.app.db.auditEvent.count()]
  const before = await counts()
  const records = [
    { email: known },
    { email: newAddress() },
    { email: 'ada@' },
    { email: known.toUpperCase() },
  ]
  expect(await importing(records, { dryRun: true })).toMatchObject({
    dryRun: true,
    read: 4,
    taken: 1,
    alreadyThere: 1,
    skipped: 2,
  })
  expect(await counts()).toEqual(before)
})

test('exporting and importing accounts preserves them, and an export contains hashes only on request', async () => {
  const email = newAddress()
  await importing(
    [
      {
        ...whole,
        email,
        username: 'round_trip',
        publicMetadata: { theme: 'dark' },
        privateMetadata: '{"plan":[1,null]}',
      },
      { email: newAddress(), roles: [], active: false },
    ],
    { allowAdmin: true },
  )
  const there = await startService()
  try {
    const exported: object[] = []
    for await (const batch of exportUsers(service.app, { withPasswordHashes: true })) exported.push(...batch)
    const count = await users().count()
    expect(exported).toHaveLength(count)
    const records = JSON.parse(JSON.stringify(exported)) as object[]
    await there.app.db.role.createMany({ data: await service.app.db.role.findMany(), skipDuplicates: true })
    const report = await importUsers(there.app, chunks(records), { allowAdmin: true })
    expect(report).toMatchObject({ taken: count, skipped: 0, ignored: [] })
    const all = async ({ app }: typeof there) =>
      (
        await app.db.user.findMany({
          include: { roles: { orderBy: { roleName: 'asc' } } },
          orderBy: { id: 'asc' },
        })
      ).map(({ updatedAt, ...user }) => user)
    expect(await all(there)).toEqual(await all(service))
    await signIn(there, 'round_trip')
  } finally {
    await there.close()
  }

  for await (const batch of exportUsers(service.app, { withPasswordHashes: false })) {
    expect(batch.some(user => 'passwordHash' in user)).toBe(false)
    expect(JSON.stringify(batch)).not.toMatch(/\$2b\$|argon2/)
  }
  const events = await service.app.db.auditEvent.findMany({
    where: { action: 'users.exported' },
    orderBy: { id: 'asc' },
  })
  expect(events.map(event => event.detail)).toEqual([
    { withPasswordHashes: true },
    { withPasswordHashes: false },
  ])
})
