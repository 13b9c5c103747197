import { expect, test } from '@jest/globals'
import { signIn, signUpVerified } from '../support/actors.ts'
import { addTotp, emailedCode, secondStep, ticketOf } from '../support/factors.ts'
import { useService } from '../support/service.ts'

const service = useService()

/** Every row of every table as text, as a copy of the database has it. */
async function copyOfDatabase(): Promise<string> {
  const { pool } = service.app
  const tables = await pool.query<{ name: string }>(
    `SELECT quote_ident(table_name) AS name FROM information_schema.tables
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`,
  )
  expect(tables.rows.length).toBeGreaterThan(20)
  const parts = await Promise.all(
    tables.rows.map(async ({ name }) => {
      const { rows } = await pool.query<{ rows: string | null }>(
        `SELECT string_agg(to_jsonb(t)::text, E'\\n') AS rows FROM ${name} t`,
      )
      return rows[0]?.rows ?? ''
    }),
  )
  return parts.join('\n')
}

/** The spellings in which bytes may be stored. */
function spellings(bytes: Buffer): string[] {
  return [bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')]
}

test('a copy of the database holds nothing that signs in: no secret, code, ticket or token', async () => {
  const { email } = await signUpVerified(service)
  const account = await addTotp(service, await signIn(service, email))
  const pending = await ticketOf(service, email)
  const used = await ticketOf(service, email)
  const { data } = await secondStep(service, used, { totpCode: account.app.code(1) })
  await emailedCode(service, account)
  const { refreshToken = '', deviceToken = '', accessToken = '' } = data?.completeLogin ?? {}
  const copy = await copyOfDatabase()
  expect(copy).toContain(account.id)
  const canaries = {
    'the secret of the app': [account.app.secret, ...spellings(account.app.bytes)],
    'recovery codes': account.recoveryCodes.flatMap(code => [code, code.replaceAll('-', '')]),
    tickets: [pending, used, ...spellings(Buffer.from(pending, 'base64url'))],
    'the refresh token': [refreshToken?.split('.')[2], account.refreshToken.split('.')[2]],
    'the device token': [deviceToken?.split('.')[0], deviceToken?.split('.')[1]],
    'the access token': [accessToken.split('.')[2]],
    keys: [service.app.keys.ticket, service.app.keys.factor, service.app.keys.emailCode].flatMap(spellings),
  }
  for (const [what, texts] of Object.entries(canaries)) {
    for (const text of texts) {
      if (!text || text.length < 16) throw new Error(`${what}: no canary`)
      expect([what, copy.includes(text)]).toEqual([what, false])
      // As the bytes of the text.
      expect([what, copy.includes(Buffer.from(text).toString('hex'))]).toEqual([what, false])
    }
  }
})
