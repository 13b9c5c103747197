import * as operations from './operations.ts'
import type { Parts } from './parts.ts'
import type { Session } from './types.ts'

export function sessionMethods({ session, requests }: Parts) {
  return {
    /** The user's active sessions, most recently used first. */
    async list(): Promise<Session[]> {
      const { me } = await requests.asUser(operations.Sessions, {})
      return me?.sessions ?? []
    },

    /** Ends one of the user's sessions. Ending the current session signs out. */
    async revoke(id: string): Promise<Session> {
      const { revokeSession } = await requests.asUser(operations.RevokeSession, { id })
      await session.ended(id)
      return revokeSession
    },

    /** Ends all sessions except this one, and returns how many ended. */
    async revokeOthers(): Promise<number> {
      const { revokeOtherSessions } = await requests.asUser(operations.RevokeOtherSessions, {})
      return revokeOtherSessions
    },

    /** Ends all sessions, which signs out, and returns how many ended. */
    async revokeAll(): Promise<number> {
      return session.endAfter(async () => {
        const { revokeAllSessions } = await requests.asUser(operations.RevokeAllSessions, {})
        return revokeAllSessions
      })
    },
  }
}
