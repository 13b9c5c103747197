/** Tells the developer what only the browser's console can: no call of theirs fails because of it. */
export function warn(message: string): void {
  // biome-ignore lint/suspicious/noConsole: a page has no other log.
  console.warn(`authograph: ${message}`)
}
