import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { getMetadataStorage } from 'type-graphql'
import { createSchema } from '../../../src/graphql/schema.ts'
import { Authorized, type Context, Ctx, Mutation, Query, Resolver, StepUp } from '../../../src/index.ts'
import {
  as,
  newRole,
  PASSWORD,
  type SignedIn,
  signIn,
  signUp,
  signUpAdmin,
  signUpWith,
} from '../../support/actors.ts'
import { auditOf } from '../../support/audit.ts'
import { claimsOf, forge } from '../../support/forge.ts'
import { refusedFields } from '../../support/refused.ts'
import { sampleCall } from '../../support/sample-call.ts'
import { codes, useService } from '../../support/service.ts'
import { MINUTE, refresh, stateOf } from '../../support/sessions.ts'
import { addSomeTotp } from '../../support/some-factors.ts'

@Resolver()
class NotesResolver {
  @Authorized()
  @Mutation(() => String)
  async addNote(@Ctx() context: Context): Promise<string> {
    const { account, impersonator } = await context.viewer()
    return `${account.id} by ${impersonator?.id}`
  }
  @Authorized()
  @StepUp()
  @Mutation(() => Boolean)
  payNote(): boolean {
    return true
  }
  @Authorized('notes:read')
  @Query(() => Boolean)
  notes(): boolean {
    return true
  }
}

const service = useService({ server: { resolvers: [NotesResolver], permissions: ['notes:read'] } })
const REASON = 'Ticket 4711'
const IMPERSONATE = `mutation ($id: ID!, $reason: String!) { impersonateUser(id: $id, reason: $reason) {
  accessToken accessTokenExpiresAt refreshToken refreshTokenExpiresAt deviceToken
  session { id impersonated current strength methods ipAddress userAgent expiresAt }
  user { id email impersonatedBy { id displayName } } } }`

type Payload = {
  accessToken: string
  accessTokenExpiresAt: string
  refreshToken: string | null
  refreshTokenExpiresAt: string
  deviceToken: string | null
  session: Record<string, unknown> & { id: string }
  user: { id: string; email: string; impersonatedBy: { id: string } | null }
}

const ask = (id: string, caller: { accessToken: string }, reason = REASON) =>
  service.send<{ impersonateUser: Payload }, object>(IMPERSONATE, { id, reason }, as(caller))
const run = (text: string, { accessToken }: { accessToken: string }, variables = {}) =>
  service.send<Record<string, unknown>, object>(text, variables, { token: accessToken })

/** The answer to an administrator who acts as another user. */
async function impersonated(id: string, caller: SignedIn): Promise<Payload> {
  const { data, errors } = await ask(id, caller)
  expect(errors).toEqual([])
  return data?.impersonateUser as Payload
}

let admin: SignedIn
let person: SignedIn
beforeEach(async () => {
  admin = await signUpAdmin(service)
  person = await signUp(service, { displayName: 'Grace' })
})

