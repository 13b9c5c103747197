import DataLoader from 'dataloader'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestInfo, Viewer } from '../context.ts'
import { isId, statement } from '../database/client.ts'
import { AuthError } from '../errors.ts'

/** A device that needs no second factor until `trustedUntil`. */
export type TrustedDevice = {
  id: string
  name: string | null
  trustedUntil: Date
  lastUsedAt: Date
  ipAddress: string | null
}

type Row = [
  userId: string,
  id: string,
  name: string | null,
  until: Date,
  seen: Date,
  ipAddress: string | null,
]

const select = statement<Row>(
  'trusted-devices',
  `SELECT user_id, id, device_name, trusted_until, last_seen, ip_address FROM devices
   WHERE user_id = ANY($1::uuid[]) AND trusted_until > $2 ORDER BY last_seen DESC, id DESC`,
)

const loaders = new WeakMap<App, DataLoader<string, TrustedDevice[]>>()

/** The devices that the account trusts, the latest used first. One query serves all accounts of a list. */
export function trustedDevices(app: App, userId: string): Promise<TrustedDevice[]> {
  const loader =
    loaders.get(app) ??
    new DataLoader<string, TrustedDevice[]>(userIds => devicesOf(app, userIds), { cache: false })
  loaders.set(app, loader)
  return loader.load(userId)
}

async function devicesOf(app: App, userIds: readonly string[]): Promise<TrustedDevice[][]> {
  if (app.config.trustedDeviceTtlSeconds === null) return userIds.map(() => [])
  const byUser = new Map<string, TrustedDevice[]>()
  for (const row of await select(app.pool, [userIds, app.clock.now()])) {
    const [userId, id, name, trustedUntil, lastUsedAt, ipAddress] = row
    const devices = byUser.get(userId) ?? []
    byUser.set(userId, [...devices, { id, name, trustedUntil, lastUsedAt, ipAddress }])
  }
  return userIds.map(id => byUser.get(id) ?? [])
}

const selectCurrent = statement<[id: string | null]>(
  'device-of-session',
  'SELECT device_id FROM sessions WHERE id = $1',
)

/** The ID of the device that the session was started from; undefined for a session of an earlier version. */
export async function deviceOfSession(app: App, sessionId: string): Promise<string | undefined> {
  const [row] = await selectCurrent(app.pool, [sessionId])
  return row?.[0] ?? undefined
}

/**
 * Ends the trust in a device, which needs a second factor again at its next sign-in. It stays signed in.
 * @throws AuthError NOT_FOUND unless the viewer's account trusts it
 */
export async function revokeTrustedDevice(
  app: App,
  id: string,
  { account }: Viewer,
  request: RequestInfo,
): Promise<void> {
  const ended = isId(id) ? await revoke(app, account.id, { id }, request) : 0
  if (ended === 0) throw new AuthError('NOT_FOUND', { message: 'There is no trusted device with this ID.' })
}

/** Ends the trust in all devices of the viewer's account, and returns how many were trusted. */
export function revokeTrustedDevices(app: App, { account }: Viewer, request: RequestInfo): Promise<number> {
  return revoke(app, account.id, {}, request)
}

function revoke(app: App, userId: string, which: { id?: string }, request: RequestInfo): Promise<number> {
  const at = app.clock.now()
  return app.db.$transaction(async tx => {
    const { count } = await tx.device.updateMany({
      where: { ...which, userId, trustedUntil: { gt: at } },
      data: { trustedUntil: null },
    })
    if (count > 0) {
      const event = { action: 'device.trust_ended', at, actorId: userId, subjectId: userId } as const
      await record(tx, request, { ...event, detail: { count } })
    }
    return count
  })
}
