import { beforeEach, describe, expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import {
  as,
  newAddress,
  newRole,
  PASSWORD,
  type SignedIn,
  signIn,
  signUp,
  signUpAdmin,
  signUpWith,
} from '../../support/actors.ts'
import { auditOf } from '../../support/audit.ts'
import { mailedToken, templatesTo } from '../../support/mails.ts'
import {
  DisableUser,
  InviteUser,
  RequestPasswordReset,
  ResendInvitation,
  ResetPassword,
  SendPasswordReset,
  UserWhole,
} from '../../support/operations.ts'
import { meet } from '../../support/race.ts'
import { codes, useService } from '../../support/service.ts'
import { stateOf } from '../../support/sessions.ts'

const service = useService()
const withoutMail = useService({ settings: { MAIL: 'off' } })
const NEW_PASSWORD = 'eighteen copper whistles'

let admin: SignedIn
beforeEach(async () => {
  admin = await signUpAdmin(service)
})

const send = (document: DocumentNode, variables: Record<string, unknown>, viewer = admin) =>
  service.send(document, variables, as(viewer))
const accept = (token: string, newPassword = PASSWORD) =>
  service.send(ResetPassword, { input: { token, newPassword } })
const invitedAt = async (id: string) =>
  (await service.send(UserWhole, { id }, as(admin))).data?.user?.invitedAt

async function invite(roles?: string[]): Promise<{ id: string; email: string }> {
  const email = newAddress()
  const { data } = await service.send(InviteUser, { input: { email, roles } }, as(admin))
  return { id: data?.inviteUser.id ?? '', email }
}

describe('sendPasswordReset', () => {
  test('emails the owner a link that sets a new password; the administrator neither sees it nor signs anyone out', async () => {
    const account = await signUp(service)
    const reply = await service.send(SendPasswordReset, { id: account.id }, as(admin))
    expect(reply.data).toEqual({ sendPasswordReset: { id: account.id } })
    expect(await stateOf(service, account.accessToken)).toBe('LIVE')
    const token = await mailedToken(service, account.email, 'reset-password')
    expect(codes(await accept(token, NEW_PASSWORD))).toEqual([])
    await signIn(service, account.email, NEW_PASSWORD)
  })

  test('says in the email that an administrator sent it, and nothing about where they are', async () => {
    const account = await signUp(service)
    const headers = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' }
    await service.send(SendPasswordReset, { id: account.id }, { ...as(admin), headers })
    const mail = (await service.mailsTo(account.email)).at(-1)
    expect(mail?.text).toContain('An administrator of Authograph sent you a link')
    expect(mail?.text).not.toContain('Firefox')
    expect(mail?.text).not.toContain('IP address')
  })

  test('is recorded with the administrator who did it', async () => {
    const account = await signUp(service)
    await send(SendPasswordReset, { id: account.id })
    expect((await auditOf(service, account.id)).at(-1)).toMatchObject({
      action: 'user.reset_requested',
      actorId: admin.id,
    })
  })

  test('is refused for a disabled account and for one whose invitation is open', async () => {
    const [disabled, invited] = [await signUp(service), await invite()]
    await send(DisableUser, { id: disabled.id })
    for (const { id, email } of [disabled, invited]) {
      expect(codes(await send(SendPasswordReset, { id }))).toEqual(['CONFLICT'])
      expect(await templatesTo(service, email)).not.toContain('reset-password')
    }
  })

  test('is limited for each account, and strangers’ requests do not use up its attempts', async () => {
    const account = await signUp(service)
    const outcomes = async (run: () => Promise<{ errors: [] }>) => {
      const replies = []
      for (let count = 0; count < 6; count++) replies.push(await run())
      return replies.flatMap(codes)
    }
    const stranger = () => service.send(RequestPasswordReset, { input: { email: account.email } })
    expect(await outcomes(stranger as never)).toEqual(['RATE_LIMITED'])
    const administrator = () => send(SendPasswordReset, { id: account.id })
    expect(await outcomes(administrator as never)).toEqual(['RATE_LIMITED'])
    expect(codes(await send(SendPasswordReset, { id: (await signUp(service)).id }))).toEqual([])
  })
})

describe('resendInvitation', () => {
  test('sends a new link, and the old one becomes invalid', async () => {
    const { id, email } = await invite()
    const old = await mailedToken(service, email, 'accept-invitation')
    const before = String(await invitedAt(id))
    service.clock.advance(60)
    const { data, errors } = await service.send(ResendInvitation, { id }, as(admin))
    expect(errors).toEqual([])
    const after = String(data?.resendInvitation.invitedAt)
    expect(Date.parse(after) - Date.parse(before)).toBeGreaterThanOrEqual(60_000)
    expect(codes(await accept(old))).toEqual(['TOKEN_INVALID'])
    expect(codes(await accept(await mailedToken(service, email, 'accept-invitation')))).toEqual([])
    expect((await auditOf(service, id)).filter(({ action }) => action === 'user.invited')).toMatchObject([
      { actorId: admin.id },
      { actorId: admin.id, detail: { again: true } },
    ])
  })

  test('is refused once the owner has set a password, for accounts that were never invited and for disabled ones', async () => {
    const [accepted, disabled, own] = [await invite(), await invite(), await signUp(service)]
    await accept(await mailedToken(service, accepted.email, 'accept-invitation'))
    await send(DisableUser, { id: disabled.id })
    for (const { id, email } of [accepted, disabled, own]) {
      const before = await templatesTo(service, email)
      expect(codes(await send(ResendInvitation, { id }))).toEqual(['CONFLICT'])
      expect(await templatesTo(service, email)).toEqual(before)
    }
  })

  test('sends nothing if the owner accepts the old link at the same moment', async () => {
    const { id, email } = await invite()
    const token = await mailedToken(service, email, 'accept-invitation')
    const [accepted, resent] = await meet(
      service,
      { table: 'users', id },
      () => accept(token),
      () => send(ResendInvitation, { id }),
    )
    expect([codes(accepted), codes(resent)]).toEqual([[], ['CONFLICT']])
    expect((await templatesTo(service, email)).filter(name => name === 'invitation')).toHaveLength(1)
    await signIn(service, email)
  })

  test('requires the permission, and all permissions of the account', async () => {
    const [powerful, plain] = [await invite(['user', 'support']), await invite()]
    const clerk = await signUpWith(service, await newRole(service, 'users:write'))
    expect(codes(await service.send(ResendInvitation, { id: plain.id }))).toEqual(['UNAUTHENTICATED'])
    expect(
      codes(await send(ResendInvitation, { id: plain.id }, await signUpWith(service, 'support'))),
    ).toEqual(['FORBIDDEN'])
    expect(codes(await send(ResendInvitation, { id: powerful.id }, clerk))).toEqual(['FORBIDDEN'])
    expect(await templatesTo(service, powerful.email)).toEqual(['invitation'])
  })

  test('is limited for each account', async () => {
    const { id, email } = await invite()
    const replies = []
    for (let count = 0; count < 6; count++) replies.push(await send(ResendInvitation, { id }))
    expect(replies.flatMap(codes)).toEqual(['RATE_LIMITED'])
    expect(await templatesTo(service, email)).toHaveLength(6)
  })
})

test.each([
  ['sendPasswordReset', SendPasswordReset],
  ['resendInvitation', ResendInvitation],
])(
  '%s reports NOT_FOUND for what is no account, and CONFLICT on a server without email',
  async (_, document) => {
    for (const id of ['unknown', '00000000-0000-7000-8000-000000000000'])
      expect(codes(await send(document, { id }))).toEqual(['NOT_FOUND'])
    const viewer = await signUpAdmin(withoutMail)
    const { id } = await signUp(withoutMail)
    expect(codes(await withoutMail.send(document, { id }, as(viewer)))).toEqual(['CONFLICT'])
  },
)

test('an account counts as invited until its owner sets a password, which is not the same as unverified', async () => {
  const { id, email } = await invite()
  expect(await invitedAt(id)).toEqual(expect.any(String))
  expect(await invitedAt((await signUp(service)).id)).toBeNull()
  await accept(await mailedToken(service, email, 'accept-invitation'))
  expect(await invitedAt(id)).toBeNull()
})
