/** The source of time. In production, this is the database's clock; tests inject one that they can move. */
export type Clock = { now(): Date }

/** The machine's clock. */
export const systemClock: Clock = { now: () => new Date() }

/** Returns `date` plus this number of seconds, which may be negative. */
export function addSeconds(date: Date, seconds: number): Date {
  return new Date(date.getTime() + seconds * 1000)
}

export function earlier(a: Date, b: Date): Date {
  return new Date(Math.min(a.getTime(), b.getTime()))
}

export function later(a: Date, b: Date): Date {
  return new Date(Math.max(a.getTime(), b.getTime()))
}
