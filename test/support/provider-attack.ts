import { expect } from '@jest/globals'
import type { AuditEvent } from '../../src/generated/prisma/client.ts'
import type { FakeClaims, FakeProvider } from './fake-provider.ts'
import {
  type Begun,
  begin,
  comeBack,
  type Landing,
  newPerson,
  RETURN_TO,
  type StartInput,
} from './provider-browser.ts'
import type { Service } from './service.ts'

/** What a failed sign-in must not change. */
async function stateOf({ app }: Service) {
  const [users, sessions, identities, outcomes] = await Promise.all([
    app.db.user.count(),
    app.db.session.count(),
    app.db.identity.count(),
    app.db.providerFlow.count({ where: { codeHash: { not: null } } }),
  ])
  return { users, sessions, identities, outcomes }
}

/** The audit events that were recorded while `act` ran, and what it returned. */
export async function auditDuring<Result>(
  { app }: Service,
  act: () => Promise<Result>,
): Promise<{ events: AuditEvent[]; result: Result }> {
  const before = new Set((await app.db.auditEvent.findMany({ select: { id: true } })).map(({ id }) => id))
  const result = await act()
  const events = await app.db.auditEvent.findMany({ orderBy: { id: 'asc' } })
  return { events: events.filter(({ id }) => !before.has(id)), result }
}

/**
 * Runs an attack on the callback of a sign-in, and expects what every such attack must end in: the browser returns to the
 * page that began the sign-in with PROVIDER_FAILED and no code, nothing has changed, one audit event says which check
 * failed, and neither it nor the log has a secret.
 */
export async function expectRefused(
  service: Service,
  fake: FakeProvider,
  {
    check,
    provider = 'corp',
    person = newPerson(),
    start = {},
    attack = ({ url }) => fake.authorize(url, person),
  }: {
    check: string
    provider?: string
    person?: FakeClaims
    start?: StartInput
    /** The address with which the browser comes back. */
    attack?: (begun: Begun) => URL | Promise<URL>
  },
): Promise<Landing> {
  const before = await stateOf(service)
  const begun = await begin(service, { provider, ...start })
  const { events, result } = await auditDuring(service, async () => {
    const back = await attack(begun)
    return { back, landing: await comeBack(service, back, { cookie: begun.cookie }) }
  })
  const { back, landing } = result
  expect(landing).toMatchObject({ status: 303, code: null, error: 'PROVIDER_FAILED' })
  expect(`${landing.location?.origin}${landing.location?.pathname}`).toBe(RETURN_TO)
  expect(await stateOf(service)).toEqual(before)
  const because = expect.stringContaining(check)
  expect(events).toMatchObject([
    { action: 'session.denied', detail: { provider, code: 'PROVIDER_FAILED', because } },
  ])
  const written = JSON.stringify([events, service.logged.splice(0)])
  for (const secret of [
    back.searchParams.get('code'),
    back.searchParams.get('state'),
    person.sub,
    begun.verifier,
  ])
    if (secret) expect(written).not.toContain(secret)
  return landing
}
