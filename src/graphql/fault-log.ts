import type { GraphQLError } from 'graphql'
import type { Context } from '../context.ts'
import { AuthError } from '../errors.ts'
import { isFault, isUnavailability } from './format-error.ts'

/** The minimum time between two log lines about refused requests with the same reason. */
const INTERVAL_MS = 10_000

type Reported = { atMs: number; unreported: number }

/**
 * Logs every fault of the server with its stack. A flood or a lost database affects every request, so those errors are
 * logged at most once in ten seconds for each reason, with the number of requests in between.
 */
export function faultLog(): (errors: readonly GraphQLError[], context: Context) => void {
  const reported = new Map<string, Reported>()

  /** The number of unreported requests if a log line is due, otherwise undefined. */
  function due(reason: string): number | undefined {
    const now = performance.now()
    const last = reported.get(reason)
    if (last && now - last.atMs < INTERVAL_MS) {
      last.unreported += 1
      return undefined
    }
    reported.set(reason, { atMs: now, unreported: 0 })
    return last?.unreported ?? 0
  }

  return (errors, { app, request: { requestId } }) => {
    for (const error of errors.filter(isFault)) {
      const { path } = error
      const fault = error.originalError ?? error
      if (!isUnavailability(error)) {
        app.log.error({ requestId, err: fault, path }, 'request failed')
        continue
      }
      // The reason alone explains an overload. Its stack is the same as for any request.
      const reason = fault instanceof AuthError ? String(fault.cause) : undefined
      const unreported = due(reason ?? 'database')
      if (unreported === undefined) continue
      if (reason === undefined) app.log.error({ requestId, err: fault, path, unreported }, 'request failed')
      else app.log.warn({ requestId, path, reason, unreported }, 'overloaded: requests are refused')
    }
  }
}
