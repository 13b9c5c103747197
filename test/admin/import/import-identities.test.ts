import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { exportUsers } from '../../../src/admin/import/export-users.ts'
import { type ImportOptions, importUsers } from '../../../src/admin/import/import-users.ts'
import { newAddress, signIn, signUp } from '../../support/actors.ts'
import { startService, useService } from '../../support/service.ts'

const TENANT = '11111111-2222-3333-4444-555555555555'
const settings = {
  PROVIDERS: 'google,github,microsoft,corp',
  PROVIDER_GOOGLE_CLIENT_ID: 'google-client',
  PROVIDER_GOOGLE_CLIENT_SECRET: 'google-secret',
  PROVIDER_GITHUB_CLIENT_ID: 'github-client',
  PROVIDER_GITHUB_CLIENT_SECRET: 'github-secret',
  PROVIDER_MICROSOFT_CLIENT_ID: 'microsoft-client',
  PROVIDER_MICROSOFT_CLIENT_SECRET: 'microsoft-secret',
  PROVIDER_CORP_ISSUER: 'https://sso.example.com/realms/corp',
  PROVIDER_CORP_CLIENT_ID: 'corp-client',
}
const service = useService({ settings })

const GOOGLE = 'https://accounts.google.com'
const MICROSOFT = `https://login.microsoftonline.com/${TENANT}/v2.0`

async function importing(records: object[], options: ImportOptions = {}, { app } = service) {
  const numbered = records.map((fields, index) => ({
    line: index + 1,
    fields: fields as Record<string, unknown>,
  }))
  return importUsers(
    app,
    (async function* () {
      yield numbered
    })(),
    options,
  )
}

async function identitiesOf(emailCanonical: string, { app } = service) {
  const { identities } = await app.db.user.findUniqueOrThrow({
    where: { emailCanonical },
    include: { identities: { orderBy: { provider: 'asc' } } },
  })
  return identities
}

/** Imports one account and returns its identities. */
async function imported(fields: object, options?: ImportOptions) {
  const email = newAddress()
  expect(await importing([{ email, ...fields }], options)).toMatchObject({
    taken: 1,
    skipped: 0,
    reasons: [],
  })
  return identitiesOf(email)
}

async function reasonFor(fields: object, options?: ImportOptions): Promise<string | undefined> {
  const email = newAddress()
  const report = await importing([{ email, ...fields }], options)
  expect(report).toMatchObject({ taken: 0, skipped: 1 })
  expect(await service.app.db.user.count({ where: { emailCanonical: email } })).toBe(0)
  return report.reasons[0]?.reason
}

/** An ID token as other systems keep it. */
const idTokenFrom = (iss: string) =>
  ['{"alg":"RS256"}', JSON.stringify({ iss, sub: 'x' }), 'signature']
    .map(part => Buffer.from(part).toString('base64url'))
    .join('.')

