import * as operations from './account-operations.ts'
import type { Parts } from './parts.ts'
import type { Session } from './types.ts'

/** The methods under `client.sessions`, which account.ts loads on demand and documents. */
export function sessionMethods({ session, requests }: Parts) {
  return {
    async list(): Promise<Session[]> {
      const { me } = await requests.asUser(operations.Sessions, {})
      return me?.sessions ?? []
    },

    async revoke(id: string): Promise<Session> {
      const { revokeSession } = await requests.asUser(operations.RevokeSession, { id })
      await session.ended(id)
      return revokeSession
    },

    async revokeOthers(): Promise<number> {
      const { revokeOtherSessions } = await requests.asUser(operations.RevokeOtherSessions, {})
      return revokeOtherSessions
    },

    async revokeAll(): Promise<number> {
      return session.endAfter(async () => {
        const { revokeAllSessions } = await requests.asUser(operations.RevokeAllSessions, {})
        return revokeAllSessions
      })
    },
  }
}
