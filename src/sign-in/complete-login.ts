import { z } from 'zod'
import { findUserById } from '../accounts/account.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { countFactor, forgiveFactor } from '../credentials/factor-attempts.ts'
import { proofField } from '../credentials/proof-input.ts'
import { trustEndsAt } from '../devices/trust.ts'
import { checkInput } from '../input.ts'
import { finishSignIn, type Started } from './finish-sign-in.ts'
import { proveFactor } from './prove-factor.ts'
import { openSignIn, ticketInvalid } from './sign-in-ticket.ts'

const schema = z.object({ ticket: z.string(), proof: proofField, trustDevice: z.boolean().nullish() })

/**
 * Completes a sign-in with a second factor. Only a success uses up the ticket. The ticket ends with every change of
 * what may sign in to the account, and when the account is disabled.
 * @throws AuthError BAD_USER_INPUT, TICKET_INVALID, CODE_INVALID, PASSKEY_INVALID, RATE_LIMITED, SERVICE_UNAVAILABLE
 */
export async function completeLogin(app: App, input: unknown, request: RequestInfo): Promise<Started> {
  const { ticket, proof, trustDevice } = checkInput(schema, input)
  const pending = openSignIn(app, 'secondFactor', ticket)
  const account = await findUserById(app, pending.accountId)
  if (!account || account.credentialVersion !== pending.credentialVersion || account.disabledAt)
    throw ticketInvalid('the account has changed')
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
