import {
  composeExchanges,
  type Exchange,
  makeErrorResult,
  makeOperation,
  type Operation,
  type OperationResult,
} from '@urql/core'
import {
  empty,
  filter,
  fromPromise,
  fromValue,
  makeSubject,
  map,
  merge,
  mergeMap,
  pipe,
  share,
  takeUntil,
} from 'wonka'
import type { AuthClient } from './client.ts'
import { isUnauthenticated } from './errors.ts'
import { cachesPerUser } from './urql-caches.ts'
import { UserChangedError } from './user-change.ts'

/**
 * An exchange for urql. Place it before the `fetchExchange`. It sends the access token. When the server
 * answers UNAUTHENTICATED or 401, it renews the token and repeats the operation once. Data that arrives after
 * its user signed out or another user signed in becomes a UserChangedError.
 *
 * Pass exchanges that keep data, such as `cacheExchange`, as `caches`, not to urql: they are created anew for
 * each user, and mounted queries run again. A cache outside would show one user's data to the next.
 */
export function authExchange(client: AuthClient, ...caches: Exchange[]): Exchange {
  const tokens = tokenExchange(client)
  return caches.length === 0 ? tokens : composeExchanges([cachesPerUser(client, caches), tokens])
}

function tokenExchange(client: AuthClient): Exchange {
  return ({ forward }) =>
    operations => {
      const shared = pipe(operations, share)
      const repeats = makeSubject<Operation>()
      /** The token of each operation's first attempt. Repetitions are left out, so none is repeated again. */
      const sentWith = new WeakMap<Operation['context'], string>()
      /** The ID of the user for whom each operation was sent. */
      const sentAs = new WeakMap<Operation['context'], string>()
      const ends = ({ key }: Operation) =>
        pipe(
          shared,
          filter(operation => operation.kind === 'teardown' && operation.key === key),
        )

      const withToken = (operation: Operation, token: string) => {
        const fetchOptions = () => {
          const given = operation.context.fetchOptions
          const options = typeof given === 'function' ? given() : given
          const headers = new Headers(options?.headers)
          headers.set('authorization', `Bearer ${token}`)
          return { ...options, headers: Object.fromEntries(headers) }
        }
        const authorized = makeOperation(operation.kind, operation, { ...operation.context, fetchOptions })
        const userId = client.state.user?.id
        if (userId !== undefined) sentAs.set(authorized.context, userId)
        return authorized
      }

      /** The operation with its token, or the error that prevents it. */
      const prepare = async (operation: Operation): Promise<Operation | OperationResult> => {
        try {
          const token = await client.getAccessToken()
          if (token === null) return operation
          const authorized = withToken(operation, token)
          sentWith.set(authorized.context, token)
          return authorized
        } catch (error) {
          return makeErrorResult(operation, error as Error)
        }
      }

      /** The operation to repeat, or its final result. */
      const renew = async (result: OperationResult, token: string): Promise<Operation | OperationResult> => {
        try {
          const next = await client.renewAccessToken(token)
          return next === null ? result : withToken(result.operation, next)
        } catch (error) {
          return makeErrorResult(result.operation, error as Error)
        }
      }

      const prepared = pipe(
        shared,
        mergeMap(operation =>
          operation.kind === 'teardown'
            ? fromValue<Operation | OperationResult>(operation)
            : pipe(fromPromise(prepare(operation)), takeUntil(ends(operation))),
        ),
        share,
      )
      const results = pipe(
        merge([pipe(prepared, filter(isOperation)), repeats.source]),
        forward,
        map(result => {
          const userId = sentAs.get(result.operation.context)
          const changed = userId !== undefined && userId !== client.state.user?.id
          return changed && result.data ? makeErrorResult(result.operation, new UserChangedError()) : result
        }),
        mergeMap(result => {
          const token = sentWith.get(result.operation.context)
          if (token === undefined || !isRefusal(result)) return fromValue(result)
          sentWith.delete(result.operation.context)
          return pipe(
            fromPromise(renew(result, token)),
            takeUntil(ends(result.operation)),
            mergeMap(outcome => {
              if (!isOperation(outcome)) return fromValue(outcome)
              repeats.next(outcome)
              return empty
            }),
          )
        }),
      )
      return merge([
        pipe(
          prepared,
          filter(outcome => !isOperation(outcome)),
        ),
        results,
      ])
    }
}

function isOperation(outcome: Operation | OperationResult): outcome is Operation {
  return 'kind' in outcome
}

function isRefusal({ error }: OperationResult): boolean {
  if (!error) return false
  const response = error.response as { status?: unknown } | undefined
  return error.graphQLErrors.some(isUnauthenticated) || response?.status === 401
}
