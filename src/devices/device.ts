import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { App } from '../app.ts'
import { type Queryable, statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import type { Device as DeviceRow } from '../generated/prisma/client.ts'

/**
 * A browser or an app, by a secret that it keeps. Its token is `<secret>.<signature>`: the signature lets the server
 * drop junk without a query, and the database holds only the secret's hash. The token proves nothing but that its
 * holder has signed in to an account before: it opens no session, and it says nothing about any other account.
 */
export type Device = { readonly token: string; readonly secretHash: Uint8Array<ArrayBuffer> }

const SECRET_BYTES = 32
const TOKEN = /^([\w-]{43})\.([\w-]{43})$/
/** Per account. A client that never keeps its token must not make the list grow without end. */
const DEVICES_MAX = 100

/** How long a device without a sign-in stays known: as long as browsers keep a cookie. */
export const DEVICE_TTL_SECONDS = 400 * 86_400

/** A device that no account knows yet. */
export function newDevice(app: App): Device {
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  return deviceOf(secret, signatureOf(app, secret))
}

/** The device that a token names; undefined for anything that this server has not signed. */
export function readDevice(app: App, token: string | null | undefined): Device | undefined {
  const [, secret, given] = TOKEN.exec(token ?? '') ?? []
  if (secret === undefined || given === undefined) return undefined
  const signature = signatureOf(app, secret)
  return timingSafeEqual(Buffer.from(given), Buffer.from(signature)) ? deviceOf(secret, signature) : undefined
}

function deviceOf(secret: string, signature: string): Device {
  const secretHash = new Uint8Array(createHash('sha256').update(secret).digest())
  return { token: `${secret}.${signature}`, secretHash }
}

function signatureOf({ keys }: App, secret: string): string {
  return createHmac('sha256', keys.device).update(secret).digest('base64url')
}

const deviceColumns = {
  id: 'id',
  userId: 'user_id',
  secretHash: 'secret_hash',
  firstSeen: 'first_seen',
  lastSeen: 'last_seen',
  trustedUntil: 'trusted_until',
} as const satisfies Record<keyof DeviceRow, string>

/** The JSON parameter of `seenDeviceSql`. */
export function toDeviceRows(app: App, userId: string, { secretHash }: Device): string {
  const now = app.clock.now()
  const row: DeviceRow = {
    id: uuidv7(),
    userId,
    secretHash,
    firstSeen: now,
    lastSeen: now,
    trustedUntil: null,
  }
  return toRows(deviceColumns, row)
}

/**
 * SQL that records a sign-in from the device of the JSON parameter `$parameter`, where the CTE `guard` has a row. It
 * returns `fresh`: whether the account did not know the device. Of parallel sign-ins from one new device, one is fresh.
 */
export function seenDeviceSql(parameter: number, guard?: string): string {
  // xmax is 0 for a row that was inserted and not updated.
  return `${insertSql('devices', deviceColumns, parameter, guard)}
    ON CONFLICT (user_id, secret_hash) DO UPDATE SET last_seen = excluded.last_seen RETURNING xmax = 0 AS fresh`
}

const SEEN = seenDeviceSql(1)

/** SQL that forgets the devices of the account `$parameter` that it has seen least recently, where the CTE `guard` has a row. */
export function evictDevicesSql(parameter: number, guard: string): string {
  return `DELETE FROM devices WHERE EXISTS (SELECT FROM ${guard}) AND id IN (
    SELECT id FROM devices WHERE user_id = $${parameter} ORDER BY last_seen DESC, id DESC OFFSET ${DEVICES_MAX - 1})`
}

const NO_ACCOUNT = '00000000-0000-0000-0000-000000000000'
const findKnown = statement(
  'device-known',
  'SELECT 1 FROM devices WHERE user_id = $1 AND secret_hash = $2 AND last_seen > $3',
)

/** Whether the account has signed in from this device. Takes the same query where there is no account. */
export async function isKnownDevice(app: App, userId: string | undefined, device: Device): Promise<boolean> {
  const since = new Date(app.clock.now().getTime() - DEVICE_TTL_SECONDS * 1000)
  const hash = Buffer.from(device.secretHash)
  const known = await findKnown(app.pool, [userId ?? NO_ACCOUNT, hash, since])
  return known.length > 0
}

/**
 * Makes the account, in the caller's transaction, know only this device, or none: whoever knew the old password is a
 * stranger from now on.
 */
export async function keepOnlyDevice(
  app: App,
  tx: Queryable,
  userId: string,
  device: Device | undefined,
): Promise<void> {
  await tx.device.deleteMany({ where: { userId, ...(device && { NOT: { secretHash: device.secretHash } }) } })
  if (device) await tx.$executeRawUnsafe(SEEN, toDeviceRows(app, userId, device))
}
