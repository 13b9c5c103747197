const Real = Date

/**
 * Runs `run` while the machine's own clock is off by this number of seconds: `Date` is wrong for everything in this
 * process. The database has a clock of its own.
 */
export async function withMachineClock<Result>(
  offsetSeconds: number,
  run: () => Promise<Result>,
): Promise<Result> {
  const offsetMs = offsetSeconds * 1000
  globalThis.Date = class extends Real {
    constructor(...args: [] | [value: number | string | Date]) {
      super(...((args.length > 0 ? args : [Real.now() + offsetMs]) as [number]))
    }
    static override now(): number {
      return Real.now() + offsetMs
    }
  } as DateConstructor
  try {
    return await run()
  } finally {
    globalThis.Date = Real
  }
}
