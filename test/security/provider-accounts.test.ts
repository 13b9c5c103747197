import { afterAll, describe, expect, test } from '@jest/globals'
import {
  as,
  login,
  newAddress,
  newRole,
  PASSWORD,
  signUp,
  signUpVerified,
  signUpWith,
} from '../support/actors.ts'
import { TestClock } from '../support/clock.ts'
import { haveRecoveryCodes, haveTotp } from '../support/factors.ts'
import { type FakeClaims, startFakeProvider } from '../support/fake-provider.ts'
import { mailedToken } from '../support/mails.ts'
import {
  ConfirmEmailChange,
  Me,
  Refresh,
  RequestEmailChange,
  RequestPasswordReset,
  ResetPassword,
  UndoEmailChange,
  VerifyEmail,
} from '../support/operations.ts'
import { havePasskey } from '../support/passkeys.ts'
import { newPerson, resultOf, signInWith, signUpWithTicket } from '../support/provider-browser.ts'
import { codes, startService, useService } from '../support/service.ts'
import { tokenOf } from '../support/smtp.ts'

const clock = new TestClock()
/** Its addresses are verified, such as those of GitHub. */
const corp = await startFakeProvider({ clock })
/** It runs the mailboxes, such as Google for gmail.com. */
const mail = await startFakeProvider({ clock })
/** It lets people enter any address: nOAuth. */
const open = await startFakeProvider({ clock })
const fakes = { corp, mail, open }

const settings = {
  ...corp.settings('corp'),
  ...mail.settings('mail'),
  ...open.settings('open'),
  PROVIDERS: 'corp,mail,open',
  PROVIDER_CORP_EMAIL: 'verified',
  PROVIDER_MAIL_EMAIL: 'authoritative',
}
const service = useService({ clock, settings })

afterAll(() => Promise.all(Object.values(fakes).map(fake => fake.stop())))

const at = (provider: keyof typeof fakes, person: FakeClaims) =>
  resultOf(service, fakes[provider], person, { provider })
const userWith = (emailCanonical: string) =>
  service.app.db.user.findUnique({
    where: { emailCanonical },
    include: { identities: true, passkeys: true, totp: true, recoveryCodes: true, roles: true },
  })

