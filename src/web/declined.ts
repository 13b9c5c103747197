/** The visitor closed a dialog that asked who they are, or the session ended while it was open. */
export class Declined extends Error {}

/** Whether the visitor chose not to go on, in a dialog of the page or of the browser. It is no failure. */
export function isDeclined(error: unknown): boolean {
  return error instanceof Declined || (error instanceof Error && error.name === 'PasskeyCancelled')
}
