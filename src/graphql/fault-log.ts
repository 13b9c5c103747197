import type { GraphQLError } from 'graphql'
import type { Context } from '../context.ts'
import { AuthError } from '../errors.ts'
import { isFault, isUnavailability } from './format-error.ts'

/** How often the log hears that requests are put off, per reason. */
const INTERVAL_MS = 10_000

type Reported = { atMs: number; unreported: number }

/**
 * Logs faults: each fault of ours with its stack. What a flood or a lost database causes with every request, it logs
 * once in ten seconds for each reason, with the number of requests that it has not reported since.
 */
export function faultLog(): (errors: readonly GraphQLError[], context: Context) => void {
  const reported = new Map<string, Reported>()

  /** The number of requests not reported so far, or undefined where this one is not reported either. */
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
      // An overload of our own says in one line what it is: its stack is that of any request.
      const reason = fault instanceof AuthError ? String(fault.cause) : undefined
      const unreported = due(reason ?? 'database')
      if (unreported === undefined) continue
      if (reason === undefined) app.log.error({ requestId, err: fault, path, unreported }, 'request failed')
      else app.log.warn({ requestId, path, reason, unreported }, 'overloaded: requests are put off')
    }
  }
}
