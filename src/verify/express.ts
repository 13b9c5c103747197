import { authorize, type RequestLike, requireStepUp, type StepUpOptions } from './authorize.ts'
import { AuthError } from './errors.ts'
import { identityOf, rememberIdentity } from './identities.ts'
import type { Verifier } from './verifier.ts'

export { identityOf }

/** The parts of Node's request and response that are used, which Express, NestJS and Connect have too. */
type Request = RequestLike & { readonly headers: { readonly authorization?: string | undefined } }
type Response = {
  statusCode: number
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
}
type Handler = (request: Request, response: Response, next: (error?: unknown) => void) => void

/**
 * Lets requests through that have a valid access token and, if permissions are named, at least one of them. Answers all
 * others with 401, 403 or 503, and an error as Authograph has it. Behind it, `identityOf(request)` tells who it is.
 */
export function guard(verifier: Verifier, ...permissions: readonly string[]): Handler {
  return checking(async request =>
    rememberIdentity(request, await authorize(verifier, request, ...permissions)),
  )
}

/** Behind `guard`: requires a strong and recent sign-in, and answers with the challenge of RFC 9470 otherwise. */
export function stepUp(options: StepUpOptions): Handler {
  return checking(async request => requireStepUp(identityOf(request), options))
}

function checking(check: (request: Request) => Promise<void>): Handler {
  return (request, response, next) => {
    check(request).then(
      () => next(),
      (error: unknown) => refuse(error, response, next),
    )
  }
}

function refuse(error: unknown, response: Response, next: (error: unknown) => void): void {
  if (!(error instanceof AuthError)) {
    next(error)
    return
  }
  response.statusCode = error.status
  for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value)
  response.setHeader('content-type', 'application/json; charset=utf-8')
  response.end(JSON.stringify(error.body))
}