describe('an account keeps its identities', () => {
  const subject = randomUUID()

  test.each<[string, object, object]>([
    [
      'as an export of another Authograph has them',
      {
        identities: [
          {
            provider: 'google',
            issuer: GOOGLE,
            subject: `${subject}-own`,
            email: 'ada@gmail.com',
            displayName: 'Ada',
            createdAt: '2024-05-31T12:00:00Z',
            lastUsedAt: '2025-05-31T12:00:00Z',
          },
        ],
      },
      {
        provider: 'google',
        issuer: GOOGLE,
        subject: `${subject}-own`,
        email: 'ada@gmail.com',
        displayName: 'Ada',
        createdAt: new Date('2024-05-31T12:00:00Z'),
        lastUsedAt: new Date('2025-05-31T12:00:00Z'),
      },
    ],
    [
      'from Auth.js',
      {
        accounts: [
          {
            type: 'oidc',
            provider: 'google',
            providerAccountId: `${subject}-authjs`,
            access_token: 'secret',
          },
        ],
      },
      { provider: 'google', issuer: GOOGLE, subject: `${subject}-authjs` },
    ],
    [
      'from better-auth, without the row of the password',
      {
        accounts: [
          { providerId: 'credential', accountId: randomUUID(), password: 'secret' },
          { providerId: 'github', accountId: `${subject}-better`, scope: 'user:email', idToken: null },
        ],
      },
      { provider: 'github', issuer: 'https://github.com', subject: `${subject}-better` },
    ],
    [
      'from better-auth with names in snake case',
      { accounts: [{ provider_id: 'google', account_id: `${subject}-snake` }] },
      { provider: 'google', issuer: GOOGLE, subject: `${subject}-snake` },
    ],
    [
      'from Supabase, without the rows of the address and the telephone',
      {
        identities: [
          { provider: 'email', provider_id: randomUUID(), identity_data: { email: 'ada@example.com' } },
          { provider: 'phone', provider_id: randomUUID(), identity_data: {} },
          {
            id: randomUUID(),
            provider: 'github',
            provider_id: `${subject}-supabase`,
            identity_data: { sub: `${subject}-supabase`, iss: 'https://api.github.com', full_name: 'Ada' },
            last_sign_in_at: '2025-01-02 03:04:05+00',
            created_at: '2024-01-02 03:04:05+00',
          },
        ],
      },
      {
        provider: 'github',
        issuer: 'https://github.com',
        subject: `${subject}-supabase`,
        displayName: 'Ada',
        createdAt: new Date('2024-01-02T03:04:05Z'),
        lastUsedAt: new Date('2025-01-02T03:04:05Z'),
      },
    ],
    [
      'from Firebase, without the row of the password',
      {
        providerUserInfo: [
          { providerId: 'password', rawId: 'ada@example.com', email: 'ada@example.com' },
          {
            providerId: 'google.com',
            rawId: `${subject}-firebase`,
            displayName: 'Ada',
            email: 'ada@gmail.com',
          },
        ],
      },
      { provider: 'google', issuer: GOOGLE, subject: `${subject}-firebase`, email: 'ada@gmail.com' },
    ],
    [
      'as JSON in a CSV file',
      { identities: JSON.stringify([{ provider: 'google', subject: `${subject}-csv` }]) },
      { provider: 'google', subject: `${subject}-csv` },
    ],
    [
      'with a number as subject, which is stored as text',
      { identities: [{ provider: 'github', subject: 583231 }] },
      { provider: 'github', subject: '583231' },
    ],
  ])('%s', async (_, fields, expected) => {
    expect(await imported(fields)).toMatchObject([{ ...expected, sealedTokens: null, tokenVersion: 0 }])
  })

  test('under the names that the operator gives', async () => {
    const options = {
      providers: new Map([
        ['keycloak', 'corp'],
        ['linkedin', null],
      ] as const),
    }
    const identities = [
      { provider: 'keycloak', subject: `${subject}-renamed` },
      { provider: 'linkedin', subject: 'x' },
    ]
    expect(await imported({ identities }, options)).toMatchObject([
      { provider: 'corp', issuer: settings.PROVIDER_CORP_ISSUER, subject: `${subject}-renamed` },
    ])
  })

  test('of Microsoft under the tenant that the file or its ID token names', async () => {
    const rows = [
      { provider: 'microsoft', issuer: MICROSOFT, subject: `${subject}-1` },
      { provider: 'azure-ad', providerAccountId: `${subject}-2`, id_token: idTokenFrom(MICROSOFT) },
      { provider: 'azure', provider_id: `${subject}-3`, identity_data: { iss: MICROSOFT } },
    ]
    const stored = await imported({ identities: rows })
    expect(stored.map(({ issuer }) => issuer)).toEqual([MICROSOFT, MICROSOFT, MICROSOFT])
  })
})

describe('an identity is left out, and counted, if', () => {
  test('another account has it', async () => {
    const identity = { provider: 'google', subject: randomUUID() }
    const [one, two] = [newAddress(), newAddress()]
    const other = { provider: 'github', subject: randomUUID() }
    expect(
      await importing([
        { email: one, identities: [identity] },
        { email: two, identities: [identity, other] },
      ]),
    ).toMatchObject({ taken: 2, identities: 2, identitiesInUse: 1 })
    expect(await identitiesOf(one)).toMatchObject([identity])
    expect(await identitiesOf(two)).toMatchObject([other])
  })
})

test('an import never adds an identity to an account that exists', async () => {
  const { email } = await signUp(service)
  const report = await importing([{ email, identities: [{ provider: 'google', subject: randomUUID() }] }])
  expect(report).toMatchObject({ taken: 0, alreadyThere: 1, identities: 0 })
  expect(await identitiesOf(email)).toEqual([])
})

test('a dry run counts identities and writes none', async () => {
  const email = newAddress()
  const identities = [{ provider: 'google', subject: randomUUID() }]
  expect(await importing([{ email, identities }], { dryRun: true })).toMatchObject({
    taken: 1,
    identities: 1,
  })
  expect(await service.app.db.user.count({ where: { emailCanonical: email } })).toBe(0)
})

