import { authorize, type RequestLike, requireStepUp, type StepUpOptions } from './authorize.ts'
import { AuthError } from './errors.ts'
import { identityOf, rememberIdentity } from './identities.ts'
import type { Verifier } from './verifier.ts'

export { identityOf }

/** The parts of Fastify's request and reply that are used. */
type Request = RequestLike & { readonly headers: { readonly authorization?: string | undefined } }
type Reply = { code(status: number): Reply; headers(headers: object): Reply; send(body: unknown): Reply }
type Hook = (request: Request, reply: Reply) => Promise<unknown>

/**
 * A hook, such as `preHandler`, that lets requests through that have a valid access token and, if permissions are named,
 * at least one of them. Answers all others with 401, 403 or 503, and an error as Authograph has it. Behind it,
 * `identityOf(request)` tells who it is.
 */
export function guard(verifier: Verifier, ...permissions: readonly string[]): Hook {
  return checking(async request =>
    rememberIdentity(request, await authorize(verifier, request, ...permissions)),
  )
}

/** Behind `guard`: requires a strong and recent sign-in, and answers with the challenge of RFC 9470 otherwise. */
export function stepUp(options: StepUpOptions): Hook {
  return checking(async request => requireStepUp(identityOf(request), options))
}

function checking(check: (request: Request) => Promise<void>): Hook {
  return (request, reply) => check(request).catch((error: unknown) => refuse(error, reply))
}

function refuse(error: unknown, reply: Reply): Reply {
  if (!(error instanceof AuthError)) throw error
  return reply.code(error.status).headers(error.headers).send(error.body)
}
