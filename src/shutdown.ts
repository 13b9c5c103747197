const SIGNALS = ['SIGINT', 'SIGTERM'] as const
export type ShutdownSignal = (typeof SIGNALS)[number]

/** Requests in flight get this long after a signal. */
const SHUTDOWN_TIMEOUT_MS = 9000

type Stop = (signal: ShutdownSignal) => Promise<unknown>

// One listener a process, however many servers it runs.
const stops = new Set<Stop>()
let stopping = false
/** Whether no one but us listens to the signal that came. */
let endsProcess = false

/**
 * Runs `start`, and ends what it started when SIGINT or SIGTERM arrives, even before it has resolved: then `start`
 * hears of it by the abort signal, and what it has started nevertheless is closed. Afterwards the process ends with
 * 0, or with 1 when closing fails or takes longer than 9 s; a program with a listener of its own for the signal
 * decides that itself. Repeated signals change nothing: npm sends one more than the terminal does.
 *
 * @throws what `start` throws; Error when a signal has ended it and the program has a listener of its own
 */
export async function closeOnSignal<Started extends { close(): Promise<void> }>(
  start: (aborted: AbortSignal) => Promise<Started>,
  onStop: (started: Started, signal: ShutdownSignal) => void = () => {},
): Promise<Started> {
  const abort = new AbortController()
  const starting = start(abort.signal).then(started => closingOnce(started, () => unwatch(stop)))
  const stop: Stop = async signal => {
    abort.abort(new Error(`${signal} while starting`))
    // A failure is for the one who waits below.
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
    // The process is about to end with 0; a failure would end it with 1 before.
    if (abort.signal.aborted && endsProcess) await new Promise(() => {})
    unwatch(stop)
    throw error
  }
}

function closingOnce<Started extends { close(): Promise<void> }>(
  started: Started,
  closed: () => void,
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
