import { markAllEnded, rotateKeys } from '../admin/operations/rotate-keys.ts'
import { NO_REQUEST } from '../audit/record.ts'
import { print } from './print.ts'
import { withApp } from './with-app.ts'

type Options = { revoke?: boolean; endAllSessions?: boolean; json?: boolean }

export async function rotateKeysNow({
  revoke = false,
  endAllSessions = false,
  json,
}: Options): Promise<void> {
  await withApp(async app => {
    const { key, revoked } = await rotateKeys(app, NO_REQUEST, { revoke, endAllSessions })
    const { kid, activatesAt } = key
    const endedSessions = endAllSessions ? await markAllEnded(app, key.createdAt) : undefined
    const text =
      revoked.length === 0
        ? `The key ${kid} is published and starts signing at ${activatesAt.toISOString()}.`
        : [
            `The key ${kid} is now signing. Revoked keys: ${revoked.join(', ')}.`,
            'Every replica rejects their tokens within seconds. Services that verify tokens themselves accept them until they fetch the JWKS again: restart those services, or wait 5 minutes.',
            ...(endAllSessions
              ? [`The refresh-token key was replaced, which ended ${endedSessions} sessions.`]
              : []),
          ].join('\n')
    const sessions = endedSessions === undefined ? {} : { endedSessions }
    print(text, { kid, activatesAt, revoked, ...sessions }, json)
  })
}
