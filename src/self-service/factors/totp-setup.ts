import { renderSVG } from 'uqr'
import { z } from 'zod'
import type { App } from '../../app.ts'
import { addSeconds } from '../../clock.ts'
import type { Context } from '../../context.ts'
import { countFactor, forgiveFactor } from '../../credentials/factor-attempts.ts'
import type { Claim } from '../../credentials/proof.ts'
import { DEFAULT_TOTP, newTotpSecret, totpSecretText, totpStep, totpUri } from '../../credentials/totp.ts'
import { sealTotpSecret } from '../../credentials/totp-proof.ts'
import { openTicket, sealTicket, TICKETS } from '../../crypto/ticket.ts'
import { readDevice } from '../../devices/device.ts'
import { AuthError } from '../../errors.ts'
import { checkInput } from '../../input.ts'
import { type AddedFactor, addFactor } from '../../sign-in/add-factor.ts'
import { beginEnrollment, type PendingEnrollment } from '../../sign-in/enrollment.ts'
import { TICKET_TTL_SECONDS, ticketInvalid } from '../../sign-in/sign-in-ticket.ts'

const beginSchema = z.object({ ticket: z.string().nullish(), emailCode: z.string().nullish() }).nullish()

export type TotpSetup = { ticket: string; secret: string; uri: string; qrCode: string; expiresAt: Date }

/** The secret travels in the ticket until the first code confirms it, so an abandoned set-up leaves nothing. */
type Payload = PendingEnrollment & { secret: string }

/**
 * Creates the secret of an authenticator app, which does not count until `confirmTotp`.
 * @throws AuthError as `beginEnrollment`; BAD_USER_INPUT; CONFLICT if this server has TOTP=off
 */
export async function beginTotp(context: Context, input: unknown): Promise<TotpSetup> {
  const { app } = context
  const given = checkInput(beginSchema, input)
  requireTotp(app)
  const { account, pending } = await beginEnrollment(context, given ?? {})
  const secret = newTotpSecret()
  const expiresAt = addSeconds(app.clock.now(), TICKET_TTL_SECONDS)
  const payload: Payload = { ...pending, secret: secret.toString('base64url') }
  const uri = totpUri(secret, DEFAULT_TOTP, { issuer: app.config.appName, label: account.email })
  return {
    ticket: sealTicket(app.keys.ticket, TICKETS.totp, payload, expiresAt),
    secret: totpSecretText(secret),
    uri,
    qrCode: renderSVG(uri),
    expiresAt,
  }
}

const confirmSchema = z.object({ ticket: z.string(), code: z.string() })

/**
 * Adds the authenticator app of a set-up, which a code of it confirms. It replaces an earlier one. That code, and every
 * earlier one, is used up. Wrong codes count together with those of sign-ins.
 * @throws AuthError as `addFactor`; BAD_USER_INPUT, CODE_INVALID, RATE_LIMITED
 */
export async function confirmTotp(context: Context, input: unknown): Promise<AddedFactor> {
  const { app, request } = context
  const { ticket, code } = checkInput(confirmSchema, input)
  const now = app.clock.now()
  const opened = openTicket<Payload>(app.keys.ticket, TICKETS.totp, ticket, now)
  if (!opened) throw ticketInvalid('unknown or expired')
  const { secret: text, ...pending } = opened.payload
  const device = readDevice(app, request.deviceCookie)
  await countFactor(app, pending.user, device, request)
  const secret = Buffer.from(text, 'base64url')
  const step = totpStep(secret, DEFAULT_TOTP, code, now)
  if (step === undefined) throw new AuthError('CODE_INVALID')
  const insert = storedTotp(app, pending.user, secret, step)
  const added = await addFactor(context, pending, { method: 'TOTP', insert, demands: true })
  await forgiveFactor(app, pending.user, device)
  return added
}

function storedTotp(app: App, accountId: string, secret: Buffer, step: number): Claim {
  const { algorithm, digits, periodSeconds } = DEFAULT_TOTP
  return {
    name: 'new-totp',
    sql: first =>
      `INSERT INTO totp (user_id, sealed_secret, algorithm, digits, period_seconds, last_step, created_at)
       SELECT $${first}::uuid, $${first + 1}, $${first + 2}, $${first + 3}::smallint, $${first + 4}::smallint,
         $${first + 5}::bigint, $${first + 6}::timestamptz FROM account
       ON CONFLICT (user_id) DO UPDATE SET sealed_secret = excluded.sealed_secret, algorithm = excluded.algorithm,
         digits = excluded.digits, period_seconds = excluded.period_seconds, last_step = excluded.last_step,
         created_at = excluded.created_at
       RETURNING user_id`,
    values: [
      accountId,
      sealTotpSecret(app, accountId, secret),
      algorithm,
      digits,
      periodSeconds,
      step,
      app.clock.now(),
    ],
    lost: () => new AuthError('CONFLICT'),
  }
}

function requireTotp({ config }: App): void {
  if (config.totp) return
  throw new AuthError('CONFLICT', { message: 'This server doesn’t offer authenticator apps.' })
}
