import { generateKeyPairSync } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { getMetadataStorage } from 'type-graphql'
import { createSchema } from '../../src/graphql/schema.ts'
import { Authorized, type Context, Ctx, Query, Resolver, StepUp } from '../../src/index.ts'
import { as, newRole, type SignedIn, signUp, signUpAdmin, signUpWith } from '../support/actors.ts'
import { claimsOf, forge } from '../support/forge.ts'
import { refusedFields } from '../support/refused.ts'
import { sampleCall } from '../support/sample-call.ts'
import { codes, type ErrorFacts, type Reply, useService } from '../support/service.ts'
import { basic, newServiceAccount, post, type TestClient, tokenOf } from '../support/service-accounts.ts'

@Resolver()
class NotesResolver {
  @Authorized('notes:read')
  @Query(() => [String])
  async notes(@Ctx() { viewer }: Context): Promise<string[]> {
    const { account, via } = await viewer()
    return [via.kind, account.id, account.displayName ?? '']
  }

  @Authorized()
  @Query(() => Boolean)
  anyone(): boolean {
    return true
  }

  @Authorized('notes:read')
  @StepUp()
  @Query(() => Boolean)
  secretNotes(): boolean {
    return true
  }
}

const service = useService({ server: { resolvers: [NotesResolver], permissions: ['notes:read'] } })

let admin: SignedIn
beforeAll(async () => {
  admin = await signUpAdmin(service)
})

const FACTS = 'id name roles permissions audiences hasSecret previousSecretUntil keyIds createdAt lastUsedAt'
type Facts = Record<string, unknown> & { id: string }
const send = <Data>(text: string, variables: object, viewer: SignedIn = admin) =>
  service.send<Data, object>(text, variables, as(viewer))
const create = (input: object, viewer?: SignedIn) =>
  send<{ createServiceAccount: { serviceAccount: Facts; secret: string | null } }>(
    `mutation ($input: ServiceAccountInput!) { createServiceAccount(input: $input) { serviceAccount { ${FACTS} } secret } }`,
    { input },
    viewer,
  )
const update = (id: string, input: object, viewer?: SignedIn) =>
  send<{ updateServiceAccount: Facts }>(
    `mutation ($id: ID!, $input: UpdateServiceAccountInput!) { updateServiceAccount(id: $id, input: $input) { ${FACTS} } }`,
    { id, input },
    viewer,
  )
const rotate = (id: string, previousValidSeconds?: number, viewer?: SignedIn) =>
  send<{ rotateServiceAccountSecret: { serviceAccount: Facts; secret: string } }>(
    `mutation ($id: ID!, $previousValidSeconds: Int) { rotateServiceAccountSecret(id: $id, previousValidSeconds: $previousValidSeconds) { serviceAccount { ${FACTS} } secret } }`,
    { id, ...(previousValidSeconds !== undefined && { previousValidSeconds }) },
    viewer,
  )
const remove = (id: string, viewer?: SignedIn) =>
  send('mutation ($id: ID!) { deleteServiceAccount(id: $id) }', { id }, viewer)
const list = (viewer?: SignedIn) =>
  send<{ serviceAccounts: Facts[] }>(`{ serviceAccounts { ${FACTS} } }`, {}, viewer)
const grant = async (client: TestClient) =>
  (await post(service, 'token', { grant_type: 'client_credentials' }, basic(client))).status
const ask = (text: string, token: string) =>
  service.send<Record<string, unknown>, object>(text, {}, { token })
const reasonOf = ({ errors }: { errors: ErrorFacts[] }) => errors[0]?.extensions.reason
const USERS = '{ users(first: 1) { nodes { id email } } }'
const events = (subjectId: string) =>
  service.app.db.auditEvent.findMany({
    where: { subjectId, action: { startsWith: 'service.' } },
    orderBy: { id: 'asc' },
  })
let names = 0
const newName = () => `a program ${names++}`

