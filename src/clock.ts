/** Where the program gets the time from: the database's clock. Tests inject one that they can move. */
export type Clock = { now(): Date }

/** The machine's own. */
export const systemClock: Clock = { now: () => new Date() }

/** `date` moved by so many seconds. */
export function addSeconds(date: Date, seconds: number): Date {
  return new Date(date.getTime() + seconds * 1000)
}

export function earlier(a: Date, b: Date): Date {
  return new Date(Math.min(a.getTime(), b.getTime()))
}

export function later(a: Date, b: Date): Date {
  return new Date(Math.max(a.getTime(), b.getTime()))
}
