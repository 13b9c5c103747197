import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { newAddress, PASSWORD, type SignedIn, signUp, signUpWith } from '../../support/actors.ts'
import { auditOf } from '../../support/audit.ts'
import { mailedToken } from '../../support/mails.ts'
import {
  ConfirmEmailChange,
  EndEmailChangeUndo,
  Reauthenticate,
  Register,
  RequestEmailChange,
  UndoableUntil,
  UndoEmailChange,
} from '../../support/operations.ts'
import { codes, useService } from '../../support/service.ts'
import { DAY, HOUR, refreshed } from '../../support/sessions.ts'

const service = useService({ settings: { LIMIT_MAIL_NETWORK: '1000/1h' } })

let admin: SignedIn
beforeEach(async () => {
  admin = await signUpWith(service, 'admin')
})

type Moved = { owner: SignedIn; old: string; to: string; undoToken: string }

const as = ({ accessToken: token }: SignedIn) => ({ token })
const end = (id: string, viewer: SignedIn) => service.send(EndEmailChangeUndo, { id }, as(viewer))
const undo = (token: string) => service.send(UndoEmailChange, { input: { token } })
const register = (email: string) => service.send(Register, { input: { email, password: PASSWORD } })

async function untilOf({ id }: SignedIn, viewer: SignedIn): Promise<string | null | undefined> {
  const { data, errors } = await service.send(UndoableUntil, { id }, as(viewer))
  expect(errors).toEqual([])
  return data?.user?.emailChangeUndoableUntil
}

/** An account that has just changed its verified address, with the link that the old one received. */
async function moved(): Promise<Moved> {
  const owner = await signUp(service)
  await service.app.db.user.update({
    where: { id: owner.id },
    data: { emailVerifiedAt: service.clock.now() },
  })
  const to = newAddress()
  await service.send(RequestEmailChange, { input: { newEmail: to } }, as(owner))
  const token = await mailedToken(service, to, 'confirm-email')
  expect(codes(await service.send(ConfirmEmailChange, { input: { token } }))).toEqual([])
  return { owner, old: owner.email, to, undoToken: await mailedToken(service, owner.email, 'undo-email') }
}

/** The same account after `seconds`, with a recent sign-in. */
async function later({ owner, ...rest }: Moved, seconds: number): Promise<Moved> {
  service.clock.advance(seconds)
  const fresh = { ...owner, ...(await refreshed(service, owner.refreshToken)) }
  const reply = await service.send(Reauthenticate, { input: { password: PASSWORD } }, as(fresh))
  expect(codes(reply)).toEqual([])
  return { owner: fresh, ...rest }
}

const endings = async ({ id }: SignedIn) =>
  (await auditOf(service, id)).filter(({ action }) => action === 'user.email_change_undo_ended')

describe('the deadline of an undo', () => {
  test('an account shows until when its former address can be restored, and null if it cannot', async () => {
    const before = await signUp(service)
    expect(await untilOf(before, before)).toBeNull()
    const { owner, undoToken } = await moved()
    const until = Date.parse((await untilOf(owner, owner)) ?? '')
    expect(Math.abs(until - service.clock.now().getTime() - 7 * DAY * 1000)).toBeLessThan(HOUR * 1000)
    expect(codes(await undo(undoToken))).toEqual([])
    expect(await untilOf(owner, admin)).toBeNull()
  })

  test('administrators see the deadline in the list of accounts', async () => {
    const { owner, to } = await moved()
    const { data, errors } = await service.send<
      { users: { nodes: { id: string; emailChangeUndoableUntil: string | null }[] } },
      object
    >(`query { users(filter: { search: "${to}" }) { nodes { id emailChangeUndoableUntil } } }`, {}, as(admin))
    expect([errors, data?.users.nodes]).toEqual([
      [],
      [{ id: owner.id, emailChangeUndoableUntil: expect.any(String) }],
    ])
  })
})

