import type { AuthClient } from './client.ts'

/** Thrown instead of data that arrives after its user signed out or another user signed in. */
export class UserChangedError extends Error {
  override readonly name = 'UserChangedError'

  constructor() {
    super('The user changed before the answer arrived. Its data belongs to the previous user.')
  }
}

/**
 * Calls `listener` when another user signs in or the user signs out, but not when the session is restored.
 * @returns a function that removes the listener
 */
export function onUserChange(client: AuthClient, listener: () => void): () => void {
  let userId = client.state.user === undefined ? undefined : (client.state.user?.id ?? null)
  return client.onChange(user => {
    const before = userId
    if (user !== undefined) userId = user?.id ?? null
    if (before !== undefined && userId !== before) listener()
  })
}
