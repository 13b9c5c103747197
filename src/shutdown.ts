const SIGNALS = ['SIGINT', 'SIGTERM'] as const
export type ShutdownSignal = (typeof SIGNALS)[number]

/** The time that requests in flight have after a signal. */
const SHUTDOWN_TIMEOUT_MS = 9000

type Stop = (signal: ShutdownSignal) => Promise<unknown>

// One listener per process, even if it runs several servers.
const stops = new Set<Stop>()
let stopping = false
/** Whether this module has the only listener for the received signal. */
let endsProcess = false

/**
 * Runs `start` and closes what it started when SIGINT or SIGTERM arrives. If `start` is still running, its abort signal
 * fires, and anything it starts after that is closed. Then the process exits with 0, or with 1 if closing fails or takes
 * longer than 9 s. If the program has its own listener for the signal, the process does not exit. Repeated signals have
 * no effect: npm sends the terminal's signal a second time.
 *
 * @throws what `start` throws; Error when a signal aborts it and the program has its own listener
 */
export async function closeOnSignal<Started extends { close(): Promise<void> }>(
  start: (aborted: AbortSignal) => Promise<Started>,
  onStop: (started: Started, signal: ShutdownSignal) => void = () => {},
): Promise<Started> {
  const abort = new AbortController()
  const starting = start(abort.signal).then(started => closingOnce(started, () => unwatch(stop)))
  const stop: Stop = async signal => {
    abort.abort(new Error(`${signal} while starting`))
    // The code below handles a failure.
    const started = await starting.catch(() => undefined)
    if (!started) return
    onStop(started, signal)
    await started.close()
  }
  watch(stop)
  try {
    const started = await starting
    if (abort.signal.aborted) throw abort.signal.reason
    return started
  } catch (error) {
    // The process is about to exit with 0. Throwing would make it exit with 1 first.
    if (abort.signal.aborted && endsProcess) await new Promise(() => {})
    unwatch(stop)
    throw error
  }
}

/** Returns `started` with a `close` that runs once, however often it is called. `closed` runs after it. */
export function closingOnce<Started extends { close(): Promise<void> }>(
  started: Started,
  closed: () => void = () => {},
): Started {
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= started.close().finally(closed)
    return closing
  }
  return { ...started, close }
}

function watch(stop: Stop): void {
  if (stops.size === 0) for (const signal of SIGNALS) process.on(signal, handle)
  stops.add(stop)
}

function unwatch(stop: Stop): void {
  stops.delete(stop)
  if (stops.size === 0 && !stopping) for (const signal of SIGNALS) process.off(signal, handle)
}

function handle(signal: ShutdownSignal): void {
  if (stopping) return
  stopping = true
  endsProcess = process.listenerCount(signal) === 1
  void stopAll(signal)
}

async function stopAll(signal: ShutdownSignal): Promise<void> {
  const timer = setTimeout(() => {
    if (!endsProcess) return
    process.stderr.write('Requests were still running after 9 s and were dropped.\n')
    process.exit(1)
  }, SHUTDOWN_TIMEOUT_MS).unref()
  const results = await Promise.allSettled([...stops].map(stop => stop(signal)))
  clearTimeout(timer)
  const failures = results.filter(result => result.status === 'rejected')
  for (const { reason } of failures) process.stderr.write(`${(reason as Error).stack ?? reason}\n`)
  if (endsProcess) process.exit(failures.length === 0 ? 0 : 1)
  stopping = false
  if (stops.size === 0) for (const each of SIGNALS) process.off(each, handle)
}
