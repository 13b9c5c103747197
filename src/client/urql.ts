import {
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
  merge,
  mergeMap,
  pipe,
  share,
  takeUntil,
} from 'wonka'
import type { AuthClient } from './client.ts'
import { isUnauthenticated } from './errors.ts'

/**
 * An exchange for urql, to be put before the `fetchExchange`: it sends the access token, and where the
 * server says UNAUTHENTICATED or 401, renews it and repeats the operation, once.
 */
export function authExchange(client: AuthClient): Exchange {
  return ({ forward }) =>
    operations => {
      const shared = pipe(operations, share)
      const repeats = makeSubject<Operation>()
      /** Tokens that operations were sent with first; a repetition is not in it. */
      const sentWith = new WeakMap<Operation['context'], string>()
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
        return makeOperation(operation.kind, operation, { ...operation.context, fetchOptions })
      }

      type Prepared = { operation: Operation } | { failure: OperationResult }
      const prepare = async (operation: Operation): Promise<Prepared> => {
        try {
          const token = await client.getAccessToken()
          if (token === null) return { operation }
          const authorised = withToken(operation, token)
          sentWith.set(authorised.context, token)
          return { operation: authorised }
        } catch (error) {
          return { failure: makeErrorResult(operation, error as Error) }
        }
      }

      /** Repeats an operation, or gives the result that it stays with. */
      const renew = async (result: OperationResult, token: string): Promise<OperationResult | undefined> => {
        try {
          const next = await client.renewAccessToken(token)
          if (next === null) return result
          repeats.next(withToken(result.operation, next))
          return undefined
        } catch (error) {
          return makeErrorResult(result.operation, error as Error)
        }
      }

      const prepared = pipe(
        shared,
        mergeMap(operation =>
          operation.kind === 'teardown'
            ? fromValue<Prepared>({ operation })
            : pipe(fromPromise(prepare(operation)), takeUntil(ends(operation))),
        ),
        share,
      )
      const ready = pipe(
        prepared,
        mergeMap(one => ('operation' in one ? fromValue(one.operation) : empty)),
      )
      const failed = pipe(
        prepared,
        mergeMap(one => ('failure' in one ? fromValue(one.failure) : empty)),
      )
      const results = pipe(
        merge([ready, repeats.source]),
        forward,
        mergeMap(result => {
          const token = sentWith.get(result.operation.context)
          if (token === undefined || !isRefusal(result)) return fromValue(result)
          return pipe(
            fromPromise(renew(result, token)),
            takeUntil(ends(result.operation)),
            mergeMap(final => (final ? fromValue(final) : empty)),
          )
        }),
      )
      return merge([failed, results])
    }
}

function isRefusal({ error }: OperationResult): boolean {
  if (!error) return false
  const response = error.response as { status?: unknown } | undefined
  return error.graphQLErrors.some(isUnauthenticated) || response?.status === 401
}
