import {
  type Client,
  composeExchanges,
  type Exchange,
  type Operation,
  type OperationResult,
} from '@urql/core'
import { filter, fromValue, makeSubject, merge, onPush, pipe, share, switchMap } from 'wonka'
import type { AuthClient } from './client.ts'
import { onUserChange, UserChangedError } from './user-change.ts'

/**
 * Runs `caches` as one exchange and creates them anew for each user, so that no user sees data that another
 * one loaded. Queries of mounted components run again.
 */
export function cachesPerUser(client: AuthClient, caches: readonly Exchange[]): Exchange {
  const cached = composeExchanges([...caches])
  return ({ client: urql, forward, dispatchDebug }) =>
    operations => {
      const shared = pipe(operations, share)
      const changes = makeSubject<void>()
      const outgoing = makeSubject<Operation>()
      // urql allows an exchange to call `forward` only once.
      const incoming = pipe(forward(outgoing.source), share)
      const queries = activeQueries(urql)

      const currentCaches = () =>
        cached({
          client: urql,
          dispatchDebug,
          forward: operations =>
            merge([
              pipe(
                operations,
                onPush(outgoing.next),
                filter((operation): operation is never => never(operation)),
              ),
              incoming,
            ]),
        })(shared)

      onUserChange(client, () => {
        changes.next()
        queries.rerunAll()
      })
      return merge([
        // Keeps both streams open while one set of caches replaces the other.
        pipe(
          incoming,
          onPush(queries.rerunIfUserChanged),
          filter((result): result is never => never(result)),
        ),
        pipe(
          shared,
          onPush(queries.track),
          filter((operation): operation is never => never(operation)),
        ),
        pipe(merge([fromValue(undefined), changes.source]), switchMap(currentCaches)),
      ])
    }
}

/** Runs the queries of mounted components again. Waits until components have left the page after a sign-out. */
function activeQueries(urql: Client) {
  const active = new Map<number, Operation>()
  const rerun = (key: number) =>
    setTimeout(() => {
      const operation = active.get(key)
      if (operation) urql.reexecuteOperation(operation)
    })
  return {
    track: (operation: Operation): void => {
      if (operation.kind === 'query') active.set(operation.key, operation)
      if (operation.kind === 'teardown') active.delete(operation.key)
    },
    rerunAll: (): void => {
      for (const key of active.keys()) rerun(key)
    },
    rerunIfUserChanged: ({ operation, error }: OperationResult): void => {
      if (error?.networkError instanceof UserChangedError) rerun(operation.key)
    },
  }
}

const never = (_value: unknown) => false
