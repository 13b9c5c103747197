import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import type { Queryable } from '../database/client.ts'
import type { Device } from './device.ts'

/** Until when a device that becomes trusted now needs no second factor; undefined if this server trusts none. */
export function trustEndsAt({ config, clock }: Pick<App, 'config' | 'clock'>): Date | undefined {
  const { trustedDeviceTtlSeconds: seconds } = config
  return seconds === null ? undefined : addSeconds(clock.now(), seconds)
}

/** The secret hash by which to look up whether a device is trusted. Matches none if this server trusts no devices. */
export function trustedSecretHash({ config }: Pick<App, 'config'>, { secretHash }: Device): Buffer {
  return Buffer.from(config.trustedDeviceTtlSeconds === null ? [] : secretHash)
}

/** Ends the trust in all devices of the account, in the caller's transaction. They stay known. Returns how many. */
export async function endTrust(tx: Queryable, userId: string): Promise<number> {
  const ended = await tx.device.updateMany({
    where: { userId, trustedUntil: { not: null } },
    data: { trustedUntil: null },
  })
  return ended.count
}
