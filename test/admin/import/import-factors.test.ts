import { createHash, createPublicKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { Secret, TOTP } from 'otpauth'
import { type ExportedUser, exportUsers } from '../../../src/admin/import/export-users.ts'
import { type ImportOptions, importUsers } from '../../../src/admin/import/import-users.ts'
import { toCosePublicKey } from '../../../src/credentials/passkey/public-key.ts'
import { newAddress, signUp, signUpVerified } from '../../support/actors.ts'
import { SoftAuthenticator } from '../../support/authenticator.ts'
import { firstStep, haveRecoveryCodes, haveTotp, secondStep, ticketOf } from '../../support/factors.ts'
import { CHEAP_HASH } from '../../support/foreign-hashes.ts'
import { havePasskey, newAuthenticator, passkeyLogin, passkeyProblem } from '../../support/passkeys.ts'
import { codes, startService, useService } from '../../support/service.ts'

const service = useService()
const rpId = 'localhost'

async function importing(records: object[], options: ImportOptions = { rpId }, { app } = service) {
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

/** Imports an account with the password of the tests, and returns its address. */
async function imported(fields: object): Promise<string> {
  const email = newAddress()
  const report = await importing([{ email, passwordHash: CHEAP_HASH, emailVerified: true, ...fields }])
  expect(report).toMatchObject({ taken: 1, skipped: 0, reasons: [] })
  return email
}

async function reasonFor(fields: object, options?: ImportOptions): Promise<string | undefined> {
  const report = await importing([{ email: newAddress(), ...fields }], options)
  expect(report).toMatchObject({ taken: 0, skipped: 1 })
  return report.reasons[0]?.reason
}

/** Signs in with the password and a code of an app with this secret. */
async function signsInWith(email: string, totp: TOTP): Promise<string | undefined> {
  const totpCode = totp.generate({ timestamp: service.clock.now().getTime() })
  const { data, errors } = await secondStep(service, await ticketOf(service, email), { totpCode })
  expect(errors).toEqual([])
  return data?.completeLogin.session.strength
}

const bytes = randomBytes(20)
const base32 = new Secret({ buffer: new Uint8Array(bytes).buffer }).base32
const base64url = (data: Uint8Array) => Buffer.from(data).toString('base64url')
const base64 = (data: Uint8Array) => Buffer.from(data).toString('base64')
const hex = (data: Uint8Array) => `\\x${Buffer.from(data).toString('hex')}`
const TEXT = 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6'

describe('a secret of an authenticator app that was imported signs in', () => {
  const usual = new TOTP({ secret: base32 })
  const eight = new TOTP({ secret: base32, digits: 8, algorithm: 'SHA256', period: 60 })
  const ofText = new TOTP({ secret: Secret.fromUTF8(TEXT) })

  test.each<[string, object, TOTP]>([
    ['as Supabase has it, in base32', { totp: { secret: base32 } }, usual],
    ['as Hanko exports it', { otp_secret: { secret: base32.toLowerCase() } }, usual],
    [
      'as Keycloak has it: the characters are the key',
      { totp: { secret: TEXT, encoding: 'utf8', algorithm: 'HmacSHA1', digits: 6, period: 30 } },
      ofText,
    ],
    ['as better-auth has it, once decrypted', { totp: { secret: TEXT, encoding: 'utf8' } }, ofText],
    ['as text alone', { totp: base32 }, usual],
    ['as a URI', { totp: { uri: eight.toString() } }, eight],
    ['as a URI alone', { totp: usual.toString() }, usual],
    ['as JSON in a CSV file', { totp: JSON.stringify({ secret: base32 }) }, usual],
    ['in hexadecimal', { totp: { secret: bytes.toString('hex'), encoding: 'hex' } }, usual],
    [
      'with eight digits of SHA-256 every 60 seconds',
      { totp: { secret: base64(bytes), encoding: 'base64', algorithm: 'SHA-256', digits: 8, period: 60 } },
      eight,
    ],
  ])('%s', async (_, fields, totp) => {
    expect(await signsInWith(await imported(fields), totp)).toBe('MULTI')
  })

  test('and the password alone does not', async () => {
    const email = await imported({ totp: base32 })
    expect((await firstStep(service, email)).data?.login.__typename).toBe('SecondFactorRequired')
  })
})

describe('recovery codes that were imported sign in once', () => {
  const signsIn = async (email: string, recoveryCode: string) =>
    codes(await secondStep(service, await ticketOf(service, email), { recoveryCode }))

  test('as better-auth has them, with or without the hyphen, and not in other case', async () => {
    const email = await imported({ totp: base32, recoveryCodes: ['aBcDe-fGhIj', 'kLmNo-12345'] })
    expect(await signsIn(email, 'abcde-fghij')).toEqual(['CODE_INVALID'])
    expect(await signsIn(email, 'aBcDe-fGhIj')).toEqual([])
    expect(await signsIn(email, 'aBcDe-fGhIj')).toEqual(['CODE_INVALID'])
    expect(await signsIn(email, 'kLmNo12345')).toEqual([])
  })

  test('as Keycloak has them, which stores only their SHA-512', async () => {
    const sha512 = createHash('sha512').update('ABCD1234EFGH').digest('base64')
    const email = await imported({ totp: base32, recoveryCodes: [{ sha512 }] })
    expect(await signsIn(email, 'ABCD-1234-EFGI')).toEqual(['CODE_INVALID'])
    expect(await signsIn(email, 'abcd-1234-efgh')).toEqual([])
    expect(await signsIn(email, 'ABCD1234EFGH')).toEqual(['CODE_INVALID'])
  })

  test('and the database has neither the code nor a hash that a guess could be compared with', async () => {
    const code = `code-${randomUUID()}`
    const email = await imported({ totp: base32, recoveryCodes: [code] })
    const user = await service.app.db.user.findUniqueOrThrow({
      where: { emailCanonical: email },
      include: { recoveryCodes: true },
    })
    const stored = user.recoveryCodes.map(({ hash }) => hash).join()
    for (const text of [code, code.replaceAll('-', '')]) {
      expect(stored).not.toContain(text)
      for (const algorithm of ['sha256', 'sha512'])
        expect(stored).not.toContain(createHash(algorithm).update(text).digest('base64url'))
    }
  })
})

describe('a passkey that was imported signs in', () => {
  const spki = (cose: SoftAuthenticator) => {
    const x = Buffer.from(cose.coseKey).subarray(10, 42)
    const y = Buffer.from(cose.coseKey).subarray(45, 77)
    const key = { kty: 'EC', crv: 'P-256', x: base64url(x), y: base64url(y) }
    return { jwk: key, der: createPublicKey({ key, format: 'jwk' }).export({ format: 'der', type: 'spki' }) }
  }
  const id = randomUUID()

  test.each<[string, (one: SoftAuthenticator) => object, string | undefined]>([
    [
      'as better-auth has it, which stores no user handle: any is accepted',
      one => ({
        credentialID: one.id,
        publicKey: base64(one.coseKey),
        counter: 0,
        deviceType: 'multiDevice',
        backedUp: true,
        transports: 'internal,hybrid',
      }),
      base64url(randomBytes(32)),
    ],
    [
      'as Supabase has it, with the UUID as text for its user handle',
      one => ({
        credential_id: hex(one.credentialId),
        public_key: hex(one.coseKey),
        sign_count: 0,
        transports: ['internal'],
        backup_eligible: true,
        backed_up: true,
        friendly_name: 'Phone',
        userHandle: base64url(Buffer.from(id)),
      }),
      base64url(Buffer.from(id)),
    ],
    [
      'as Keycloak has it',
      one => ({
        credentialId: base64(one.credentialId),
        credentialPublicKey: base64url(one.coseKey),
        counter: 0,
        aaguid: '00000000-0000-0000-0000-000000000000',
        transports: [],
      }),
      base64url(Buffer.from(randomUUID())),
    ],
    [
      'as Hanko exports it',
      one => ({
        id: one.id,
        name: null,
        public_key: base64url(one.coseKey),
        attestation_type: 'none',
        aaguid: 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd',
        sign_count: 0,
        last_used_at: '2024-05-31T12:00:00Z',
        transports: ['hybrid', 'internal'],
        backup_eligible: true,
        backup_state: true,
        mfa_only: false,
      }),
      base64url(Buffer.from(id.replaceAll('-', ''), 'hex')),
    ],
    ['with its key as JWK', one => ({ credentialId: one.id, publicKey: spki(one).jwk }), undefined],
    ['with its key as SPKI', one => ({ credentialId: one.id, publicKey: base64(spki(one).der) }), undefined],
  ])('%s', async (_, fields, handle) => {
    const authenticator = newAuthenticator(service)
    if (handle !== undefined) authenticator.adopt(handle)
    const email = await imported({ passkeys: [fields(authenticator)] })
    const { data, errors } = await passkeyLogin(service, authenticator)
    expect(errors).toEqual([])
    expect(data?.loginWithPasskey).toMatchObject({
      user: { id: (await service.app.db.user.findUniqueOrThrow({ where: { emailCanonical: email } })).id },
      session: { strength: 'PHISHING_RESISTANT' },
    })
  })

  test('but not with another user handle than the one it was imported with', async () => {
    const authenticator = newAuthenticator(service).adopt(base64url(randomBytes(16)))
    const userHandle = base64url(randomBytes(16))
    await imported({
      passkeys: [{ credentialId: authenticator.id, publicKey: base64(authenticator.coseKey), userHandle }],
    })
    expect(passkeyProblem(await passkeyLogin(service, authenticator))).toBe('PASSKEY_INVALID REFUSED')
  })

  test('and a key for second factors only completes the sign-in of an account that demands one', async () => {
    const authenticator = newAuthenticator(service, { synced: false })
    const email = await imported({
      totp: base32,
      webauthn_credentials: [
        { id: authenticator.id, public_key: base64(authenticator.coseKey), mfa_only: true, sign_count: 0 },
      ],
    })
    const { data } = await firstStep(service, email)
    expect(data?.login).toMatchObject({ methods: expect.arrayContaining(['SECURITY_KEY', 'TOTP']) })
  })

  test('unless another account has it: the account is imported without it, and the report counts it', async () => {
    const { id: userId } = await signUp(service)
    const authenticator = await havePasskey(service, userId)
    const passkey = { credentialId: authenticator.id, publicKey: base64(authenticator.coseKey) }
    const other = newAuthenticator(service)
    const email = newAddress()
    const report = await importing([
      { email, passkeys: [passkey, { credentialId: other.id, publicKey: base64(other.coseKey) }] },
      { email: newAddress(), passkeys: [{ credentialId: other.id, publicKey: base64(other.coseKey) }] },
    ])
    expect(report).toMatchObject({ taken: 2, passkeys: 1, passkeysInUse: 2 })
    const stored = await service.app.db.passkey.findMany({
      where: { credentialId: new Uint8Array(authenticator.credentialId) },
    })
    expect(stored).toMatchObject([{ userId }])
  })
})

describe('the domain of passkeys', () => {
  const passkey = () => {
    const authenticator = newAuthenticator(service)
    return { credentialId: authenticator.id, publicKey: base64(authenticator.coseKey) }
  }

  test('must be named, or the record is skipped', async () => {
    expect(await reasonFor({ passkeys: [passkey()] }, {})).toContain('--rp-id')
    expect(await importing([{ email: newAddress(), passkeys: [] }], {})).toMatchObject({ taken: 1 })
  })

  test('must be that of the server, or nothing is imported', async () => {
    const email = newAddress()
    const wrong = importing([{ email, passkeys: [passkey()] }], { rpId: 'example.com' })
    await expect(wrong).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
    expect(await service.app.db.user.count({ where: { emailCanonical: email } })).toBe(0)
  })
})

describe('a record is skipped, and its reason repeats no secret, for', () => {
  const { coseKey, id } = new SoftAuthenticator('http://localhost:4000')
  const key = base64(coseKey)
  const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey.export({ format: 'jwk' })

  test.each<[string, object, string]>([
    ['a secret that is no base32', { totp: 'not/base32!' }, 'totp: The secret can’t be decoded'],
    ['a short secret', { totp: 'GEZDGNBV' }, 'totp: The secret must have'],
    ['no secret', { totp: {} }, 'totp: The secret must have'],
    ['another algorithm', { totp: { secret: base32, algorithm: 'MD5' } }, 'totp: The algorithm'],
    ['seven digits', { totp: { secret: base32, digits: 7 } }, 'totp: Codes must have'],
    ['a period of a day', { totp: { secret: base32, period: 86_400 } }, 'totp: The period'],
    ['codes that count', { totp: `otpauth://hotp/x?secret=${base32}&counter=0` }, 'totp: Codes that count'],
    ['a bad URI', { totp: 'otpauth://totp/x?secret=' }, 'totp: This is not an otpauth'],
    ['codes that are no list', { recoveryCodes: 'abcde' }, 'recoveryCodes: Enter a list'],
    ['a code that is too short', { recoveryCodes: ['1234'] }, 'recoveryCodes: A recovery code'],
    ['a wrong SHA-512', { recoveryCodes: [{ sha512: 'AAAA' }] }, 'recoveryCodes: A recovery code'],
    [
      'too many codes',
      { recoveryCodes: Array.from({ length: 51 }, (_, n) => `code ${n}`) },
      'recoveryCodes: At most',
    ],
    [
      'two codes in one slot',
      {
        recoveryCodes: [
          { slot: 1, hash: '$argon2id$a' },
          { slot: 1, hash: '$argon2id$b' },
        ],
      },
      'recoveryCodes: Each code',
    ],
    ['passkeys that are no list', { passkeys: 'x' }, 'passkeys: Enter a list'],
    ['a passkey without a key', { passkeys: [{ credentialId: id }] }, 'passkeys'],
    [
      'a key of another kind',
      { passkeys: [{ credentialId: id, publicKey: p521 }] },
      'passkeys: The public key',
    ],
    [
      'a key that is no key',
      { passkeys: [{ credentialId: id, publicKey: 'AAAA' }] },
      'passkeys: The public key',
    ],
    [
      'a credential ID that is no base64',
      { passkeys: [{ credentialId: 'ä', publicKey: key }] },
      'passkeys: Enter bytes',
    ],
    ['a negative counter', { passkeys: [{ credentialId: id, publicKey: key, counter: -1 }] }, 'passkeys'],
  ])('%s', async (_, fields, reason) => {
    const said = await reasonFor(fields)
    expect(said).toContain(reason)
    for (const secret of [base32, 'not/base32', '1234', 'GEZDGNBV']) expect(said).not.toContain(secret)
  })
})

test.each([
  ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['EdDSA', generateKeyPairSync('ed25519')],
  ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
])('a public key for %s is the same COSE_Key from JWK, from SPKI and from COSE', (_, { publicKey }) => {
  const fromJwk = toCosePublicKey(publicKey.export({ format: 'jwk' }))
  const fromSpki = toCosePublicKey(publicKey.export({ format: 'der', type: 'spki' }))
  expect(fromJwk).toBeDefined()
  expect(fromSpki).toEqual(fromJwk)
  expect(fromJwk && toCosePublicKey(fromJwk)).toEqual(fromJwk)
})

test('an account is exported with its second factors only if asked, and signs in with them on another server', async () => {
  const ada = await signUpVerified(service)
  const app = await haveTotp(service, ada.id)
  const [first = '', second = ''] = await haveRecoveryCodes(service, ada.id)
  const authenticator = await havePasskey(service, ada.id)
  await secondStep(service, await ticketOf(service, ada.email), { recoveryCode: first })
  const exported = async (withSecondFactors: boolean) => {
    const found: ExportedUser[] = []
    for await (const batch of exportUsers(service.app, { withPasswordHashes: true, withSecondFactors }))
      found.push(...batch)
    return found.find(({ id }) => id === ada.id)
  }
  expect(JSON.stringify(await exported(false))).not.toMatch(/totp|recoveryCodes|passkeys/)
  const record = JSON.parse(JSON.stringify(await exported(true))) as Record<string, unknown>
  expect(record.recoveryCodes).toHaveLength(9)
  const other = await startService({ clock: service.clock })
  try {
    expect(await importing([record], { rpId }, other)).toMatchObject({ taken: 1, passkeys: 1, withTotp: 1 })
    const login = async (proof: object) =>
      codes(await secondStep(other, await ticketOf(other, ada.email), proof))
    expect(await login({ totpCode: app.code() })).toEqual([])
    expect(await login({ recoveryCode: first })).toEqual(['CODE_INVALID'])
    expect(await login({ recoveryCode: second })).toEqual([])
    expect((await passkeyLogin(other, authenticator)).errors).toEqual([])
  } finally {
    await other.close()
  }
})

test('recovery codes of another system are not exported, because they are stored under a key of this server', async () => {
  const email = await imported({ totp: base32, recoveryCodes: ['aBcDe-fGhIj'] })
  for await (const batch of exportUsers(service.app, { withPasswordHashes: true, withSecondFactors: true })) {
    const found = batch.find(user => user.email === email)
    if (found) expect(found).toMatchObject({ recoveryCodes: [], totp: { secret: base32 } })
  }
})
