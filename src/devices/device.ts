import { hash, timingSafeEqual } from 'node:crypto'
import type { App } from '../app.ts'
import { quickHmac } from '../crypto/quick-hmac.ts'
import { randomBytes } from '../crypto/random.ts'
import { type Queryable, statement } from '../database/client.ts'
import { insertSql, toRows } from '../database/insert.ts'
import { newId } from '../database/new-id.ts'
import type { Device as DeviceRow } from '../generated/prisma/client.ts'

/**
 * A browser or an app, identified by a secret that it stores. Its token is `<secret>.<signature>`. The signature lets the
 * server reject invalid tokens without a query, and the database stores only a hash of the secret. The token proves only
 * that its holder has signed in to an account before: it starts no session and reveals nothing about other accounts.
 */
export type Device = { readonly token: string; readonly secretHash: Uint8Array<ArrayBuffer> }

const SECRET_BYTES = 32
const TOKEN = /^([\w-]{43})\.([\w-]{43})$/
/** Per account. Bounds the list of a client that never stores its token. */
const DEVICES_MAX = 100

/** How long a device stays known without a sign-in: as long as browsers keep a cookie. */
export const DEVICE_TTL_SECONDS = 400 * 86_400

/** A new device, which no account knows yet. */
export function newDevice(app: App): Device {
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  return deviceOf(secret, signatureOf(app, secret))
}

/** The device of a token; undefined unless this server signed the token. */
export function readDevice(app: App, token: string | null | undefined): Device | undefined {
  const [, secret, given] = TOKEN.exec(token ?? '') ?? []
  if (secret === undefined || given === undefined) return undefined
  const signature = signatureOf(app, secret)
  return timingSafeEqual(Buffer.from(given), Buffer.from(signature)) ? deviceOf(secret, signature) : undefined
}

function deviceOf(secret: string, signature: string): Device {
  const secretHash = new Uint8Array(hash('sha256', secret, 'buffer'))
  return { token: `${secret}.${signature}`, secretHash }
}

function signatureOf({ keys }: App, secret: string): string {
  return quickHmac(keys.device, secret).toString('base64url')
}

const deviceColumns = {
  id: 'id',
  userId: 'user_id',
  secretHash: 'secret_hash',
  firstSeen: 'first_seen',
  lastSeen: 'last_seen',
  trustedUntil: 'trusted_until',
  deviceName: 'device_name',
  ipAddress: 'ip_address',
} as const satisfies Record<keyof DeviceRow, string>

/** What a sign-in says about its device. */
export type SeenDevice = Partial<Pick<DeviceRow, 'deviceName' | 'ipAddress' | 'trustedUntil'>>

/** The JSON parameter of `seenDeviceSql`. What `seen` leaves out stays as it was. */
export function toDeviceRows(
  app: App,
  userId: string,
  { secretHash }: Device,
  seen: SeenDevice = {},
): string {
  const now = app.clock.now()
  const row: DeviceRow = {
    id: newId(),
    userId,
    secretHash,
    firstSeen: now,
    lastSeen: now,
    trustedUntil: null,
    deviceName: null,
    ipAddress: null,
    ...seen,
  }
  return toRows(deviceColumns, row)
}

/**
 * SQL that records a sign-in from the device in the JSON parameter `$parameter`, if the CTE `guard` has a row. It
 * returns its `id`, and `fresh`: whether the device is new to the account. Of parallel sign-ins from one new device, only one is fresh.
 */
export function seenDeviceSql(parameter: number, guard?: string): string {
  // xmax is 0 for an inserted row, but not for an updated one.
  return `${insertSql('devices', deviceColumns, parameter, guard)}
    ON CONFLICT (user_id, secret_hash) DO UPDATE SET last_seen = excluded.last_seen, ${KEPT.map(keep).join(', ')}
    RETURNING id, xmax = 0 AS fresh`
}

/** Columns that keep their value if a sign-in does not set them. */
const KEPT = ['trusted_until', 'device_name', 'ip_address']

function keep(column: string): string {
  return `${column} = coalesce(excluded.${column}, devices.${column})`
}

const SEEN = seenDeviceSql(1)

/** SQL that deletes the least recently seen devices of the account `$parameter`, if the CTE `guard` has a row. */
export function evictDevicesSql(parameter: number, guard: string): string {
  return `DELETE FROM devices WHERE EXISTS (SELECT FROM ${guard}) AND id IN (
    SELECT id FROM devices WHERE user_id = $${parameter} ORDER BY last_seen DESC, id DESC OFFSET ${DEVICES_MAX - 1})`
}

const NO_ACCOUNT = '00000000-0000-0000-0000-000000000000'
const findKnown = statement(
  'device-known',
  'SELECT 1 FROM devices WHERE user_id = $1 AND secret_hash = $2 AND last_seen > $3',
)

/** Whether the account has signed in from this device. Runs the same query if there is no account. */
export async function isKnownDevice(app: App, userId: string | undefined, device: Device): Promise<boolean> {
  const since = new Date(app.clock.now().getTime() - DEVICE_TTL_SECONDS * 1000)
  const hash = Buffer.from(device.secretHash)
  const known = await findKnown(app.pool, [userId ?? NO_ACCOUNT, hash, since])
  return known.length > 0
}

/**
 * Deletes all devices of the account except this one, in the caller's transaction, so that a thief of the old password
 * no longer has a known device.
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