describe('an account that a stranger created at an address (arXiv 2205.10174)', () => {
  test('classic-federated merge: its password no longer signs in once the owner of the address comes with a provider', async () => {
    const person = newPerson()
    const stranger = await signUp(service, { email: person.email })
    const owner = await at('corp', person)
    expect(owner).toMatchObject({
      __typename: 'AuthPayload',
      user: { id: stranger.id, emailVerified: true, hasPassword: false },
    })
    expect(codes(await login(service, { identifier: person.email, password: PASSWORD }))).toEqual([
      'INVALID_CREDENTIALS',
    ])
  })

  test('unexpired session: neither its access tokens nor its refresh tokens work any longer', async () => {
    const person = newPerson()
    const stranger = await signUp(service, { email: person.email })
    await at('corp', person)
    expect(codes(await service.send(Me, {}, as(stranger)))).toEqual(['UNAUTHENTICATED'])
    const { refreshToken } = stranger
    expect(codes(await service.send(Refresh, { input: { refreshToken } }))).toEqual(['REFRESH_TOKEN_INVALID'])
  })

  test('trojan identifier: neither its identities, passkeys, codes nor its authenticator app remain', async () => {
    const person = newPerson()
    const stranger = await signUp(service, { email: person.email })
    const trojan = newPerson()
    const now = clock.now()
    await service.app.db.identity.create({
      data: {
        userId: stranger.id,
        provider: 'open',
        issuer: open.issuer,
        subject: trojan.sub,
        createdAt: now,
        lastUsedAt: now,
      },
    })
    await havePasskey(service, stranger.id)
    await haveTotp(service, stranger.id)
    await haveRecoveryCodes(service, stranger.id)
    expect(await at('corp', person)).toMatchObject({ __typename: 'AuthPayload', user: { id: stranger.id } })
    expect(await userWith(person.email)).toMatchObject({
      identities: [{ provider: 'corp' }],
      passkeys: [],
      totp: null,
      recoveryCodes: [],
    })
    const back = await at('open', trojan)
    expect(back.__typename).toBe('ProviderSignUpRequired')
  })

  test('unexpired email change: its link to another address no longer works', async () => {
    const person = newPerson()
    const stranger = await signUp(service, { email: person.email })
    const elsewhere = newAddress()
    const asked = await service.send(RequestEmailChange, { input: { newEmail: elsewhere } }, as(stranger))
    expect(asked.errors).toEqual([])
    const [link] = await service.mailsTo(elsewhere)
    await at('corp', person)
    const token = link ? tokenOf(link) : ''
    expect(token).not.toBe('')
    expect(codes(await service.send(ConfirmEmailChange, { input: { token } }))).toEqual(['TOKEN_INVALID'])
    expect((await userWith(person.email))?.email).toBe(person.email)
  })

  test('nor does a link that is waiting in the owner’s mailbox bring anything of it back', async () => {
    const person = newPerson()
    const stranger = await signUp(service, { email: person.email })
    await service.send(RequestPasswordReset, { input: { email: person.email } })
    const emails = await service.mailsTo(person.email)
    await at('corp', person)
    expect(emails.length).toBeGreaterThan(1)
    for (const { text = '' } of emails) {
      const [, token = ''] = /#token=(\S+)/.exec(text) ?? []
      const reset = { token, newPassword: 'another brass engine' }
      expect(codes(await service.send(ResetPassword, { input: reset }))).toEqual(['TOKEN_INVALID'])
      await service.send(VerifyEmail, { input: { token } })
    }
    expect((await userWith(person.email))?.passwordHash).toBeNull()
    expect(codes(await service.send(Me, {}, as(stranger)))).toEqual(['UNAUTHENTICATED'])
  })

  test('unexpired email change, the other way: a change to the owner’s address that waits for its link takes nothing', async () => {
    const person = newPerson()
    const stranger = await signUpVerified(service)
    await service.send(RequestEmailChange, { input: { newEmail: person.email } }, as(stranger))
    const [link] = await service.mailsTo(person.email)
    const owner = await at('corp', person)
    expect(owner.user?.id).not.toBe(stranger.id)
    const token = link ? tokenOf(link) : ''
    const confirmed = await service.send(ConfirmEmailChange, { input: { token } })
    expect(codes(confirmed)[0]).toMatch(/^(EMAIL_TAKEN|TOKEN_INVALID)$/)
    expect((await userWith(person.email))?.id).toBe(owner.user?.id)
  })

  test('non-verifying provider: an address that a provider does not prove signs in to nothing and occupies nothing', async () => {
    const victim = await signUpVerified(service)
    const attacker = newPerson({ email: victim.email })
    const result = await at('open', attacker)
    expect(result).toMatchObject({ __typename: 'ProviderSignUpRequired', email: victim.email })
    expect(codes(await signUpWithTicket(service, result.ticket, victim.email))).toEqual(['EMAIL_TAKEN'])
    expect((await userWith(victim.email))?.identities).toEqual([])
    const fresh = newPerson()
    await signUpWithTicket(service, (await at('open', newPerson())).ticket, fresh.email)
    const owner = await at('corp', fresh)
    expect(owner).toMatchObject({ __typename: 'AuthPayload', user: { emailVerified: true } })
    expect((await userWith(fresh.email))?.identities).toMatchObject([{ provider: 'corp' }])
  })

  test('holds a permission by now: it is not taken over', async () => {
    const person = newPerson()
    const stranger = await signUp(service, { email: person.email })
    const roleName = await newRole(service, 'users:read')
    await service.app.db.userRole.create({ data: { userId: stranger.id, roleName } })
    expect(await at('corp', person)).toMatchObject({ __typename: 'ProviderLinkRequired' })
    expect((await service.send(Me, {}, as(stranger))).errors).toEqual([])
  })
})

describe('an account with a verified address', () => {
  test('is linked to a provider that runs the mailbox, and its owner receives an email', async () => {
    const victim = await signUpVerified(service)
    const result = await at('mail', newPerson({ email: victim.email }))
    expect(result).toMatchObject({ __typename: 'AuthPayload', user: { id: victim.id, hasPassword: true } })
    const subjects = (await service.mailsTo(victim.email)).map(({ subject }) => subject)
    expect(subjects).toContainEqual(expect.stringMatching(/connected/))
  })

  test.each<[string, (id: string) => Promise<unknown>]>([
    ['a second factor', id => haveTotp(service, id)],
    ['a passkey', id => havePasskey(service, id)],
    [
      'a permission',
      async userId =>
        service.app.db.userRole.create({ data: { userId, roleName: await newRole(service, 'users:read') } }),
    ],
    [
      'a demand for a second factor',
      id => service.app.db.user.update({ where: { id }, data: { secondFactorRequired: true } }),
    ],
  ])('with %s is not linked without its owner', async (_, have) => {
    const victim = await signUpVerified(service)
    await have(victim.id)
    const before = await service.app.db.session.count()
    const result = await at('mail', newPerson({ email: victim.email }))
    expect(result).toMatchObject({ __typename: 'ProviderLinkRequired', address: victim.email })
    expect((await userWith(victim.email))?.identities).toEqual([])
    expect(await service.app.db.session.count()).toBe(before)
  })

  test('is not linked to a provider that only verified the address once', async () => {
    const victim = await signUpVerified(service)
    expect(await at('corp', newPerson({ email: victim.email }))).toMatchObject({
      __typename: 'ProviderLinkRequired',
    })
    expect((await userWith(victim.email))?.identities).toEqual([])
  })

  test('is not linked if the provider calls the address unverified, whatever the settings trust', async () => {
    const victim = await signUpVerified(service)
    for (const email_verified of [false, 'false'])
      expect(await at('mail', newPerson({ email: victim.email, email_verified }))).toMatchObject({
        __typename: 'ProviderSignUpRequired',
      })
    expect((await userWith(victim.email))?.identities).toEqual([])
  })

  test('and disabled is not signed in to, and nothing is linked', async () => {
    const victim = await signUpVerified(service)
    await service.app.db.user.update({ where: { id: victim.id }, data: { disabledAt: clock.now() } })
    const reply = await signInWith(service, mail, newPerson({ email: victim.email }), { provider: 'mail' })
    expect(codes(reply)).toEqual(['ACCOUNT_DISABLED'])
    expect((await userWith(victim.email))?.identities).toEqual([])
  })
})

