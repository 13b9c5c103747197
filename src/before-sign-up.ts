import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import type { App, SignUpAttempt, SignUpDecision } from './app.ts'
import type { EventOrigin } from './audit/record.ts'
import { signatureHeaders } from './crypto/signed-message.ts'
import { AuthError } from './errors.ts'

/** A person waits for the answer. */
const TIMEOUT_MS = 3000
const ANSWER_MAX_BYTES = 16_384
const MESSAGE_MAX_LENGTH = 200

const decisionSchema = z.object({
  allow: z.boolean(),
  message: z
    .string()
    .trim()
    .max(MESSAGE_MAX_LENGTH)
    .regex(/^\P{C}*$/u)
    .nullish()
    .transform(message => message || undefined),
})

/**
 * Asks the program's `beforeSignUp` and the server at BEFORE_SIGN_UP_URL whether a person can sign up. Call it before
 * anything is stored, after the limits on attempts, and in the same way for addresses that have an account. No answer is
 * a refusal.
 * @throws AuthError SIGN_UP_REFUSED; SERVICE_UNAVAILABLE without a valid answer within 3 seconds
 */
export async function requireSignUpAllowed(
  app: App,
  attempt: Omit<SignUpAttempt, 'provider' | 'ipAddress' | 'userAgent'> & { provider?: string },
  origin: EventOrigin,
): Promise<void> {
  const { beforeSignUp, config } = app
  if (!beforeSignUp && !config.beforeSignUp) return
  const asked: SignUpAttempt = {
    ...attempt,
    provider: attempt.provider ?? null,
    ipAddress: origin.ipAddress ?? null,
    userAgent: origin.userAgent ?? null,
  }
  if (beforeSignUp) await decide(app, async () => beforeSignUp(asked))
  const { beforeSignUp: server } = config
  if (server) await decide(app, signal => askServer(app, server, asked, signal))
}

async function decide(app: App, ask: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  let decision: SignUpDecision
  try {
    const late = new Promise<never>((_, fail) =>
      signal.addEventListener('abort', () => fail(new Error('no answer within 3 seconds')), { once: true }),
    )
    decision = decisionSchema.parse(await Promise.race([ask(signal), late]))
  } catch (error) {
    app.log.warn(
      { err: error },
      'whether a person can sign up could not be decided, so the sign-up was refused',
    )
    throw new AuthError('SERVICE_UNAVAILABLE', { extensions: { retryAfter: 5 }, cause: error })
  }
  if (decision.allow) return
  throw new AuthError('SIGN_UP_REFUSED', decision.message === undefined ? {} : { message: decision.message })
}

async function askServer(
  app: App,
  { url, secret }: { url: string; secret: string },
  attempt: SignUpAttempt,
  signal: AbortSignal,
): Promise<unknown> {
  const at = app.clock.now()
  const body = JSON.stringify({ type: 'user.before_sign_up', timestamp: at.toISOString(), data: attempt })
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'authograph',
      ...signatureHeaders({ id: uuidv7(), at, body }, [secret]),
    },
    body,
    signal,
    redirect: 'manual',
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`the server answered with status ${response.status}`)
  }
  return JSON.parse(await readText(response))
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    // Leaving the loop cancels the body.
    if (bytes > ANSWER_MAX_BYTES) throw new Error('the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