describe('createServiceAccount', () => {
  test('returns the account and its secret once; the list and the database have only a hash', async () => {
    const role = await newRole(service, 'users:read')
    const name = newName()
    const reply = await create({ name: ` ${name} `, roles: [role, role] })
    expect(reply.errors).toEqual([])
    const { serviceAccount, secret } = reply.data?.createServiceAccount ?? {}
    expect(secret).toMatch(/^ags_[A-Za-z0-9_-]{43}$/)
    expect(serviceAccount).toEqual({
      id: expect.any(String),
      name,
      roles: [role],
      permissions: ['users:read'],
      audiences: ['authograph'],
      hasSecret: true,
      previousSecretUntil: null,
      keyIds: [],
      createdAt: expect.any(String),
      lastUsedAt: null,
    })
    expect((await list()).data?.serviceAccounts).toContainEqual(serviceAccount)
    expect(JSON.stringify(await service.app.db.serviceAccount.findMany())).not.toContain(secret?.slice(4))
    expect(await events(serviceAccount?.id ?? '')).toMatchObject([
      {
        action: 'service.created',
        actorId: admin.id,
        detail: { name, roles: [role], audiences: ['authograph'] },
      },
    ])
  })

  test('with public keys gives no secret, and shows their IDs', async () => {
    const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' })
    const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
    const publicKeys = [pem, JSON.stringify({ ...jwk, kid: 'mine', use: 'sig' })]
    const { data } = await create({ name: newName(), publicKeys })
    expect(data?.createServiceAccount).toMatchObject({
      secret: null,
      serviceAccount: { hasSecret: false, keyIds: [expect.stringMatching(/^[\w-]{43}$/), 'mine'] },
    })
  })

  const privateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  test.each([
    [{ name: ' ' }, 'input.name'],
    [{ name: 'x'.repeat(101) }, 'input.name'],
    [{ roles: ['no-such-role'] }, 'input.roles'],
    [{ audiences: [] }, 'input.audiences'],
    [{ audiences: ['two words'] }, 'input.audiences'],
    [{ audiences: Array.from({ length: 21 }, (_, at) => `a${at}`) }, 'input.audiences'],
    [{ publicKeys: ['x'] }, 'input.publicKeys'],
    [{ publicKeys: [JSON.stringify(privateKey.export({ format: 'jwk' }))] }, 'input.publicKeys'],
    [{ publicKeys: [JSON.stringify({ kty: 'RSA', n: 'f'.repeat(342), e: 'Aw' })] }, 'input.publicKeys'],
    [{ publicKeys: [privateKey.export({ type: 'pkcs8', format: 'pem' })] }, 'input.publicKeys'],
    [{ publicKeys: [weak('rsa')] }, 'input.publicKeys'],
    [{ publicKeys: [weak('ec')] }, 'input.publicKeys'],
  ])('refuses invalid input (%#)', async (input, field) => {
    expect(Object.keys(refusedFields(await create({ name: newName(), ...input })))).toEqual([field])
  })

  function weak(type: 'rsa' | 'ec'): string {
    const { publicKey } =
      type === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 1024 })
        : generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    return publicKey.export({ type: 'spki', format: 'pem' }).toString()
  }

  test('refuses a name that is taken, also to one of several at the same time', async () => {
    const name = newName()
    const replies = await Promise.all([1, 2, 3].map(() => create({ name })))
    expect(replies.flatMap(codes)).toEqual(['CONFLICT', 'CONFLICT'])
  })
})