describe('the former address of an account, while its owner can still undo the change,', () => {
  async function moved() {
    const owner = await signUpVerified(service)
    const to = newAddress()
    await service.send(RequestEmailChange, { input: { newEmail: to } }, as(owner))
    await service.send(ConfirmEmailChange, {
      input: { token: await mailedToken(service, to, 'confirm-email') },
    })
    return { old: owner.email, undoToken: await mailedToken(service, owner.email, 'undo-email') }
  }

  test('is not occupied by a person of a provider that only verified it once', async () => {
    const { old, undoToken } = await moved()
    const reply = await signInWith(service, corp, newPerson({ email: old }), { provider: 'corp' })
    expect(codes(reply)).toEqual(['EMAIL_TAKEN'])
    expect(codes(await service.send(UndoEmailChange, { input: { token: undoToken } }))).toEqual([])
  })

  test('is not lost to an account that is taken over', async () => {
    const { old } = await moved()
    const person = newPerson()
    const stranger = await signUp(service, { email: person.email })
    const changed = await service.send(RequestEmailChange, { input: { newEmail: old } }, as(stranger))
    expect(codes(changed)).toEqual([])
    expect((await at('corp', person)).user?.email).toBe(person.email)
  })
})

describe('an identity is the issuer and the subject, never the address:', () => {
  test('the same subject at another issuer is another person', async () => {
    const one = newPerson()
    const other = { ...newPerson(), sub: one.sub }
    const first = await at('corp', one)
    const second = await at('mail', other)
    expect(second.user?.id).not.toBe(first.user?.id)
  })

  test('a known person stays in their account when the provider gives them another’s address', async () => {
    const victim = await signUpVerified(service)
    const person = newPerson()
    const before = await at('mail', person)
    const after = await at('mail', { ...person, email: victim.email })
    expect(after.user).toMatchObject({ id: before.user?.id, email: person.email })
    expect((await userWith(victim.email))?.identities).toEqual([])
  })

  test('another person who later gets the address at the provider does not get the account', async () => {
    const person = newPerson()
    const owner = await at('corp', person)
    const successor = await at('corp', { ...person, sub: `${person.sub}-successor` })
    expect(successor.__typename).toBe('ProviderLinkRequired')
    expect((await userWith(person.email))?.id).toBe(owner.user?.id)
  })

  test.each([
    ['a subject in other letters', (sub: string) => sub.toUpperCase()],
    ['a subject with a space after it', (sub: string) => `${sub} `],
    ['a subject with a longer name', (sub: string) => `${sub}0`],
  ])('%s is another one', async (_, change) => {
    const person = newPerson()
    const owner = await at('corp', person)
    const result = await at('corp', newPerson({ sub: change(person.sub) }))
    expect(result.user?.id).not.toBe(owner.user?.id)
  })
})

