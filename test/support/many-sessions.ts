import { signAccessToken } from '../../src/keys/access-token.ts'
import { refreshTokenOf } from '../../src/sessions/refresh-token.ts'
import { assuranceClaims } from '../../src/sessions/strength.ts'
import type { SignedIn } from './actors.ts'
import { patiently } from './patient.ts'
import type { Service } from './service.ts'
import type { Pair } from './sessions.ts'

/** Gives the account further live sessions like its own, in one statement, and returns the ids of some of them. */
export async function addSessions(
  { app }: Service,
  account: SignedIn,
  count: number,
  columns: Record<string, string> = {},
): Promise<string[]> {
  const copied = ['created_at', 'last_used_at', 'authenticated_at', 'expires_at', 'absolute_expires_at']
  const names = ['id', 'user_id', 'salt', ...copied, 'idle_ttl_seconds', 'remembered', 'epoch']
  const rows = await patiently<{ id: string }>(
    app,
    `WITH added AS (
       INSERT INTO sessions (${names.join(', ')})
       SELECT ${names.map(name => (name === 'id' ? 'gen_random_uuid()' : (columns[name] ?? name))).join(', ')}
       FROM sessions, generate_series(1, $2) n WHERE id = $1 RETURNING id
     ) SELECT id FROM added LIMIT 3`,
    [account.sessionId, count],
  )
  return rows.map(({ id }) => id)
}

/** Tokens of a session that `addSessions` added. */
export async function tokensOf(
  { app }: Service,
  account: SignedIn,
  sessionId: string,
): Promise<Pick<Pair, 'accessToken' | 'refreshToken'>> {
  const session = await app.db.session.findUniqueOrThrow({ where: { id: sessionId } })
  const claims = { userId: account.id, sessionId, generation: 0, assurance: assuranceClaims(session) }
  return {
    accessToken: signAccessToken(app, claims, 600).token,
    refreshToken: refreshTokenOf(app, session, 0),
  }
}