describe('ending an undo', () => {
  test('the owner can end the undo a day after the change, which invalidates the link and frees the address', async () => {
    const account = await later(await moved(), DAY)
    const { data, errors } = await end(account.owner.id, account.owner)
    expect([errors, data?.endEmailChangeUndo]).toEqual([
      [],
      { id: account.owner.id, emailChangeUndoableUntil: null },
    ])
    expect(codes(await undo(account.undoToken))).toEqual(['TOKEN_INVALID'])
    expect(codes(await register(account.old))).toEqual([])
    expect(await endings(account.owner)).toMatchObject([
      { actorId: account.owner.id, ipAddress: '127.0.0.1', detail: { links: 2 } },
    ])
  })

  test('a thief with the password cannot end the undo on the first day, so the owner of the old address can act first', async () => {
    const account = await later(await moved(), DAY - HOUR)
    const reply = await end(account.owner.id, account.owner)
    expect(reply.errors).toMatchObject([
      { message: expect.stringContaining('administrator'), extensions: { code: 'CONFLICT' } },
    ])
    expect(await endings(account.owner)).toEqual([])
    expect(codes(await register(account.old))).toEqual(['EMAIL_TAKEN'])
    expect(codes(await undo(account.undoToken))).toEqual([])
  })

  test('ending an undo requires a recent sign-in of the owner', async () => {
    const { owner, undoToken } = await moved()
    service.clock.advance(DAY)
    const stale = { ...owner, ...(await refreshed(service, owner.refreshToken)) }
    expect(codes(await end(owner.id, stale))).toEqual(['REAUTHENTICATION_REQUIRED'])
    expect(codes(await undo(undoToken))).toEqual([])
  })

  test('an administrator can end an undo immediately', async () => {
    const { owner, old, undoToken } = await moved()
    expect(codes(await end(owner.id, admin))).toEqual([])
    expect(codes(await undo(undoToken))).toEqual(['TOKEN_INVALID'])
    expect(codes(await register(old))).toEqual([])
    expect(await endings(owner)).toMatchObject([{ actorId: admin.id, detail: { links: 2 } }])
  })

  test('ending the undo of an account that has none changes and records nothing', async () => {
    const owner = await signUp(service)
    for (const viewer of [owner, admin]) {
      const { data, errors } = await end(owner.id, viewer)
      expect([errors, data?.endEmailChangeUndo]).toEqual([
        [],
        { id: owner.id, emailChangeUndoableUntil: null },
      ])
    }
    expect(await endings(owner)).toEqual([])
  })

  test('ending an undo several times at the same time is recorded once', async () => {
    const { owner } = await moved()
    const replies = await Promise.all(Array.from({ length: 5 }, () => end(owner.id, admin)))
    expect(replies.flatMap(codes)).toEqual([])
    expect(await endings(owner)).toHaveLength(1)
  })

  test('if an undo is ended while its link is opened, exactly one of them succeeds', async () => {
    const { owner, old, undoToken } = await moved()
    const [ended, undone] = await Promise.all([end(owner.id, admin), undo(undoToken)])
    expect(codes(ended)).toEqual([])
    const { email } = await service.app.db.user.findUniqueOrThrow({ where: { id: owner.id } })
    expect(email === old).toBe(codes(undone).length === 0)
    expect(await endings(owner)).toHaveLength(codes(undone).length)
  })

  test('an undo can be ended only by the owner, and by holders of users:write whose permissions cover those of the account', async () => {
    const { owner, undoToken } = await moved()
    expect(codes(await service.send(EndEmailChangeUndo, { id: owner.id }))).toEqual(['UNAUTHENTICATED'])
    for (const viewer of [await signUp(service), await signUpWith(service, 'support')]) {
      expect(codes(await end(owner.id, viewer))).toEqual(['FORBIDDEN'])
    }
    await service.app.db.role.create({ data: { name: 'clerk', permissions: ['users:write'] } })
    expect(codes(await end(admin.id, await signUpWith(service, 'clerk')))).toEqual(['FORBIDDEN'])
    for (const id of [randomUUID(), 'x', '']) expect(codes(await end(id, admin))).toEqual(['NOT_FOUND'])
    expect(codes(await undo(undoToken))).toEqual([])
  })
})
