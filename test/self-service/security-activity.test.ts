import { expect, test } from '@jest/globals'
import { as, login, PASSWORD, type SignedIn, signIn, signUp, signUpAdmin } from '../support/actors.ts'
import {
  ChangePassword,
  RevokeSession,
  SecurityActivity,
  UpdateProfile,
  UpdateUser,
} from '../support/operations.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, useService } from '../support/service.ts'

const service = useService()
const FIREFOX = {
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
}

const ask = (viewer: SignedIn, page: { first?: number; after?: string } = {}) =>
  service.send(SecurityActivity, page, as(viewer))

async function activityOf(viewer: SignedIn) {
  const { data, errors } = await ask(viewer)
  expect(errors).toEqual([])
  return data?.securityActivity.nodes ?? []
}

test('owners see sign-ins and failed sign-ins with device and IP address, newest first', async () => {
  const account = await signUp(service)
  await login(service, { identifier: account.email, password: 'wrong' }, { headers: FIREFOX })
  const elsewhere = await login(service, { identifier: account.email }, { headers: FIREFOX })
  const payload = elsewhere.data?.login
  const sessionId = payload?.__typename === 'AuthPayload' ? payload.session.id : ''
  const from = { ipAddress: '127.0.0.1', deviceName: 'Firefox on Linux' }
  expect(await activityOf(account)).toMatchObject([
    { action: 'session.started', actor: 'OWNER', ...from, session: { id: sessionId, current: false } },
    { action: 'session.denied', actor: 'UNKNOWN', ...from, session: null },
    { action: 'session.started', actor: 'OWNER', session: { id: account.sessionId, current: true } },
    { action: 'user.registered', actor: 'OWNER' },
  ])
})

test('a session is named only while it lives', async () => {
  const account = await signUp(service)
  const other = await signIn(service, account.email)
  await service.send(RevokeSession, { id: other.sessionId }, as(account))
  const [revoked, started] = await activityOf(account)
  expect(revoked).toMatchObject({ action: 'session.revoked', actor: 'OWNER', session: null })
  expect(started).toMatchObject({ action: 'session.started', session: null })
})

test('what an administrator did is shown without who it was and where from', async () => {
  const [admin, account] = [await signUpAdmin(service), await signUp(service)]
  const input = { displayName: 'Grace', privateMetadata: { note: 'under observation' } }
  await service.send(UpdateUser, { id: account.id, input }, { ...as(admin), headers: FIREFOX })
  const [event] = await activityOf(account)
  expect(event).toEqual({
    id: expect.any(String),
    at: expect.any(String),
    action: 'user.updated',
    actor: 'ADMINISTRATOR',
    ipAddress: null,
    userAgent: null,
    deviceName: null,
    session: null,
  })
})

test('changes of the profile are left out, and changes of the password are not', async () => {
  const account = await signUp(service)
  await service.send(UpdateProfile, { input: { displayName: 'Ada' } }, as(account))
  const passwords = { currentPassword: PASSWORD, newPassword: 'eighteen copper whistles' }
  await service.send(ChangePassword, { input: passwords }, as(account))
  const actions = (await activityOf(account)).map(({ action }) => action)
  expect(actions).toContain('user.password_changed')
  expect(actions).not.toContain('user.profile_updated')
})

test('no one sees the events of another account', async () => {
  const [account, other] = [await signUp(service), await signUpAdmin(service)]
  const own = (await activityOf(account)).map(({ id }) => id)
  const others = (await activityOf(other)).map(({ id }) => id)
  expect(own).toHaveLength(2)
  expect(own.filter(id => others.includes(id))).toEqual([])
  expect(codes(await service.send(SecurityActivity, {}))).toEqual(['UNAUTHENTICATED'])
})

test('pages follow each other without a gap or a repeat, also while events are added', async () => {
  const account = await signUp(service)
  for (let count = 0; count < 4; count++) await signIn(service, account.email)
  const all = (await activityOf(account)).map(({ id }) => id)
  expect(all).toHaveLength(6)
  const first = (await ask(account, { first: 4 })).data?.securityActivity
  await signIn(service, account.email)
  const after = first?.pageInfo.endCursor ?? ''
  const second = (await ask(account, { first: 4, after })).data?.securityActivity
  expect([...(first?.nodes ?? []), ...(second?.nodes ?? [])].map(({ id }) => id)).toEqual(all)
  expect([first?.pageInfo.hasNextPage, second?.pageInfo.hasNextPage]).toEqual([true, false])
})

test('a page of no size and a cursor from elsewhere are refused', async () => {
  const account = await signUp(service)
  expect(Object.keys(refusedFields(await ask(account, { first: 101 })))).toEqual(['first'])
  expect(Object.keys(refusedFields(await ask(account, { after: 'none' })))).toEqual(['after'])
})