describe('an administrator who acts as another user', () => {
  test('gets an access token for 30 minutes, and nothing to refresh it with', async () => {
    const now = service.clock.now().getTime()
    const payload = await impersonated(person.id, admin)
    expect(payload).toMatchObject({
      refreshToken: null,
      deviceToken: null,
      user: { id: person.id, email: person.email, impersonatedBy: { id: admin.id } },
      session: { impersonated: true, strength: 'SINGLE', methods: [], ipAddress: null, userAgent: null },
    })
    for (const end of [
      payload.accessTokenExpiresAt,
      payload.refreshTokenExpiresAt,
      payload.session.expiresAt,
    ])
      expect(Math.abs(Date.parse(String(end)) - now - 30 * MINUTE * 1000)).toBeLessThan(20_000)
    expect(await stateOf(service, payload.accessToken)).toBe('LIVE')
    service.clock.advance(31 * MINUTE)
    expect(await stateOf(service, payload.accessToken)).toBe('EXPIRED')
    service.clock.advance(-31 * MINUTE)
  })

  test('has a token that names both and proves no sign-in of the user', async () => {
    const claims = claimsOf((await impersonated(person.id, admin)).accessToken)
    expect(claims).toMatchObject({ sub: person.id, act: { sub: admin.id } })
    for (const name of ['acr', 'amr', 'auth_time']) expect(claims).not.toHaveProperty(name)
  })

  test('sees what the user sees, and no more', async () => {
    const acting = await impersonated(person.id, admin)
    const { data } = await run('{ me { id email permissions impersonatedBy { id } } }', acting)
    expect(data?.me).toEqual({
      id: person.id,
      email: person.email,
      permissions: [],
      impersonatedBy: { id: admin.id },
    })
    expect(codes(await run('{ users(first: 1) { nodes { id } } }', acting))).toEqual(['FORBIDDEN'])
    expect(codes(await run('{ notes }', acting))).toEqual(['FORBIDDEN'])
    expect(codes(await run('{ me { impersonatedBy { email } } }', acting))).toEqual(['FORBIDDEN'])
  })

  test('is named in everything the audit log has on it', async () => {
    const acting = await impersonated(person.id, admin)
    await run('mutation { updateProfile(input: { displayName: "Hopper" }) { id } }', acting)
    await run('mutation { logout }', acting)
    const events = (await auditOf(service, person.id)).filter(({ actorId }) => actorId === admin.id)
    expect(events).toMatchObject([
      { action: 'user.impersonated', detail: { sessionId: acting.session.id, reason: REASON } },
      { action: 'user.profile_updated', detail: { impersonatedId: person.id } },
      { action: 'session.ended', detail: { impersonatedId: person.id, sessionId: acting.session.id } },
    ])
    expect(await stateOf(service, acting.accessToken)).toBe('REVOKED')
    expect(await stateOf(service, admin.accessToken)).toBe('LIVE')
    expect(await stateOf(service, person.accessToken)).toBe('LIVE')
  })

  test('can call the operations of the program, which knows both, unless they require a step-up', async () => {
    const acting = await impersonated(person.id, admin)
    expect((await run('mutation { addNote }', acting)).data).toEqual({
      addNote: `${person.id} by ${admin.id}`,
    })
    expect(codes(await run('mutation { payNote }', acting))).toEqual(['FORBIDDEN'])
    expect((await run('mutation { payNote }', person)).data).toEqual({ payNote: true })
  })

  test('cannot act as a third user from there', async () => {
    const other = await signUpAdmin(service)
    const acting = await impersonated(other.id, admin)
    expect(codes(await ask(person.id, acting))).toEqual(['FORBIDDEN'])
  })

  test('ends with the sign-out of the administrator', async () => {
    const acting = await impersonated(person.id, admin)
    await run('mutation { logout }', admin)
    expect(await stateOf(service, acting.accessToken)).toBe('REVOKED')
  })

  test('ends when the administrator is disabled or loses the permission', async () => {
    const role = await newRole(service, 'users:impersonate')
    const helper = await signUpWith(service, role)
    const acting = await impersonated(person.id, helper)
    const where = { userId: helper.id, roleName: role }
    await service.app.db.userRole.deleteMany({ where })
    expect(await stateOf(service, acting.accessToken)).toBe('REVOKED')
    await service.app.db.userRole.create({ data: where })
    expect(await stateOf(service, acting.accessToken)).toBe('LIVE')
    await run('mutation ($id: ID!) { disableUser(id: $id) { id } }', admin, { id: helper.id })
    expect(await stateOf(service, acting.accessToken)).toBe('REVOKED')
  })

  test('ends when the user gets a permission that the administrator lacks', async () => {
    const helper = await signUpWith(service, await newRole(service, 'users:impersonate'))
    const acting = await impersonated(person.id, helper)
    const role = await newRole(service, 'audit:read')
    await service.app.db.userRole.create({ data: { userId: person.id, roleName: role } })
    expect(await stateOf(service, acting.accessToken)).toBe('REVOKED')
  })

  test('ends when the user ends it, or all of their sessions', async () => {
    const first = await impersonated(person.id, admin)
    const second = await impersonated(person.id, admin)
    const { data } = await run('mutation ($id: ID!) { revokeSession(id: $id) { impersonated } }', person, {
      id: first.session.id,
    })
    expect(data?.revokeSession).toEqual({ impersonated: true })
    expect(await stateOf(service, first.accessToken)).toBe('REVOKED')
    expect(await stateOf(service, second.accessToken)).toBe('LIVE')
    await run('mutation { revokeOtherSessions }', person)
    expect(await stateOf(service, second.accessToken)).toBe('REVOKED')
  })

  test('is no sign-in of the user: the latest one stays, and no email is sent', async () => {
    const { lastLoginAt } = await service.app.db.user.findUniqueOrThrow({ where: { id: person.id } })
    const received = (await service.mailsTo(person.email)).length
    await impersonated(person.id, admin)
    const after = await service.app.db.user.findUniqueOrThrow({ where: { id: person.id } })
    expect(after.lastLoginAt).toEqual(lastLoginAt)
    expect(await service.mailsTo(person.email)).toHaveLength(received)
  })

  test('is not signed out by a refresh token that someone makes up for the session', async () => {
    const acting = await impersonated(person.id, admin)
    const made = person.refreshToken.replace(person.sessionId, acting.session.id)
    expect(codes(await refresh(service, made))).toEqual(['REFRESH_TOKEN_INVALID'])
    expect(await stateOf(service, acting.accessToken)).toBe('LIVE')
  })

  test('can act as a user whose role requires a second factor only with a second factor of their own', async () => {
    const role = await newRole(service)
    await service.app.db.role.update({
      where: { name: role },
      data: { secondFactorRequiredFrom: service.clock.now() },
    })
    const careful = await signUpWith(service, role)
    expect(codes(await ask(careful.id, admin))).toEqual(['STEP_UP_REQUIRED'])
    const { sessionId } = admin
    await service.app.db.session.update({ where: { id: sessionId }, data: { totpAt: service.clock.now() } })
    const acting = await impersonated(careful.id, admin)
    expect(await stateOf(service, acting.accessToken)).toBe('LIVE')
  })
})