describe('an address of a provider', () => {
  test.each([
    [
      'in full-width letters',
      (email: string) => email.replace(/^./, first => String.fromCodePoint(first.charCodeAt(0) + 0xfee0)),
    ],
    ['with a ligature', (email: string) => email.replace(/^../, 'ﬁ')],
    ['with a full-width at sign', (email: string) => email.replace('@', '＠')],
    ['with the Kelvin sign', (email: string) => email.replace(/^./, '\u212A')],
    ['with a full-width domain', (email: string) => email.replace('example', 'ｅxample')],
    ['with an invisible character', (email: string) => email.replace('@', '\u200B@')],
    ['with a name around it', (email: string) => `Ada <${email}>`],
    ['beside another one', (email: string) => `${email},${newAddress()}`],
    ['with a line break', (email: string) => `${email}\r\nBcc: ${newAddress()}`],
  ])('%s proves no account’s address', async (_, spell) => {
    // The mailbox of such a spelling can belong to someone else.
    const email = `fi${newAddress()}`
    const spelled = spell(email)
    const result = await at('mail', newPerson({ email: spelled }))
    expect(result.__typename).toBe('ProviderSignUpRequired')
    expect(await service.app.db.user.count({ where: { emailCanonical: email } })).toBe(0)
  })

  test('counts in other letters, as emails do', async () => {
    const victim = await signUpVerified(service)
    const result = await at('mail', newPerson({ email: victim.email.toUpperCase() }))
    expect(result.user?.id).toBe(victim.id)
  })

  test.each([
    ['a list', ['victim@example.com']],
    ['an object', { address: 'victim@example.com' }],
    ['a number', 42],
    ['a very long text', `${'x'.repeat(100_000)}@example.com`],
  ])('that is %s counts as none', async (_, email) => {
    const result = await at('corp', newPerson({ email }))
    expect(result).toMatchObject({ __typename: 'ProviderSignUpRequired', email: null })
  })
})

test.each([
  ['a line break', 'Ada\nBcc: x@example.com'],
  ['an object', { first: 'Ada' }],
  ['100,000 characters', 'x'.repeat(100_000)],
  ['characters that reverse the text', 'Ada \u202Egnp.exe'],
])('a name that has %s at the provider is one short line here, or none', async (_, name) => {
  const result = await at('corp', newPerson({ name }))
  expect(result.__typename).toBe('AuthPayload')
  expect(result.user?.displayName ?? '').toMatch(/^[\x20-\x7e]{0,100}$/)
})

describe('a provider is one factor:', () => {
  test('an account that has an authenticator app demands its code', async () => {
    const person = newPerson()
    const { user } = await at('corp', person)
    await haveTotp(service, user?.id ?? '')
    const before = await service.app.db.session.count()
    expect(await at('corp', person)).toMatchObject({ __typename: 'SecondFactorRequired', methods: ['TOTP'] })
    expect(await service.app.db.session.count()).toBe(before)
  })

  test('what the provider says about factors (amr, acr) changes nothing', async () => {
    const person = newPerson({ amr: ['mfa', 'hwk'], acr: 'phr' })
    const result = await at('corp', person)
    expect(result.session).toMatchObject({ strength: 'SINGLE', methods: ['PROVIDER'] })
    await haveTotp(service, result.user?.id ?? '')
    expect(await at('corp', person)).toMatchObject({ __typename: 'SecondFactorRequired' })
  })
})

test('claims of a provider give no role and no permission', async () => {
  const person = newPerson({
    roles: ['admin'],
    groups: ['admin'],
    permissions: ['users:read'],
    is_admin: true,
  })
  await at('corp', person)
  expect((await userWith(person.email))?.roles).toMatchObject([{ roleName: 'user' }])
})

test('while registration is closed, only people with an account sign in, and nothing reveals who has one', async () => {
  const closed = await startService({ clock, settings: { ...settings, REGISTRATION: 'closed' } })
  try {
    const stranger = await signInWith(closed, corp, newPerson(), { provider: 'corp' })
    expect(codes(stranger)).toEqual(['REGISTRATION_CLOSED'])
    expect(await closed.app.db.user.count()).toBe(0)
    const victim = { email: newAddress(), emailCanonical: '', locale: 'en' }
    victim.emailCanonical = victim.email
    const now = clock.now()
    await closed.app.db.user.create({
      data: { ...victim, emailVerifiedAt: now, createdAt: now, updatedAt: now },
    })
    const unknown = await signInWith(closed, open, newPerson(), { provider: 'open' })
    const known = await signInWith(closed, open, newPerson({ email: victim.email }), { provider: 'open' })
    expect([codes(unknown), codes(known)]).toEqual([['REGISTRATION_CLOSED'], ['REGISTRATION_CLOSED']])
  } finally {
    await closed.close()
  }
})

test('with PROVIDER_LINKING=ask, no account is linked without its owner', async () => {
  const asking = await startService({ clock, settings: { ...settings, PROVIDER_LINKING: 'ask' } })
  try {
    const victim = await signUpWith(asking)
    await asking.app.db.user.update({ where: { id: victim.id }, data: { emailVerifiedAt: clock.now() } })
    const result = await resultOf(asking, mail, newPerson({ email: victim.email }), { provider: 'mail' })
    expect(result.__typename).toBe('ProviderLinkRequired')
  } finally {
    await asking.close()
  }
})
