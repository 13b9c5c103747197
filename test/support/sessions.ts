import { expect } from '@jest/globals'
import type { AuditAction } from '../../src/audit/actions.ts'
import type { RefreshMutation } from '../generated/graphql.ts'
import { Me, Refresh } from './operations.ts'
import { codes, type Reply, type Sending, type Service } from './service.ts'

/** Firefox, as it names itself. */
export const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'

export const MINUTE = 60
export const HOUR = 3600
export const DAY = 86_400

export type Pair = { accessToken: string; accessTokenExpiresAt: string; refreshToken: string }

/** Sends a refresh token in the input. */
export function refresh(
  service: Service,
  refreshToken: string,
  input: { accessTokenTtlSeconds?: number } = {},
  sending: Sending = {},
): Promise<Reply<RefreshMutation>> {
  return service.send(Refresh, { input: { refreshToken, ...input } }, sending)
}

/** The pair that a refresh gives; fails where it gives none. */
export async function refreshed(...args: Parameters<typeof refresh>): Promise<Pair> {
  const reply = await refresh(...args)
  expect(codes(reply)).toEqual([])
  return pairOf(reply)
}

/** The pair in a reply that succeeded. */
export function pairOf({ data, errors }: Reply<RefreshMutation>): Pair {
  const { accessToken, accessTokenExpiresAt, refreshToken } = data?.refreshToken ?? {}
  if (!accessToken || !accessTokenExpiresAt || !refreshToken)
    throw new Error(`not refreshed: ${JSON.stringify(errors)}`)
  return { accessToken, accessTokenExpiresAt, refreshToken }
}

/** What a guarded field says of an access token: LIVE, or the reason why it is refused. */
export async function stateOf(
  service: Service,
  token: string | undefined,
  sending: Sending = {},
): Promise<unknown> {
  const { data, errors } = await service.send(Me, {}, { token, ...sending })
  const [error] = errors
  if (!error) return data?.me && 'LIVE'
  expect(error.extensions.code).toBe('UNAUTHENTICATED')
  return error.extensions.reason
}

/** Fails unless neither half of the pair is good for anything. */
export async function expectDead(
  service: Service,
  pair: Pick<Pair, 'accessToken' | 'refreshToken'>,
): Promise<void> {
  expect(codes(await refresh(service, pair.refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
  expect(await stateOf(service, pair.accessToken)).toBe('REVOKED')
}

/** How often the audit log says this of the session. */
export function countEvents(service: Service, sessionId: string, action: AuditAction): Promise<number> {
  return service.app.db.auditEvent.count({
    where: { action, detail: { path: ['sessionId'], equals: sessionId } },
  })
}

/** Seconds from the service's now until `date`. */
export function secondsUntil(service: Service, date: string | undefined): number {
  return (Date.parse(date ?? '') - service.clock.now().getTime()) / 1000
}