describe('managing service accounts', () => {
  test('requires services:write, and nothing less', async () => {
    const { id } = await newServiceAccount(service, admin)
    const clerk = await signUpWith(service, 'support')
    const attempts = (viewer: SignedIn | undefined): Promise<Reply<unknown>>[] => [
      list(viewer),
      create({ name: newName() }, viewer),
      update(id, { name: newName() }, viewer),
      rotate(id, 0, viewer),
      remove(id, viewer),
    ]
    for (const attempt of attempts(clerk)) expect(codes(await attempt)).toEqual(['FORBIDDEN'])
    const anonymous = { ...clerk, accessToken: 'x' }
    for (const attempt of attempts(anonymous)) expect(codes(await attempt)).toEqual(['UNAUTHENTICATED'])
  })

  test('grants no permission that the administrator lacks, and changes no account that has one', async () => {
    const manager = await signUpWith(service, await newRole(service, 'services:write'))
    const strong = await newRole(service, 'users:delete')
    expect(codes(await create({ name: newName(), roles: [strong] }, manager))).toEqual(['FORBIDDEN'])
    const plain = await newServiceAccount(service, manager)
    expect(codes(await update(plain.id, { roles: [strong] }, manager))).toEqual(['FORBIDDEN'])
    const client = await newServiceAccount(service, admin, { roles: [strong] })
    for (const attempt of [
      update(client.id, { name: newName() }, manager),
      rotate(client.id, 0, manager),
      remove(client.id, manager),
    ])
      expect(codes(await attempt)).toEqual(['FORBIDDEN'])
    expect(await grant(client)).toBe(200)
  })

  test('requires a recent sign-in for whatever gives someone a way in', async () => {
    const late = await signUpAdmin(service)
    const { id } = await newServiceAccount(service, late)
    service.clock.advance(601)
    for (const attempt of [
      create({ name: newName() }, late),
      update(id, { roles: [] }, late),
      rotate(id, 0, late),
    ])
      expect(codes(await attempt)).toEqual(['REAUTHENTICATION_REQUIRED'])
    expect(codes(await remove(id, late))).toEqual([])
    admin = await signUpAdmin(service)
  })

  test('answers NOT_FOUND for an account that does not exist', async () => {
    for (const id of ['x', admin.id])
      for (const attempt of [update(id, {}), rotate(id), remove(id)])
        expect(codes(await attempt)).toEqual(['NOT_FOUND'])
  })

  test('changes name, roles and audiences, and records what changed', async () => {
    const role = await newRole(service, 'audit:read')
    const client = await newServiceAccount(service, admin)
    const name = newName()
    const audiences = ['https://api.example.com', 'authograph']
    const reply = await update(client.id, { name, roles: [role], audiences })
    expect(reply.data?.updateServiceAccount).toMatchObject({
      name,
      roles: [role],
      audiences,
      hasSecret: true,
    })
    expect(claimsOf(await tokenOf(service, client)).aud).toBe(audiences[0])
    expect((await update(client.id, {})).errors).toEqual([])
    expect((await events(client.id)).filter(({ action }) => action === 'service.updated')).toMatchObject([
      {
        detail: {
          before: { name: client.name, roles: [], audiences: ['authograph'] },
          after: { name, roles: [role], audiences },
        },
      },
    ])
    expect(codes(await update((await newServiceAccount(service, admin)).id, { name }))).toEqual(['CONFLICT'])
  })

  describe('adds and removes keys', () => {
    const pem = () => String(generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }))
    const keyIds = (reply: Awaited<ReturnType<typeof update>>) =>
      reply.data?.updateServiceAccount.keyIds as string[]

    test('one by one; a key that is removed ends the tokens, and one that is added does not', async () => {
      const client = await newServiceAccount(service, admin, { publicKeys: [pem()] })
      const generation = async () =>
        (await service.app.db.serviceAccount.findUniqueOrThrow({ where: { id: client.id } })).generation
      const [first = '', second = ''] = keyIds(await update(client.id, { addPublicKeys: [pem()] }))
      expect([second, await generation()]).toEqual([expect.stringMatching(/^[\w-]{43}$/), 0])
      const swapped = keyIds(await update(client.id, { addPublicKeys: [pem()], removeKeyIds: [first] }))
      expect([swapped.length, swapped[0], await generation()]).toEqual([2, second, 1])
      const [changed] = (await events(client.id)).slice(-1)
      expect(changed).toMatchObject({
        detail: { before: { keys: [first, second] }, after: { keys: swapped } },
      })
      const emptied = await update(client.id, { removeKeyIds: swapped })
      expect(emptied.data?.updateServiceAccount).toMatchObject({ keyIds: [], hasSecret: false })
      const { data } = await rotate(client.id)
      expect(await grant({ ...client, secret: data?.rotateServiceAccountSecret.secret ?? '' })).toBe(200)
    })

    test('of several administrators at the same time, and loses none', async () => {
      const { id } = await newServiceAccount(service, admin, { publicKeys: [pem()] })
      const replies = await Promise.all(
        Array.from({ length: 6 }, () => update(id, { addPublicKeys: [pem()] })),
      )
      // There is room for four more.
      expect(replies.filter(reply => codes(reply).length > 0).map(refusedFields)).toEqual(
        Array(2).fill({ 'input.addPublicKeys': ['Use at most 5 keys.'] }),
      )
      const [shown] = (await list()).data?.serviceAccounts.filter(each => each.id === id) ?? []
      expect(shown?.keyIds).toHaveLength(5)
    })

    test('and refuses keys that are none, have a known ID, or that it does not have', async () => {
      const key = JSON.stringify({
        ...generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }),
        kid: 'mine',
      })
      const { id } = await newServiceAccount(service, admin, { publicKeys: [key] })
      const fieldsOf = async (input: object) => Object.keys(refusedFields(await update(id, input)))
      expect(await fieldsOf({ addPublicKeys: ['x'] })).toEqual(['input.addPublicKeys'])
      expect(await fieldsOf({ addPublicKeys: [key] })).toEqual(['input.addPublicKeys'])
      expect(await fieldsOf({ removeKeyIds: ['other'] })).toEqual(['input.removeKeyIds'])
      expect(await fieldsOf({ publicKeys: [], removeKeyIds: ['mine'] })).toEqual(['input.publicKeys'])
    })
  })

  test('a role that a service account has cannot be deleted', async () => {
    const role = await newRole(service)
    const { id } = await newServiceAccount(service, admin, { roles: [role] })
    const deletion = 'mutation ($role: String!) { deleteRole(name: $role) }'
    const refused = await send(deletion, { role })
    expect(codes(refused)).toEqual(['CONFLICT'])
    expect(refused.errors[0]?.extensions.accounts).toBe(1)
    await remove(id)
    expect(codes(await send(deletion, { role }))).toEqual([])
  })
})

