declare global {
  /** Set by start.ts until the page has come to life. `sent` is the form that was sent before. */
  var authographAsleep: { sent?: HTMLFormElement } | undefined
}

/** Call once the page handles its own events: sends the form that was sent too early, if it is still there. */
export function awaken(): void {
  const asleep = globalThis.authographAsleep
  globalThis.authographAsleep = undefined
  if (asleep?.sent?.isConnected) asleep.sent.requestSubmit()
}
