import { z } from 'zod'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { proveEnrollmentCode } from '../credentials/enrollment-code.ts'
import { countFactor, forgiveFactor } from '../credentials/factor-attempts.ts'
import { proofField } from '../credentials/proof-input.ts'
import { openTicket, TICKETS } from '../crypto/ticket.ts'
import { trustEndsAt } from '../devices/trust.ts'
import { checkInput } from '../input.ts'
import { finishSignIn, type Started } from './finish-sign-in.ts'
import { proveFactor } from './prove-factor.ts'
import { openSignIn, requireUnchanged, ticketInvalid } from './sign-in-ticket.ts'

const schema = z.object({ ticket: z.string(), proof: proofField, trustDevice: z.boolean().nullish() })

/**
 * Completes a sign-in with a second factor. Only a success uses up the ticket. The ticket ends with every change of
 * what may sign in to the account, and when the account is disabled. An account that has yet to add a factor gets a
 * session that can do nothing else, for the ticket and the emailed code.
 * @throws AuthError BAD_USER_INPUT, TICKET_INVALID, CODE_INVALID, PASSKEY_INVALID, RATE_LIMITED, SERVICE_UNAVAILABLE
 */
export async function completeLogin(app: App, input: unknown, request: RequestInfo): Promise<Started> {
  const { ticket, proof, trustDevice } = checkInput(schema, input)
  if (proof.emailCode != null && isSetUpTicket(app, ticket))
    return startToEnroll(app, ticket, proof.emailCode, request)
  const pending = openSignIn(app, 'secondFactor', ticket)
  const account = await requireUnchanged(app, pending)
  await countFactor(app, account.id, pending.device, request)
  // The ticket of the first step is also that of the passkey's ceremony.
  const proved = await proveFactor(app, account, proof, request, passkeyTicket => {
    if (passkeyTicket !== ticket) throw ticketInvalid('the passkey answers another ceremony')
    return []
  })
  const trustedUntil = trustDevice && pending.canTrustDevice ? trustEndsAt(app) : undefined
  const outcome = await finishSignIn(
    app,
    {
      ...pending,
      ...proved,
      account,
      proofs: [...pending.proofs, proved.proof],
      claims: [pending.claim],
      change: 'proved',
      trustedUntil,
      events: [...(proved.events ?? []), ...(trustedUntil ? [trusted(trustedUntil)] : [])],
    },
    request,
  )
  if (outcome?.step !== 'started') throw ticketInvalid('the account has changed')
  await forgiveFactor(app, account.id, pending.device)
  return outcome
}

function trusted(until: Date) {
  return { action: 'device.trusted', detail: { until: until.toISOString() } } as const
}

function isSetUpTicket(app: App, ticket: string): boolean {
  return openTicket(app.keys.ticket, TICKETS.setup, ticket, app.clock.now()) !== undefined
}

async function startToEnroll(
  app: App,
  ticket: string,
  emailCode: string,
  request: RequestInfo,
): Promise<Started> {
  const pending = openSignIn(app, 'setup', ticket)
  const account = await requireUnchanged(app, pending)
  const proof = await proveEnrollmentCode(app, pending.id, account, emailCode, request)
  const proofs = [...pending.proofs, proof]
  const signIn = { ...pending, account, proofs, claims: [pending.claim], toEnroll: true }
  const outcome = await finishSignIn(app, signIn, request)
  if (outcome?.step !== 'started') throw ticketInvalid('the account has changed')
  return outcome
}