describe('the user', () => {
  test('sees the session and the event, but neither the reason nor from where it came', async () => {
    const { session } = await impersonated(person.id, admin)
    const { data } = await run(
      '{ me { impersonatedBy { id } sessions { id impersonated current ipAddress deviceName } } securityActivity(first: 1) { nodes { action actor ipAddress session { id } } } }',
      person,
    )
    expect(data).toEqual({
      me: {
        impersonatedBy: null,
        sessions: expect.arrayContaining([
          { id: session.id, impersonated: true, current: false, ipAddress: null, deviceName: null },
          expect.objectContaining({ id: person.sessionId, impersonated: false, current: true }),
        ]),
      },
      securityActivity: {
        nodes: [
          {
            action: 'user.impersonated',
            actor: 'ADMINISTRATOR',
            ipAddress: null,
            session: { id: session.id },
          },
        ],
      },
    })
    const exported = await run('{ exportAccount }', person)
    expect(exported.errors).toEqual([])
    expect(JSON.stringify(exported.data)).toContain('user.impersonated')
    expect(JSON.stringify(exported.data)).not.toContain(REASON)
  })
})

describe('no one acts as another user', () => {
  test('without users:impersonate', async () => {
    const support = await signUpWith(service, 'support')
    expect(codes(await ask(person.id, support))).toEqual(['FORBIDDEN'])
    expect(codes(await ask(person.id, { accessToken: 'x' }))).toEqual(['UNAUTHENTICATED'])
  })

  test('who has a permission that they lack', async () => {
    const helper = await signUpWith(service, await newRole(service, 'users:impersonate'))
    expect(codes(await ask(admin.id, helper))).toEqual(['FORBIDDEN'])
    expect(await auditOf(service, admin.id)).not.toContainEqual(
      expect.objectContaining({ action: 'user.impersonated' }),
    )
  })

  test('who is disabled, does not exist or is themselves', async () => {
    await service.app.db.user.update({
      where: { id: person.id },
      data: { disabledAt: service.clock.now() },
    })
    expect(codes(await ask(person.id, admin))).toEqual(['CONFLICT'])
    expect(codes(await ask(admin.id, admin))).toEqual(['CONFLICT'])
    expect(codes(await ask('00000000-0000-7000-8000-000000000000', admin))).toEqual(['NOT_FOUND'])
    expect(codes(await ask('7', admin))).toEqual(['NOT_FOUND'])
  })

  test('without a reason on one line', async () => {
    for (const reason of ['', '  ', 'two\nlines', 'x'.repeat(501)])
      expect(Object.keys(refusedFields(await ask(person.id, admin, reason)))).toEqual(['reason'])
  })

  test('without a recent sign-in', async () => {
    service.clock.advance(11 * MINUTE)
    const { accessToken } = admin
    const fresh = forge(service, accessToken, {
      claims: { exp: Math.floor(service.clock.now().getTime() / 1000) + 60 },
    })
    expect(codes(await ask(person.id, { accessToken: fresh }))).toEqual(['REAUTHENTICATION_REQUIRED'])
    const again = await signIn(service, admin.email, PASSWORD)
    expect((await impersonated(person.id, again)).user.id).toBe(person.id)
  })

  test('without the second factor that they have', async () => {
    await addSomeTotp(service, admin.id)
    expect(codes(await ask(person.id, admin))).toEqual(['STEP_UP_REQUIRED'])
  })
})