describe('rotateServiceAccountSecret', () => {
  test('ends the secret and every token immediately', async () => {
    const client = await newServiceAccount(service, admin, { roles: [await newRole(service, 'users:read')] })
    const token = await tokenOf(service, client)
    const { data } = await rotate(client.id)
    const secret = data?.rotateServiceAccountSecret.secret ?? ''
    expect(secret).not.toBe(client.secret)
    expect([await grant(client), await grant({ ...client, secret })]).toEqual([401, 200])
    expect(reasonOf(await ask(USERS, token))).toBe('REVOKED')
    const rotated = (await events(client.id)).filter(({ action }) => action === 'service.secret_rotated')
    expect(rotated).toMatchObject([{ actorId: admin.id }])
    expect(JSON.stringify(rotated)).not.toContain(secret.slice(4))
    expect(codes(await ask(USERS, await tokenOf(service, { ...client, secret })))).toEqual([])
  })

  test('with previousValidSeconds keeps the secret before for that long, and the tokens', async () => {
    const client = await newServiceAccount(service, admin, { roles: [await newRole(service, 'users:read')] })
    const token = await tokenOf(service, client)
    const { data } = await rotate(client.id, 60)
    const { serviceAccount, secret } = data?.rotateServiceAccountSecret ?? {}
    expect(Date.parse(String(serviceAccount?.previousSecretUntil))).toBeGreaterThan(
      service.clock.now().getTime(),
    )
    expect([await grant(client), await grant({ ...client, secret: secret ?? '' })]).toEqual([200, 200])
    expect(codes(await ask(USERS, token))).toEqual([])
    service.clock.advance(61)
    expect([await grant(client), await grant({ ...client, secret: secret ?? '' })]).toEqual([401, 200])
    const shown = (await list()).data?.serviceAccounts.find(({ id }) => id === client.id)
    expect(shown?.previousSecretUntil).toBeNull()
  })

  test('of several at the same time leaves one secret that works', async () => {
    const client = await newServiceAccount(service, admin)
    const replies = await Promise.all([1, 2, 3].map(() => rotate(client.id)))
    const secrets = replies.map(({ data }) => data?.rotateServiceAccountSecret.secret ?? '')
    const statuses = await Promise.all(secrets.map(secret => grant({ ...client, secret })))
    expect(statuses.sort()).toEqual([200, 401, 401])
  })

  test('refuses other times, and an account with keys until they are removed', async () => {
    const client = await newServiceAccount(service, admin)
    for (const seconds of [-1, 604_801])
      expect(Object.keys(refusedFields(await rotate(client.id, seconds)))).toEqual(['previousValidSeconds'])
    const token = await tokenOf(service, client)
    const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' })
    const keyed = await update(client.id, { publicKeys: [pem] })
    expect(keyed.data?.updateServiceAccount).toMatchObject({ hasSecret: false })
    expect([await grant(client), reasonOf(await ask('{ anyone }', token))]).toEqual([401, 'REVOKED'])
    expect(codes(await rotate(client.id))).toEqual(['CONFLICT'])
    await update(client.id, { publicKeys: [] })
    const { data } = await rotate(client.id)
    expect(await grant({ ...client, secret: data?.rotateServiceAccountSecret.secret ?? '' })).toBe(200)
  })
})