test('an account without a password and without an identity is counted as one whose owner must reset it', async () => {
  const identities = [{ provider: 'google', subject: randomUUID() }]
  const records = [{ email: newAddress() }, { email: newAddress(), identities }]
  expect(await importing(records)).toMatchObject({ taken: 2, withoutPassword: 1 })
})

describe('a record is skipped for', () => {
  test.each<[string, unknown, string]>([
    [
      'a provider that the server does not have',
      [{ provider: 'linkedin', subject: 'x' }],
      '--without-provider "linkedin"',
    ],
    ['no list', 'google', 'identities: Enter a list'],
    ['no provider', [{ subject: 'x' }], 'identities: An identity'],
    ['no subject', [{ provider: 'google' }], 'identities'],
    ['a subject that is too long', [{ provider: 'google', subject: 'x'.repeat(256) }], 'identities'],
    ['a subject with a line break', [{ provider: 'google', subject: 'a\nb' }], 'identities'],
    [
      'another issuer than the provider’s',
      [{ provider: 'google', issuer: 'https://evil.example', subject: 'x' }],
      'The issuer differs',
    ],
    ['Microsoft without a tenant', [{ provider: 'microsoft', subject: 'x' }], '<tenant ID>'],
    [
      'Microsoft with an issuer that only looks like a tenant’s',
      [{ provider: 'microsoft', issuer: `${MICROSOFT}/../x/v2.0`, subject: 'x' }],
      '<tenant ID>',
    ],
    [
      'Microsoft with a token of another issuer',
      [{ provider: 'microsoft', subject: 'x', id_token: idTokenFrom('https://evil.example') }],
      '<tenant ID>',
    ],
    [
      'more than 50',
      Array.from({ length: 51 }, (_, at) => ({ provider: 'google', subject: `many-${at}` })),
      'identities: At most 50',
    ],
  ])('%s', async (_, identities, reason) => {
    expect(await reasonFor({ identities })).toContain(reason)
  })
})

test('a name that stands for a provider the server does not have stops the import', async () => {
  const providers = new Map([['google.com', 'gogle']])
  await expect(importing([{ email: newAddress() }], { providers })).rejects.toMatchObject({
    code: 'BAD_USER_INPUT',
  })
})

test('identities are exported without tokens, and an import on another server keeps them', async () => {
  const { id, email } = await signUp(service)
  const at = new Date('2026-01-02T03:04:05Z')
  const identity = { provider: 'google', issuer: GOOGLE, subject: randomUUID(), email: 'ada@gmail.com' }
  await service.app.db.identity.create({
    data: { ...identity, userId: id, sealedTokens: 'sealed', createdAt: at, lastUsedAt: at },
  })
  const records: object[] = []
  for await (const batch of exportUsers(service.app, { withPasswordHashes: false }))
    records.push(...batch.filter(user => user.id === id))
  const [record] = JSON.parse(JSON.stringify(records)) as Record<string, unknown>[]
  expect(JSON.stringify(record)).not.toContain('sealed')
  const other = await startService({ settings, clock: service.clock })
  try {
    expect(await importing([record as object], {}, other)).toMatchObject({ taken: 1, identities: 1 })
    expect(await identitiesOf(email, other)).toMatchObject([{ ...identity, createdAt: at, lastUsedAt: at }])
  } finally {
    await other.close()
  }
})

describe('a sample export in docs/moving-in.md is imported with its identity:', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../../docs/moving-in.md'), 'utf8')
  const samples = [...page.matchAll(/^### (From .+)$[^#]+?```json\n(.+)\n```/gm)].map(
    ([, system = '', json = '']) => [system, json] as const,
  )

  test('there are four', () => {
    expect(samples.map(([system]) => system.split(' ')[1])).toEqual([
      'Auth.js',
      'better-auth',
      'Supabase',
      'Firebase',
    ])
  })

  test.each(samples)('%s', async (_, json) => {
    const record = JSON.parse(json) as { email: string }
    expect(await importing([record])).toMatchObject({ taken: 1, skipped: 0, identities: 1 })
    const [identity] = await identitiesOf(record.email)
    expect(identity?.subject).toMatch(/^\d{6,21}$/)
    expect(identity?.issuer).toBe(identity?.provider === 'google' ? GOOGLE : 'https://github.com')
  })

  test('the one of better-auth signs in with its password', async () => {
    await signIn(service, 'ada.better@example.com', 'an engine of better brass')
  })
})
