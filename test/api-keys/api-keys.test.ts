import { randomBytes, randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { promoteToAdministrator } from '../../src/admin/users/promote-to-administrator.ts'
import { createSchema } from '../../src/graphql/schema.ts'
import { Authorized, type Context, Ctx, Mutation, Query, Resolver, StepUp } from '../../src/index.ts'
import { prune } from '../../src/maintenance/prune.ts'
import { permissions as builtInPermissions } from '../../src/permissions/permissions.ts'
import { as, newRole, type SignedIn, signUp, signUpAdmin, signUpVerified } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { mailedToken, templatesTo } from '../support/mails.ts'
import { watchQueries } from '../support/queries.ts'
import { meet } from '../support/race.ts'
import { refusedFields } from '../support/refused.ts'
import { sampleCall } from '../support/sample-call.ts'
import { codes, useService } from '../support/service.ts'
import { DAY, MINUTE, stateOf } from '../support/sessions.ts'
import { addSomeTotp } from '../support/some-factors.ts'

@Resolver()
class NotesResolver {
  @Authorized()
  @Query(() => String)
  async notes(@Ctx() context: Context): Promise<string> {
    const { account, via } = await context.viewer()
    return `${account.id} via ${via.kind}`
  }
  @Authorized('notes:write')
  @Mutation(() => Boolean)
  addNote(): boolean {
    return true
  }
  @Authorized()
  @StepUp()
  @Mutation(() => Boolean)
  payNote(): boolean {
    return true
  }
}

const MAX = 4
const service = useService({
  settings: { API_KEYS_MAX: String(MAX), LIMIT_PROFILE_ACCOUNT: '60/15m' },
  server: { resolvers: [NotesResolver], permissions: ['notes:write'] },
})

type Created = { secret: string; apiKey: { id: string; prefix: string; [field: string]: unknown } }
const CREATE = `mutation ($input: ApiKeyInput!) { createApiKey(input: $input) {
  secret apiKey { id name prefix permissions createdAt expiresAt lastUsedAt } } }`

const run = (text: string, token: string | undefined, variables = {}) =>
  service.send<Record<string, unknown>, object>(text, variables, { token })
const ask = (owner: Pick<SignedIn, 'accessToken'>, input: object = {}) =>
  service.send<{ createApiKey: Created }, object>(
    CREATE,
    { input: { name: 'Report', permissions: [], ...input } },
    as(owner),
  )

/** A new key of the account. */
async function keyOf(owner: SignedIn, ...permissions: string[]): Promise<Created> {
  const { data, errors } = await ask(owner, { permissions })
  expect(errors).toEqual([])
  return createdIn(data)
}

function createdIn(data: object | null | undefined): Created {
  return (data as { createApiKey: Created }).createApiKey
}

const rowOf = ({ apiKey: { id } }: Created) => service.app.db.apiKey.findUniqueOrThrow({ where: { id } })

/** An account with these permissions, from a role of its own. */
async function signUpHolding(...permissions: string[]): Promise<SignedIn & { role: string }> {
  const [owner, role] = [await signUpVerified(service), await newRole(service, ...permissions)]
  await service.app.db.userRole.create({ data: { userId: owner.id, roleName: role } })
  return { ...owner, role }
}

async function verifiedAdmin(): Promise<SignedIn> {
  const admin = await signUpAdmin(service)
  await service.app.db.user.update({
    where: { id: admin.id },
    data: { emailVerifiedAt: service.clock.now() },
  })
  return admin
}

let owner: SignedIn
beforeEach(async () => {
  owner = await signUpVerified(service)
})

describe('an API key', () => {
  test('acts as its owner until its owner deletes it', async () => {
    const { secret, apiKey } = await keyOf(owner)
    expect(secret).toMatch(/^agk_[0-9a-f]{32}_[0-9a-f]{64}$/)
    expect(apiKey).toMatchObject({ name: 'Report', permissions: [], expiresAt: null, lastUsedAt: null })
    expect(secret.startsWith(apiKey.prefix)).toBe(true)
    const { data } = await run('{ me { id email roles permissions apiKeys { id } } notes }', secret)
    expect(data).toMatchObject({ me: null, notes: `${owner.id} via apiKey` })
    expect((await run('{ me { id email permissions } }', secret)).data?.me).toEqual({
      id: owner.id,
      email: owner.email,
      permissions: [],
    })
    const list = await run('{ me { apiKeys { id lastUsedAt } } }', owner.accessToken)
    expect(list.data?.me).toEqual({ apiKeys: [{ id: apiKey.id, lastUsedAt: expect.any(String) }] })
    const remove = 'mutation ($id: ID!) { deleteApiKey(id: $id) }'
    const other = await signUpVerified(service)
    expect(codes(await run(remove, other.accessToken, { id: apiKey.id }))).toEqual(['NOT_FOUND'])
    expect((await run(remove, owner.accessToken, { id: apiKey.id })).data).toEqual({ deleteApiKey: true })
    expect(await stateOf(service, secret)).toBe('REVOKED')
    expect(codes(await run(remove, owner.accessToken, { id: apiKey.id }))).toEqual(['NOT_FOUND'])
    expect(codes(await run(remove, owner.accessToken, { id: '7' }))).toEqual(['NOT_FOUND'])
  })

  test('is announced to its owner by email, without the name it was given, and is on record', async () => {
    const { data } = await ask(owner, { name: 'Buy now at shop.example', permissions: [] })
    const { secret, apiKey } = createdIn(data)
    const email = (await service.mailsTo(owner.email)).at(-1)
    expect(email?.subject).toContain('API key')
    expect(email?.text).toContain(apiKey.prefix)
    expect(email?.text).not.toContain('shop.example')
    await run('mutation { updateProfile(input: { displayName: "By a program" }) { id } }', secret)
    await run('mutation ($id: ID!) { deleteApiKey(id: $id) }', owner.accessToken, { id: apiKey.id })
    const events = await auditOf(service, owner.id)
    expect(events.slice(-3)).toMatchObject([
      { action: 'api_key.created', actorId: owner.id, detail: { apiKeyId: apiKey.id, permissions: [] } },
      { action: 'user.profile_updated', actorId: owner.id, detail: { viaApiKeyId: apiKey.id } },
      { action: 'api_key.deleted', actorId: owner.id, detail: { apiKeyId: apiKey.id } },
    ])
    const { rows } = await service.app.pool.query<{ row: string }>(
      `SELECT t::text AS row FROM audit_events t UNION ALL SELECT t::text FROM api_keys t UNION ALL SELECT t::text FROM mails t`,
    )
    expect(rows.filter(({ row }) => row.includes(secret.slice(-64)))).toEqual([])
    expect(email?.text).not.toContain(secret)
  })

  test('does what its permissions allow, and of those only what its owner still holds at each request', async () => {
    const clerk = await signUpHolding('notes:write', 'users:read')
    const { secret } = await keyOf(clerk, 'notes:write')
    const where = { name: clerk.role }
    const { db } = service.app
    expect((await run('mutation { addNote }', secret)).data).toEqual({ addNote: true })
    expect((await run('{ me { permissions } }', secret)).data?.me).toEqual({ permissions: ['notes:write'] })
    expect(codes(await run('{ users { nodes { id } } }', secret))).toEqual(['FORBIDDEN'])
    await db.role.update({ where, data: { permissions: ['users:read'] } })
    expect(codes(await run('mutation { addNote }', secret))).toEqual(['FORBIDDEN'])
    expect((await run('{ me { permissions } }', secret)).data?.me).toEqual({ permissions: [] })
    await db.role.update({ where, data: { permissions: ['notes:write'] } })
    expect((await run('mutation { addNote }', secret)).data).toEqual({ addNote: true })
    await db.userRole.deleteMany({ where: { userId: clerk.id } })
    expect(codes(await run('mutation { addNote }', secret))).toEqual(['FORBIDDEN'])
  })

  test('never steps up, although its owner has just signed in', async () => {
    const { secret } = await keyOf(owner)
    expect((await run('mutation { payNote }', owner.accessToken)).data).toEqual({ payNote: true })
    expect(codes(await run('mutation { payNote }', secret))).toEqual(['FORBIDDEN'])
    const rename = 'mutation { updateProfile(input: { username: "another.name" }) { id } }'
    expect(codes(await run(rename, secret))).toEqual(['FORBIDDEN'])
  })

  test('ends no session and starts none', async () => {
    const { secret } = await keyOf(owner)
    expect((await run('mutation { logout }', secret)).data).toEqual({ logout: true })
    const refresh =
      'mutation ($token: String) { refreshToken(input: { refreshToken: $token }) { accessToken } }'
    expect(codes(await run(refresh, undefined, { token: secret }))).toEqual(['REFRESH_TOKEN_INVALID'])
    expect(await stateOf(service, secret)).toBe('LIVE')
    expect(await stateOf(service, owner.accessToken)).toBe('LIVE')
  })

  test('is noted as used at most once a minute, however many requests use it at the same time', async () => {
    const { secret } = await keyOf(owner)
    const { pool } = service.app
    await pool.query(`
      CREATE TABLE touched (key uuid);
      CREATE FUNCTION note_touch() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO touched VALUES (NEW.id); RETURN NULL; END $$;
      CREATE TRIGGER note_touch AFTER UPDATE OF last_used_at ON api_keys FOR EACH ROW EXECUTE FUNCTION note_touch()`)
    const updates = async () => (await pool.query('SELECT FROM touched')).rowCount
    const useOften = () => Promise.all(Array.from({ length: 8 }, () => stateOf(service, secret)))
    await useOften()
    service.clock.advance(30)
    await useOften()
    expect(await updates()).toBe(1)
    service.clock.advance(31)
    await useOften()
    expect(await updates()).toBe(2)
    await pool.query('DROP TABLE touched; DROP FUNCTION note_touch CASCADE')
    service.clock.advance(-61)
  })
})

describe('an API key stops working', () => {
  test('when it expires, and is deleted 30 days later', async () => {
    const expiresAt = new Date(service.clock.now().getTime() + 1000 * DAY).toISOString()
    const { data } = await ask(owner, { expiresAt })
    const created = createdIn(data)
    expect(created.apiKey.expiresAt).toBe(expiresAt)
    expect(await stateOf(service, created.secret)).toBe('LIVE')
    service.clock.advance(DAY)
    expect(await stateOf(service, created.secret)).toBe('EXPIRED')
    await prune(service.app)
    expect(await rowOf(created)).toMatchObject({ name: 'Report' })
    service.clock.advance(30 * DAY)
    await prune(service.app)
    expect(await service.app.db.apiKey.count({ where: { id: created.apiKey.id } })).toBe(0)
    service.clock.advance(-31 * DAY)
  })

  test('when its owner is disabled, for good', async () => {
    const { secret } = await keyOf(owner)
    const admin = await signUpAdmin(service)
    await run('mutation ($id: ID!) { disableUser(id: $id) { id } }', admin.accessToken, { id: owner.id })
    expect(await stateOf(service, secret)).toBe('REVOKED')
    await run('mutation ($id: ID!) { enableUser(id: $id) { id } }', admin.accessToken, { id: owner.id })
    expect(await stateOf(service, secret)).toBe('REVOKED')
    const ended = (await auditOf(service, owner.id)).find(({ action }) => action === 'api_key.deleted')
    expect(ended).toMatchObject({ actorId: admin.id, detail: { count: 1, because: 'account disabled' } })
  })

  test('when its owner is disabled by other means than this server', async () => {
    const { secret } = await keyOf(owner)
    await service.app.db.user.update({ where: { id: owner.id }, data: { disabledAt: service.clock.now() } })
    expect(await stateOf(service, secret)).toBe('REVOKED')
  })

  test('when its owner is deleted', async () => {
    const { secret, apiKey } = await keyOf(owner)
    expect((await run('mutation { deleteAccount }', owner.accessToken)).data).toEqual({ deleteAccount: true })
    expect(await stateOf(service, secret)).toBe('REVOKED')
    expect(await service.app.db.apiKey.count({ where: { id: apiKey.id } })).toBe(0)
  })

  test('while the address of its owner is not verified', async () => {
    const { secret } = await keyOf(owner)
    const admin = await signUpAdmin(service)
    const update =
      'mutation ($id: ID!, $input: UpdateUserInput!) { updateUser(id: $id, input: $input) { id } }'
    const set = (emailVerified: boolean) =>
      run(update, admin.accessToken, { id: owner.id, input: { emailVerified } })
    await set(false)
    expect(codes(await run('{ me { id } }', secret))).toEqual(['EMAIL_NOT_VERIFIED'])
    await set(true)
    expect(await stateOf(service, secret)).toBe('LIVE')
  })

  test('when an administrator deletes it, who must hold what its owner holds', async () => {
    const { secret, apiKey } = await keyOf(owner)
    const remove = 'mutation ($id: ID!, $key: ID!) { deleteUserApiKey(id: $id, apiKeyId: $key) }'
    const helper = await signUpHolding('users:write')
    const admin = await verifiedAdmin()
    const ofAdmin = await keyOf(admin)
    const as = { id: owner.id, key: apiKey.id }
    expect(codes(await run(remove, owner.accessToken, as))).toEqual(['FORBIDDEN'])
    expect(codes(await run(remove, undefined, as))).toEqual(['UNAUTHENTICATED'])
    const adminsKey = { id: admin.id, key: ofAdmin.apiKey.id }
    expect(codes(await run(remove, helper.accessToken, adminsKey))).toEqual(['FORBIDDEN'])
    const mixed = { id: owner.id, key: ofAdmin.apiKey.id }
    expect(codes(await run(remove, helper.accessToken, mixed))).toEqual(['NOT_FOUND'])
    expect((await run(remove, helper.accessToken, as)).data).toEqual({ deleteUserApiKey: true })
    expect(await stateOf(service, secret)).toBe('REVOKED')
    expect(await stateOf(service, ofAdmin.secret)).toBe('LIVE')
    expect((await auditOf(service, owner.id)).at(-1)).toMatchObject({
      action: 'api_key.deleted',
      actorId: helper.id,
      detail: { apiKeyId: apiKey.id },
    })
  })

  test('when its owner undoes a change of address, which a thief may have made', async () => {
    const { secret } = await keyOf(owner)
    const change = 'mutation ($to: String!) { requestEmailChange(input: { newEmail: $to }) }'
    const to = `thief.${randomUUID()}@example.com`
    expect(codes(await run(change, owner.accessToken, { to }))).toEqual([])
    const undo = 'mutation ($token: String!) { undoEmailChange(input: { token: $token }) { id } }'
    const token = await mailedToken(service, owner.email, 'undo-email')
    expect(codes(await run(undo, undefined, { token }))).toEqual([])
    expect(await stateOf(service, secret)).toBe('REVOKED')
    expect((await auditOf(service, owner.id)).at(-1)).toMatchObject({ detail: { removed: { apiKeys: 1 } } })
  })

  test('when the command line makes its owner an administrator', async () => {
    const { secret } = await keyOf(owner)
    await promoteToAdministrator(service.app, owner.email, { verify: false })
    expect(await stateOf(service, secret)).toBe('REVOKED')
  })

  test('with API_KEYS_MAX=0, without a query', async () => {
    const { secret } = await keyOf(owner)
    const { config } = service.app
    config.apiKeysMax = 0
    const queries: unknown[] = []
    const stop = watchQueries(service.app, name => queries.push(name))
    expect(await stateOf(service, secret)).toBe('INVALID')
    expect(queries).toEqual([])
    stop()
    expect(codes(await ask(owner))).toEqual(['CONFLICT'])
    config.apiKeysMax = MAX
    expect(await stateOf(service, secret)).toBe('LIVE')
  })

  test('while its owner needs a second factor that the session which created it had not proved', async () => {
    const careful = await signUpHolding()
    const { accessToken, sessionId } = careful
    const before = await keyOf(careful)
    await addSomeTotp(service, careful.id)
    await service.app.db.session.update({
      where: { id: sessionId },
      data: { totpAt: service.clock.now(), passwordAt: service.clock.now() },
    })
    const after = await keyOf({ ...careful, accessToken })
    await service.app.db.role.update({
      where: { name: careful.role },
      data: { secondFactorRequiredFrom: service.clock.now() },
    })
    const { errors } = await run('{ me { id } notes }', before.secret)
    expect(codes({ errors })).toEqual(['FORBIDDEN', 'FORBIDDEN'])
    expect(errors[0]?.message).toContain('Create a new one')
    expect(await stateOf(service, after.secret)).toBe('LIVE')
    await service.app.db.user.update({ where: { id: careful.id }, data: { enrollmentRequired: true } })
    expect(codes(await run('{ me { id } }', after.secret))).toEqual(['FORBIDDEN'])
  })
})

describe('a made-up API key', () => {
  test('is refused without a query, whatever part of a real one is changed', async () => {
    const { secret } = await keyOf(owner)
    const queries: unknown[] = []
    const stop = watchQueries(service.app, name => queries.push(name))
    const changed = [4, 20, 35, 37, 60, 76, 77, 90, 100].map(
      at => secret.slice(0, at) + (secret[at] === '0' ? '1' : '0') + secret.slice(at + 1),
    )
    const random = Array.from(
      { length: 20 },
      () => `agk_${randomBytes(16).toString('hex')}_${randomBytes(32).toString('hex')}`,
    )
    const malformed = [
      'agk_',
      'agk_x',
      secret.slice(0, -1),
      `${secret}0`,
      secret.toUpperCase(),
      `agk_${secret}`,
    ]
    for (const text of [...changed, ...random, ...malformed, secret.replace('_', '.')])
      expect([text, await stateOf(service, text)]).toEqual([text, 'INVALID'])
    expect(queries).toEqual([])
    stop()
    expect(await stateOf(service, secret)).toBe('LIVE')
  })

  test('with a copy of the database is worth nothing: it has a hash, and the checksum has another key', async () => {
    const created = await keyOf(owner)
    const { keyHash } = await rowOf(created)
    const hash = Buffer.from(keyHash).toString('hex')
    const body = created.secret.slice(0, 37)
    expect(created.secret).not.toContain(hash)
    expect(await stateOf(service, body + hash)).toBe('INVALID')
  })
})

describe('no one creates an API key', () => {
  test('without a session', async () => {
    expect(codes(await ask({ accessToken: '' }))).toEqual(['UNAUTHENTICATED'])
  })

  test('with another API key', async () => {
    const admin = await verifiedAdmin()
    const { secret } = await keyOf(admin, ...Object.keys(builtInPermissions))
    expect(codes(await ask({ accessToken: secret }))).toEqual(['FORBIDDEN'])
  })

  test('without a recent sign-in', async () => {
    service.clock.advance(11 * MINUTE)
    const refused = await ask(owner)
    service.clock.advance(-11 * MINUTE)
    expect(codes(refused)).toEqual(['UNAUTHENTICATED'])
    const old = new Date(service.clock.now().getTime() - 11 * MINUTE * 1000)
    const data = { authenticatedAt: old, passwordAt: old }
    await service.app.db.session.update({ where: { id: owner.sessionId }, data })
    expect(codes(await ask(owner))).toEqual(['REAUTHENTICATION_REQUIRED'])
    await addSomeTotp(service, owner.id)
    expect(codes(await ask(owner))).toEqual(['STEP_UP_REQUIRED'])
  })

  test('at an address that is not verified', async () => {
    expect(codes(await ask(await signUp(service)))).toEqual(['EMAIL_NOT_VERIFIED'])
  })

  test('with permissions that they lack', async () => {
    const clerk = await signUpHolding('notes:write')
    expect(codes(await ask(clerk, { permissions: ['notes:write', 'users:read'] }))).toEqual(['FORBIDDEN'])
    expect(await service.app.db.apiKey.count({ where: { userId: clerk.id } })).toBe(0)
  })

  test('as an administrator who acts as them', async () => {
    const admin = await signUpAdmin(service)
    const text = 'mutation ($id: ID!) { impersonateUser(id: $id, reason: "4711") { accessToken } }'
    const { data } = await run(text, admin.accessToken, { id: owner.id })
    const acting = data?.impersonateUser as { accessToken: string }
    expect(codes(await ask(acting))).toEqual(['FORBIDDEN'])
  })

  test.each<[string, object]>([
    ['input.name', { name: ' ' }],
    ['input.name', { name: 'x'.repeat(101) }],
    ['input.name', { name: 'two\nlines' }],
    ['input.permissions.1', { permissions: ['users:read', 'users:reed'] }],
    ['input.permissions.0', { permissions: ['*'] }],
    ['input.expiresAt', { expiresAt: '2020-01-01T00:00:00Z' }],
    ['input.expiresAt', { expiresAt: '0000-01-01T00:00:00Z' }],
  ])('with an invalid %s: %j', async (field, input) => {
    expect(Object.keys(refusedFields(await ask(owner, input)))).toEqual([field])
  })

  test('beyond API_KEYS_MAX, not even with parallel requests', async () => {
    const replies = await Promise.all(Array.from({ length: MAX + 3 }, () => ask(owner)))
    expect(replies.flatMap(codes)).toEqual(['CONFLICT', 'CONFLICT', 'CONFLICT'])
    expect(await service.app.db.apiKey.count({ where: { userId: owner.id } })).toBe(MAX)
    expect(await templatesTo(service, owner.email)).toContain('api-key-created')
  })

  test.each(['before', 'after'])(
    'that outlives the disabling of the account at the same time, which takes its lock %s',
    async order => {
      const { id } = owner
      const admin = await signUpAdmin(service)
      const create = () => ask(owner)
      const disable = () =>
        run('mutation ($id: ID!) { disableUser(id: $id) { id } }', admin.accessToken, { id })
      const row = { table: 'users', id } as const
      if (order === 'after') await meet(service, row, create, disable)
      else expect(codes((await meet(service, row, disable, create))[1])).toEqual(['CONFLICT'])
      expect(await service.app.db.apiKey.count({ where: { userId: id } })).toBe(0)
    },
  )
})

describe('with an API key that has every permission of an administrator', () => {
  const schema = createSchema()
  /** The guarded operations that a key can call. All others must refuse it. */
  const OPEN = [
    'Query.auditLog',
    'Query.failedMails',
    'Query.me',
    'Query.overview',
    'Query.providerToken',
    'Query.roles',
    'Query.user',
    'Query.users',
    'Mutation.createRole',
    'Mutation.deleteRole',
    'Mutation.deleteUser',
    'Mutation.disableUser',
    'Mutation.enableUser',
    'Mutation.inviteUser',
    'Mutation.resendInvitation',
    'Mutation.retryMail',
    'Mutation.revokeUserSession',
    'Mutation.revokeUserSessions',
    'Mutation.sendPasswordReset',
    'Mutation.setUserRoles',
    'Mutation.updateProfile',
    'Mutation.updateRole',
    'Mutation.updateUser',
  ]
  /** What a key reads of its owner. */
  const OWN = [
    ...['id', 'username', 'displayName', 'createdAt'],
    ...['email', 'emailVerified', 'locale', 'roles', 'permissions', 'publicMetadata', 'updatedAt'],
    ...['lastLoginAt', 'passwordChangedAt'],
  ]
  const operations = ['Query', 'Mutation'].flatMap(root => {
    const type = schema.getType(root)
    return Object.keys(type && 'getFields' in type ? type.getFields() : {}).map(name => `${root}.${name}`)
  })
  let secret: string
  let weak: string
  let guarded: string[]
  beforeAll(async () => {
    const admin = await verifiedAdmin()
    secret = (await keyOf(admin, ...Object.keys(builtInPermissions), 'notes:write')).secret
    weak = (await keyOf(admin)).secret
    const asks = operations.map(async coordinate => {
      const { text, variables } = sampleCall(schema, coordinate)
      return codes(await run(text, undefined, variables)).includes('UNAUTHENTICATED') ? [coordinate] : []
    })
    guarded = (await Promise.all(asks)).flat()
  })

  test('exactly the listed guarded operations are open, and no other', async () => {
    expect(guarded.length).toBeGreaterThan(60)
    const open: string[] = []
    for (const coordinate of guarded) {
      const { text, variables } = sampleCall(schema, coordinate)
      const reply = await run(text, secret, variables)
      const [error] = reply.errors
      const refused = error?.extensions.code === 'FORBIDDEN' && error.message.includes('API key')
      if (!refused) open.push(coordinate)
      if (!refused) expect([coordinate, codes(reply)]).not.toEqual([coordinate, ['FORBIDDEN']])
    }
    expect(open.sort()).toEqual([...OPEN].sort())
    expect(OPEN.filter(coordinate => !guarded.includes(coordinate))).toEqual([])
  })

  test('and without permissions, only what every account can call is open', async () => {
    const open: string[] = []
    for (const coordinate of guarded) {
      const { text, variables } = sampleCall(schema, coordinate)
      const reply = await run(text, weak, variables)
      if (!codes(reply).includes('FORBIDDEN')) open.push(coordinate)
    }
    expect(open.sort()).toEqual(['Mutation.updateProfile', 'Query.me', 'Query.roles'])
  })

  test.each(['sendEmailCode', 'beginTotp { ticket }', 'beginPasskey { ticket }'])(
    'the operation %s, which also works before a sign-in, is refused',
    async call => {
      expect(codes(await run(`mutation { ${call} }`, secret))).toEqual(['FORBIDDEN'])
    },
  )

  test('a key without users:read reads the listed fields of its owner, and no other', async () => {
    const type = schema.getType('User')
    const fields = Object.values(type && 'getFields' in type ? type.getFields() : {})
    const readable: string[] = []
    for (const { name, type: of } of fields) {
      const selection =
        /^\[?[A-Z]\w+!?\]?!?$/.test(String(of)) &&
        /Type|Session|Device|Key|Identity|Passkey|User/.test(String(of))
      const reply = await run(`{ me { ${name} ${selection ? '{ id }' : ''} } }`, weak)
      if (reply.errors.length === 0) readable.push(name)
      else expect([name, codes(reply)]).toEqual([name, ['FORBIDDEN']])
    }
    expect(readable.sort()).toEqual([...OWN, 'impersonatedBy'].sort())
    const { data, errors } = await run(
      '{ me { sessions { current } passkeys { id } apiKeys { prefix } } }',
      secret,
    )
    expect(errors).toEqual([])
    expect(data?.me).toMatchObject({ sessions: [{ current: false }], passkeys: [] })
  })
})

describe('administration with an API key', () => {
  test('reaches no further than the permissions of the key, although its owner holds more', async () => {
    const admin = await verifiedAdmin()
    const { secret } = await keyOf(admin, 'roles:write', 'users:write')
    const make = 'mutation ($input: RoleInput!) { createRole(input: $input) { name } }'
    const name = `role-${randomUUID()}`.slice(0, 30)
    const withMore = { input: { name, permissions: ['users:read'] } }
    expect(codes(await run(make, secret, withMore))).toEqual(['FORBIDDEN'])
    const assign = 'mutation ($id: ID!) { setUserRoles(id: $id, roles: ["user", "admin"]) { id } }'
    expect(codes(await run(assign, secret, { id: owner.id }))).toEqual(['FORBIDDEN'])
    const other = await signUpAdmin(service)
    const disable = 'mutation ($id: ID!) { disableUser(id: $id) { id } }'
    expect(codes(await run(disable, secret, { id: other.id }))).toEqual(['FORBIDDEN'])
    expect(codes(await run(disable, secret, { id: owner.id }))).toEqual([])
    const disabled = (await auditOf(service, owner.id)).find(({ action }) => action === 'user.disabled')
    expect(disabled).toMatchObject({ actorId: admin.id, detail: { viaApiKeyId: expect.any(String) } })
  })

  test('does not show the person which key an administrator used', async () => {
    const admin = await verifiedAdmin()
    const { secret, apiKey } = await keyOf(admin, 'users:write')
    const update = 'mutation ($id: ID!) { updateUser(id: $id, input: { displayName: "Ada" }) { id } }'
    expect(codes(await run(update, secret, { id: owner.id }))).toEqual([])
    const { data } = await run('{ exportAccount }', owner.accessToken)
    expect(String(data?.exportAccount)).toContain('user.updated')
    expect(String(data?.exportAccount)).not.toContain(apiKey.id)
  })

  test('ends with the key, also for a change that waits while the key is deleted', async () => {
    const admin = await verifiedAdmin()
    const { secret, apiKey } = await keyOf(admin, 'users:write')
    const update = `mutation ($id: ID!) { updateUser(id: $id, input: { displayName: "Late" }) { id } }`
    const [, late] = await Promise.all([
      service.app.db.apiKey.delete({ where: { id: apiKey.id } }),
      run(update, secret, { id: owner.id }),
    ])
    if (codes(late).length > 0) expect(codes(late)).toEqual(['UNAUTHENTICATED'])
    expect(codes(await run(update, secret, { id: owner.id }))).toEqual(['UNAUTHENTICATED'])
  })
})

test('the export of an account has its API keys, without what proves them', async () => {
  const { secret, apiKey } = await keyOf(owner)
  const { data, errors } = await run('{ exportAccount }', owner.accessToken)
  expect(errors).toEqual([])
  const exported = JSON.parse(String(data?.exportAccount))
  expect(exported.apiKeys).toMatchObject([{ id: apiKey.id, name: 'Report', permissions: [] }])
  expect(String(data?.exportAccount)).not.toContain(secret.slice(-64))
  expect(JSON.stringify(exported)).not.toContain('keyHash')
})