describe('at /graphql, a service account', () => {
  let role: string
  let client: TestClient
  let token: string
  beforeAll(async () => {
    role = await newRole(service, 'users:read', 'notes:read')
    client = await newServiceAccount(service, admin, { roles: [role] })
    token = await tokenOf(service, client)
  })

  test('can do what its roles allow, also in resolvers of the program', async () => {
    const { data, errors } = await ask(`{ users(first: 1) { nodes { id email } } notes }`, token)
    expect(errors).toEqual([])
    expect(data?.notes).toEqual(['serviceAccount', client.id, client.name])
  })

  test('gains and loses permissions with its roles, from the next request', async () => {
    const own = await newServiceAccount(service, admin, { roles: [role] })
    const bearer = await tokenOf(service, own)
    expect(codes(await ask(USERS, bearer))).toEqual([])
    await update(own.id, { roles: [] })
    expect(codes(await ask(USERS, bearer))).toEqual(['FORBIDDEN'])
    await update(own.id, { roles: [role] })
    expect(codes(await ask(USERS, bearer))).toEqual([])
    await service.app.db.role.update({ where: { name: role }, data: { permissions: ['notes:read'] } })
    expect(codes(await ask(USERS, bearer))).toEqual(['FORBIDDEN'])
    await service.app.db.role.update({
      where: { name: role },
      data: { permissions: ['users:read', 'notes:read'] },
    })
  })

  test('with a scope has these permissions only, in administration too', async () => {
    const writer = await newServiceAccount(service, admin, {
      roles: [await newRole(service, 'users:read', 'users:write', 'roles:write')],
    })
    const narrow = await tokenOf(service, writer, { scope: 'users:write' })
    expect(codes(await ask(USERS, narrow))).toEqual(['FORBIDDEN'])
    const { id } = await signUp(service)
    const disable = `mutation { disableUser(id: "${id}") { id } }`
    const invite = (roles: string) =>
      `mutation { inviteUser(input: { email: "${id}@example.net", roles: [${roles}] }) { id } }`
    expect(codes(await ask(invite('"user"'), narrow))).toEqual(['FORBIDDEN'])
    await ask(disable, narrow)
    const [event] = await service.app.db.auditEvent.findMany({
      where: { action: 'user.disabled', subjectId: id },
    })
    expect(event).toMatchObject({ actorId: writer.id })
    expect(codes(await ask(invite('"user"'), await tokenOf(service, writer)))).toEqual([])
    expect(codes(await ask(invite('"admin"'), await tokenOf(service, writer)))).toEqual(['FORBIDDEN'])
  })

  test('ends with its deletion', async () => {
    const own = await newServiceAccount(service, admin, { roles: [role] })
    const bearer = await tokenOf(service, own)
    expect(codes(await remove(own.id))).toEqual([])
    expect(reasonOf(await ask(USERS, bearer))).toBe('REVOKED')
    expect(await grant(own)).toBe(401)
    expect((await events(own.id)).at(-1)).toMatchObject({
      action: 'service.deleted',
      detail: { name: own.name },
    })
  })

  test('is refused with a token for another service, and with one that was changed', async () => {
    const own = await newServiceAccount(service, admin, {
      roles: [role],
      audiences: ['https://api.example.com'],
    })
    expect(reasonOf(await ask(USERS, await tokenOf(service, own)))).toBe('INVALID')
    for (const claims of [
      { client_id: own.id },
      { client_id: undefined },
      { sub: own.id },
      { gen: undefined },
      { jti: 'x' },
      { sid: admin.sessionId },
    ])
      expect([claims, reasonOf(await ask(USERS, forge(service, token, { claims })))]).toEqual([
        claims,
        expect.stringMatching(/INVALID|REVOKED/),
      ])
    expect(reasonOf(await ask(USERS, forge(service, token, { claims: { exp: 1 } })))).toBe('EXPIRED')
  })

  test('is no person: what requires a sign-in, or no permission, is FORBIDDEN', async () => {
    for (const text of ['{ me { id } }', '{ anyone }', '{ secretNotes }', 'mutation { revokeAllSessions }'])
      expect([text, codes(await ask(text, token))]).toEqual([text, ['FORBIDDEN']])
    expect(
      codes(await ask(`{ user(id: "${client.id}") { id } }`, await tokenOf(service, await plain()))),
    ).toEqual(['FORBIDDEN'])
    expect((await ask('mutation { logout }', token)).data).toEqual({ logout: true })
    expect(codes(await ask(USERS, token))).toEqual([])
  })
  const plain = () => newServiceAccount(service, admin)

  test('with every permission can call exactly the operations that have one, except those for people', async () => {
    const all = await tokenOf(service, await newServiceAccount(service, admin, { roles: ['admin'] }))
    const schema = createSchema()
    const { queries, mutations } = getMetadataStorage()
    const guarded = [
      ...queries.map(({ schemaName, roles }) => [`Query.${schemaName}`, roles] as const),
      ...mutations.map(({ schemaName, roles }) => [`Mutation.${schemaName}`, roles] as const),
    ].filter(
      ([coordinate, roles]) => roles && schema.getType(coordinate.split('.')[0] ?? '') && has(coordinate),
    )
    function has(coordinate: string): boolean {
      const [root, name = ''] = coordinate.split('.')
      const type = root === 'Query' ? schema.getQueryType() : schema.getMutationType()
      return name in (type?.getFields() ?? {})
    }
    expect(guarded.length).toBeGreaterThan(40)
    const refused: string[] = []
    for (const [coordinate, roles] of guarded) {
      const { text, variables } = sampleCall(schema, coordinate)
      const { errors } = await service.send(text, variables, { token: all })
      const needed = roles?.filter(role => role !== 'self') ?? []
      const isForbidden = codes({ errors }).includes('FORBIDDEN')
      if (needed.length === 0) expect([coordinate, isForbidden]).toEqual([coordinate, true])
      else if (isForbidden) refused.push(coordinate)
    }
    expect(refused.sort()).toEqual([
      'Mutation.createServiceAccount',
      'Mutation.impersonateUser',
      'Mutation.resetUserFactors',
      'Mutation.rotateServiceAccountSecret',
      'Mutation.updateServiceAccount',
    ])
    service.logged.splice(0)
  })
})
