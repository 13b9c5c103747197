import { ApolloLink } from '@apollo/client/link'
import { catchError, defer, from, map, mergeMap, type Observable, of, throwError } from 'rxjs'
import type { AuthClient } from './client.ts'
import { isUnauthenticated } from './errors.ts'

/**
 * A link for Apollo Client 4, to be put before the HTTP link: it sends the access token, and where the
 * server says UNAUTHENTICATED or 401, renews it and repeats the operation, once.
 */
export function authLink(client: AuthClient): ApolloLink {
  return new ApolloLink((operation, forward) => {
    const send = (token: string | null) => {
      operation.setContext(({ headers }) => ({
        headers: token === null ? headers : { ...headers, authorization: `Bearer ${token}` },
      }))
      return forward(operation)
    }
    return defer(() => client.getAccessToken()).pipe(
      mergeMap(token => {
        if (token === null) return send(null)
        const repeatOr = (otherwise: () => Observable<ApolloLink.Result>) =>
          from(client.renewAccessToken(token)).pipe(
            mergeMap(next => (next === null ? otherwise() : send(next))),
          )
        return send(token).pipe(
          // As a failure, because that ends what still comes: a subscription must not run twice.
          map(result => {
            if (result.errors?.some(isUnauthenticated)) throw new Refusal(result)
            return result
          }),
          catchError((error: unknown) => {
            if (error instanceof Refusal) return repeatOr(() => of(error.result))
            const fail = () => throwError(() => error)
            return isUnauthorised(error) ? repeatOr(fail) : fail()
          }),
        )
      }),
    )
  })
}

class Refusal {
  readonly result: ApolloLink.Result

  constructor(result: ApolloLink.Result) {
    this.result = result
  }
}

/** What the HTTP link makes of an answer of 401 that is not one of GraphQL. */
function isUnauthorised(error: unknown): boolean {
  return (error as { statusCode?: unknown } | null)?.statusCode === 401
}
