import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { queueNotice } from '../mail/notices.ts'
import type { SessionWithAccount } from './find-session.ts'
import { revokeSession } from './revoke.ts'

/**
 * Ends a session that two holders use, records the event and notifies the owner, in one transaction. Does so only once,
 * even if several requests detect it. `token` is the proof, with its generation.
 */
export async function endSharedSession(
  app: App,
  { session, account }: SessionWithAccount,
  token: { kind: 'access' | 'refresh'; generation: number },
  request: RequestInfo,
): Promise<void> {
  await app.db.$transaction(async tx => {
    const detail = { token: token.kind, generation: token.generation }
    const ended = await revokeSession(app, session, { action: 'session.reuse_detected', request, detail }, tx)
    if (!ended) return
    await queueNotice(
      app,
      tx,
      account,
      securityNotice(app, account, 'reuse-detected', emailOriginOf(app, session)),
    )
  })
}
