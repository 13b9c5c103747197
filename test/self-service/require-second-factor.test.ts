import { expect, test } from '@jest/globals'
import { as, login, type SignedIn, signIn, signUp } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { Me, RequireSecondFactor } from '../support/operations.ts'
import { codes, useService } from '../support/service.ts'
import { expectDead } from '../support/sessions.ts'
import { addSomePasskey } from '../support/some-factors.ts'

const service = useService()

const require = (required: boolean, caller: SignedIn) =>
  service.send(RequireSecondFactor, { required }, as(caller))

/** An account with a passkey, whose session has proved it. */
async function withPasskey(): Promise<SignedIn> {
  const account = await signUp(service)
  await addSomePasskey(service, account.id)
  const data = { passkeyAt: service.clock.now() }
  await service.app.db.session.update({ where: { id: account.sessionId }, data })
  return account
}

test('a passkey alone leaves the password as a way in; once the owner requires a second factor, it no longer is', async () => {
  const ada = await withPasskey()
  const other = await signIn(service, ada.email)
  const { data, errors } = await require(true, ada)
  expect(errors).toEqual([])
  expect(data?.requireSecondFactor.sessions).toEqual([{ id: ada.sessionId, current: true }])
  await expectDead(service, other)
  expect((await service.send(Me, {}, as(ada))).data?.me?.id).toBe(ada.id)
  expect((await login(service, { identifier: ada.email })).data?.login.__typename).toBe(
    'SecondFactorRequired',
  )
  expect((await require(false, ada)).errors).toEqual([])
  await signIn(service, ada.email)
})

test('turning it on and off is recorded, and a repetition changes and ends nothing', async () => {
  const ada = await withPasskey()
  await require(false, ada)
  await require(true, ada)
  await require(true, ada)
  await require(false, ada)
  const events = (await auditOf(service, ada.id)).filter(({ action }) => action.startsWith('factor.'))
  expect(events.map(({ detail }) => detail)).toEqual([
    { before: { required: false }, after: { required: true } },
    { before: { required: true }, after: { required: false } },
  ])
})

test('an account without a second factor cannot require one', async () => {
  const ada = await signUp(service)
  expect(codes(await require(true, ada))).toEqual(['CONFLICT'])
  await signIn(service, ada.email)
})

test('it takes a session, and the second factor within the last 10 minutes', async () => {
  expect(codes(await service.send(RequireSecondFactor, { required: true }))).toEqual(['UNAUTHENTICATED'])
  const ada = await withPasskey()
  const weak = await signIn(service, ada.email)
  expect(codes(await require(true, weak))).toEqual(['STEP_UP_REQUIRED'])
  expect((await require(true, ada)).errors).toEqual([])
  const sessions = { where: { userId: ada.id } }
  await service.app.db.session.updateMany({ ...sessions, data: { passkeyAt: new Date(0) } })
  expect(codes(await require(false, ada))).toEqual(['STEP_UP_REQUIRED'])
})

test('of simultaneous calls, one is recorded and the others change nothing', async () => {
  const ada = await withPasskey()
  const replies = await Promise.all(Array.from({ length: 5 }, () => require(true, ada)))
  expect(replies.flatMap(codes)).toEqual([])
  const events = (await auditOf(service, ada.id)).filter(
    ({ action }) => action === 'factor.requirement_changed',
  )
  expect(events).toHaveLength(1)
})
