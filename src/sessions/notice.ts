import type { App } from '../app.ts'
import type { RequestFacts } from '../context.ts'
import type { Origin } from '../mail/texts.ts'
import { deviceNameOf } from './device-name.ts'

/** Where a request comes from, for the person whose account it is about. */
export function originOf(app: App, { ipAddress, userAgent }: RequestFacts): Origin {
  return {
    at: app.clock.now().toISOString(),
    device: deviceNameOf(userAgent) ?? null,
    ipAddress: ipAddress ?? null,
  }
}
