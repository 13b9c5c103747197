import { expect, test } from '@jest/globals'
import { as, type SignedIn, signUp } from '../support/actors.ts'
import { addSessions } from '../support/many-sessions.ts'
import { DeleteAccount, ExportAccount, UpdateProfile } from '../support/operations.ts'
import { patiently } from '../support/patient.ts'
import { meet } from '../support/race.ts'
import { codes, useService } from '../support/service.ts'

const service = useService({ settings: { LIMIT_PROFILE_ACCOUNT: '3/15m', LIMIT_EXPORT_ACCOUNT: '35/1h' } })

type Part = { sessions: { id: string }[]; events: object[]; next?: string }

async function part(account: SignedIn, after?: string): Promise<Part> {
  const { data, errors } = await service.send(ExportAccount, { after: after ?? null }, as(account))
  expect(errors).toEqual([])
  return JSON.parse(data?.exportAccount ?? '') as Part
}

test('an export of 12,000 sessions and 15,000 events has bounded parts, with each row once', async () => {
  const account = await signUp(service)
  await addSessions(service, account, 12_000)
  await patiently(
    service.app,
    `INSERT INTO audit_events (id, at, action, subject_id, detail)
     SELECT gen_random_uuid(), $2, 'session.denied', $1, jsonb_build_object('n', n) FROM generate_series(1, 15000) n`,
    [account.id, service.clock.now()],
  )
  const parts = [await part(account)]
  for (let next = parts[0]?.next; next !== undefined; next = parts.at(-1)?.next)
    parts.push(await part(account, next))
  for (const { sessions, events } of parts)
    expect(sessions.length + events.length).toBeLessThanOrEqual(10_000)
  const ids = parts.flatMap(({ sessions }) => sessions.map(({ id }) => id))
  expect([ids.length, new Set(ids).size]).toEqual([12_001, 12_001])
  const numbers = parts.flatMap(({ events }) =>
    (events as { detail?: { n?: number } }[]).flatMap(({ detail }) => detail?.n ?? []),
  )
  expect([numbers.length, new Set(numbers).size]).toEqual([15_000, 15_000])
})

test('30 exports in one request are all counted, and at most one runs at a time', async () => {
  const account = await signUp(service)
  const aliases = Array.from({ length: 30 }, (_, at) => `a${at}: exportAccount`).join(' ')
  const reply = await service.send(`{ ${aliases} }`, {}, as(account))
  expect(new Set(codes(reply))).toEqual(new Set(['RATE_LIMITED']))
  let last = codes(await service.send(ExportAccount, {}, as(account)))
  for (let more = 0; more < 5; more++) last = codes(await service.send(ExportAccount, {}, as(account)))
  expect(last).toEqual(['RATE_LIMITED'])
})

test.each(['sessions', 'sessions x y', 'nothing 0 0', "' OR 1=1 --", ''])(
  'an export after %j is rejected',
  async after => {
    const account = await signUp(service)
    expect(codes(await service.send(ExportAccount, { after }, as(account)))).toEqual(['BAD_USER_INPUT'])
  },
)

test('profile changes are limited', async () => {
  const account = await signUp(service)
  const update = () => service.send(UpdateProfile, { input: { displayName: 'Ada' } }, as(account))
  for (let count = 0; count < 3; count++) expect(codes(await update())).toEqual([])
  expect(codes(await update())).toEqual(['RATE_LIMITED'])
})

test('a profile change during the deletion of its account finds that the session has ended', async () => {
  const account = await signUp(service)
  const [deleted, updated] = await meet(
    service,
    { table: 'users', id: account.id },
    () => service.send(DeleteAccount, {}, as(account)),
    () => service.send(UpdateProfile, { input: { displayName: 'Ada' } }, as(account)),
  )
  expect(codes(deleted)).toEqual([])
  expect(updated.errors.map(({ extensions }) => extensions)).toEqual([
    { code: 'UNAUTHENTICATED', reason: 'REVOKED' },
  ])
})
