import type { ApolloClient } from '@apollo/client'
import { ApolloLink } from '@apollo/client/link'
import { catchError, defer, from, map, mergeMap, type Observable, of, throwError } from 'rxjs'
import type { AuthClient } from './client.ts'
import { isUnauthenticated } from './errors.ts'
import { onUserChange, UserChangedError } from './user-change.ts'

/**
 * A link for Apollo Client 4. Place it before the HTTP link. It sends the access token. When the server
 * answers UNAUTHENTICATED or 401, it renews the token and repeats the operation once. Data that arrives after
 * its user signed out or another user signed in becomes a UserChangedError.
 */
export function authLink(client: AuthClient): ApolloLink {
  return new ApolloLink((operation, forward) => {
    const send = (token: string | null) => {
      operation.setContext(({ headers }) => ({
        headers: token === null ? headers : { ...headers, authorization: `Bearer ${token}` },
      }))
      const userId = token === null ? undefined : client.state.user?.id
      return forward(operation).pipe(
        map(result => {
          const changed = userId !== undefined && userId !== client.state.user?.id
          if (changed && 'data' in result && result.data) throw new UserChangedError()
          return result
        }),
      )
    }
    return defer(() => client.getAccessToken()).pipe(
      mergeMap(token => {
        if (token === null) return send(null)
        const repeatOr = (otherwise: () => Observable<ApolloLink.Result>) =>
          from(client.renewAccessToken(token)).pipe(
            mergeMap(next => (next === null ? otherwise() : send(next))),
          )
        return send(token).pipe(
          // Thrown, because an error unsubscribes from the source: a subscription must not run twice.
          map(result => {
            if (result.errors?.some(isUnauthenticated)) throw new Refusal(result)
            return result
          }),
          catchError((error: unknown) => {
            if (error instanceof Refusal) return repeatOr(() => of(error.result))
            const fail = () => throwError(() => error)
            return isUnauthorized(error) ? repeatOr(fail) : fail()
          }),
        )
      }),
    )
  })
}

/**
 * Clears Apollo's cache when the user signs out or another user signs in, and reloads the queries of mounted
 * components. Queries in flight keep their own errors, which `apollo.clearStore()` would replace with "Store
 * reset while query was in flight". Needs `authLink`, which drops data that arrives late.
 * @returns a function that stops it
 */
export function clearCacheOnUserChange(client: AuthClient, apollo: ApolloClient): () => void {
  return onUserChange(client, () => {
    // Queries that still miss their data run again, which includes every query that reads the cache.
    void apollo.cache.reset()
  })
}

class Refusal {
  readonly result: ApolloLink.Result

  constructor(result: ApolloLink.Result) {
    this.result = result
  }
}

/** The HTTP link throws an error with this status if the body of a 401 is not a GraphQL answer. */
function isUnauthorized(error: unknown): boolean {
  return (error as { statusCode?: unknown } | null)?.statusCode === 401
}
