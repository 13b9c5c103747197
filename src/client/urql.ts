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

      /** The operation as it is sent, or why it cannot be. */
      const prepare = async (operation: Operation): Promise<Operation | OperationResult> => {
        try {
          const token = await client.getAccessToken()
          if (token === null) return operation
          const authorised = withToken(operation, token)
          sentWith.set(authorised.context, token)
          return authorised
        } catch (error) {
          return makeErrorResult(operation, error as Error)
        }
      }

      /** The operation to repeat, or the result that it stays with. */
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