test('an account that is disabled while an administrator begins to act as it is not acted as', async () => {
  const [started] = await Promise.all([
    ask(person.id, admin),
    run('mutation ($id: ID!) { disableUser(id: $id) { id } }', admin, { id: person.id }),
  ])
  const token = started.data?.impersonateUser?.accessToken
  if (token) expect(await stateOf(service, token)).toBe('REVOKED')
  else expect(codes(started)).toEqual(['CONFLICT'])
  const live = await service.app.pool.query(
    `SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id
     WHERE u.id = $1 AND s.revoked_at IS NULL AND s.epoch = u.session_epoch`,
    [person.id],
  )
  expect(live.rowCount).toBe(0)
})

describe('an administrator who acts as another user cannot call', () => {
  /** Those that need no session, or end it. */
  const OPEN = ['logout', 'refreshToken', 'updateProfile', 'addNote', 'payNote']
  createSchema([NotesResolver])
  const { mutations, authorizedFields } = getMetadataStorage()
  const guarded = mutations.filter(
    ({ target, methodName, schemaName }) =>
      !OPEN.includes(schemaName) &&
      authorizedFields.some(field => field.target === target && field.fieldName === methodName),
  )
  let acting: Payload
  beforeAll(async () => {
    // As an administrator, so that no permission is missing.
    const [one, other] = [await signUpAdmin(service), await signUpAdmin(service)]
    acting = await impersonated(other.id, one)
  })

  test('there is something to refuse', () => {
    expect(guarded.length).toBeGreaterThan(30)
  })

  test.each(guarded.map(({ schemaName }) => schemaName))('%s', async name => {
    const { text, variables } = sampleCall(createSchema([NotesResolver]), `Mutation.${name}`)
    const reply = await run(text, acting, variables)
    expect([name, codes(reply)]).toEqual([name, ['FORBIDDEN']])
  })

  test.each(['sendEmailCode', 'beginTotp', 'beginPasskey', 'beginPasskey(input: { automatic: true })'])(
    '%s, which also works before a sign-in',
    async call => {
      const name = call.split('(')[0] ?? ''
      const type = createSchema().getMutationType()?.getFields()[name]?.type
      const selection = String(type).startsWith('Boolean') ? '' : '{ __typename }'
      expect(codes(await run(`mutation { ${call} ${selection} }`, acting))).toEqual(['FORBIDDEN'])
    },
  )

  test('exportAccount', async () => {
    expect(codes(await run('{ exportAccount }', acting))).toEqual(['FORBIDDEN'])
  })

  test('updateProfile with a new name to sign in with', async () => {
    const rename = 'mutation { updateProfile(input: { username: "another.name" }) { id } }'
    expect(codes(await run(rename, acting))).toEqual(['FORBIDDEN'])
  })
})
