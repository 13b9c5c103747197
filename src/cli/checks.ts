import { constants } from 'node:fs'
import { access, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { addSeconds } from '../clock.ts'
import { sealingKey, unseal } from '../crypto/seal.ts'
import { pendingMigrations, requireKnownMigrations } from '../database/migrate.ts'
import { SIGNING } from '../keys/signing-keys.ts'
import { createLog } from '../log.ts'
import { createMailer } from '../mail/mailer.ts'
import { ADMIN_ROLE, EVERYTHING, permissions } from '../permissions/permissions.ts'
import { checkApiKeys } from './api-key-checks.ts'
import { checkAuditLog } from './audit-checks.ts'
import { checkRequiredFactors } from './factor-checks.ts'
import {
  type Check,
  type CheckContext,
  type DatabaseContext,
  type Finding,
  fail,
  ok,
  warn,
} from './finding.ts'
import { checkIdentities } from './identity-checks.ts'
import { checkPasskeyDomain, checkStoredPasskeys } from './passkey-checks.ts'
import { checkProviders, checkRevocations } from './provider-checks.ts'
import { checkServer } from './server-check.ts'
import { checkServices } from './service-checks.ts'
import { checkBoundSessions } from './session-checks.ts'
import { checkWebhooks } from './webhook-checks.ts'

/** The checks that need no database. */
export const checks: Check<CheckContext>[] = [
  { name: 'public address', run: checkPublicUrl },
  { name: 'data folder', run: checkDataFolder },
  { name: 'mail', run: checkMail },
  { name: 'passkeys', run: checkPasskeyDomain },
  { name: 'providers', run: checkProviders },
]

/** The checks that need a database, in order. */
export const databaseChecks: Check<DatabaseContext>[] = [
  { name: 'database', required: true, run: checkVersion },
  { name: 'server', run: checkServer },
  { name: 'clock', run: checkClock },
  { name: 'connections', run: checkConnections },
  { name: 'migrations', required: true, run: checkMigrations },
  { name: 'keys', run: checkKeys },
  { name: 'administrators', run: checkAdministrators },
  { name: 'permissions', run: checkPermissions },
  { name: 'passwords', run: checkPasswords },
  { name: 'second factors', run: checkRequiredFactors },
  { name: 'bound sessions', run: checkBoundSessions },
  { name: 'stored passkeys', run: checkStoredPasskeys },
  { name: 'identities', run: checkIdentities },
  { name: 'API keys', run: checkApiKeys },
  { name: 'services', run: checkServices },
  { name: 'outbox', run: checkOutbox },
  { name: 'revocations', run: checkRevocations },
  { name: 'webhooks', run: checkWebhooks },
  { name: 'erasures', run: checkErasures },
  { name: 'audit log', run: checkAuditLog },
]

/** The message of an error, or its code: a failed connection to several addresses has no message. */
export function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException
  return message || code || String(error)
}

async function checkPublicUrl({ config }: CheckContext): Promise<Finding[]> {
  const { protocol, hostname } = new URL(config.publicUrl)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  const findings: Finding[] = []
  if (config.production && isLocal) {
    findings.push(
      warn(
        `PUBLIC_URL is ${config.publicUrl}: links in emails and the issuer of tokens work only on this machine.`,
        'Set it to the https address that users open.',
      ),
    )
  } else if (config.production && protocol === 'http:') {
    findings.push(
      fail(
        `PUBLIC_URL is ${config.publicUrl}: passwords and cookies are sent unencrypted.`,
        'Put a TLS proxy in front and set PUBLIC_URL to its https address.',
      ),
    )
  }
  if (config.production && !isLocal && config.trustedProxies.length === 0) {
    findings.push(
      warn(
        'TRUSTED_PROXIES is not set: behind a proxy, all clients count as one network and share its rate limits.',
        'Set it to the network of your proxies, such as 10.0.0.0/8.',
      ),
    )
  }
  for (const [setting, isOn] of [
    ['SANDBOX', config.sandbox],
    ['INTROSPECTION', config.introspection],
  ] as const) {
    if (config.production && isOn) {
      findings.push(warn(`${setting} is on in production.`, `Set ${setting}=off unless this is intended.`))
    }
  }
  return findings.length > 0 ? findings : [ok(config.publicUrl)]
}

async function checkDataFolder({ config: { dataDir, database, secret } }: CheckContext): Promise<Finding[]> {
  if (database.url && secret) return [ok('Not needed, because DATABASE_URL and AUTHOGRAPH_SECRET are set.')]
  const folder = await stat(dataDir).catch(() => undefined)
  if (!folder) return [ok(`The first start creates ${dataDir}.`)]
  try {
    await access(dataDir, constants.W_OK | constants.X_OK)
  } catch {
    return [fail(`${dataDir} is not writable.`, 'Make the user that runs the server its owner.')]
  }
  const file = path.join(dataDir, 'secret')
  const secretFile = secret ? undefined : await stat(file).catch(() => undefined)
  if (secretFile && (secretFile.mode & 0o077) !== 0) {
    return [fail(`Other users can read ${file}, which protects every key.`, `Run: chmod 600 ${file}`)]
  }
  return [ok(dataDir)]
}

const SENDER_UNKNOWN = 'SMTP_URL is not set. Without it, only programs that send emails themselves start.'

async function checkMail({ config }: CheckContext): Promise<Finding[]> {
  const mailer = await createMailer(config, createLog({ ...config, logLevel: 'silent' }))
  if (!mailer) return [ok('Off: users can’t verify addresses or reset passwords.')]
  if (!config.mail.smtpUrl && config.production) {
    return [warn(SENDER_UNKNOWN, 'Set SMTP_URL, unless your program has mail.send.')]
  }
  if (!config.mail.smtpUrl) return [ok(`Emails are written to ${path.join(config.dataDir, 'mail')}.`)]
  const { host } = new URL(config.mail.smtpUrl)
  try {
    await mailer.verify()
    return [ok(`${host} accepts email.`)]
  } catch (error) {
    return [
      fail(
        `${host} does not accept email: ${reasonOf(error)}`,
        'Check SMTP_URL, its user name and password, and whether this machine can connect.',
      ),
    ]
  } finally {
    mailer.close()
  }
}

const MIN_VERSION = 15

async function checkVersion({ pool }: DatabaseContext): Promise<Finding[]> {
  const start = performance.now()
  const { rows } = await pool.query<{ version: string }>(
    `SELECT current_setting('server_version') AS version`,
  )
  const ms = performance.now() - start
  const version = rows[0]?.version ?? '(unknown version)'
  if (!(Number.parseInt(version, 10) >= MIN_VERSION)) {
    return [fail(`PostgreSQL ${version} is too old.`, `Use PostgreSQL ${MIN_VERSION} or newer.`)]
  }
  return [ok(`PostgreSQL ${version} responds in ${ms.toFixed(1)} ms.`)]
}

/** The server uses the database's time. The log and services that verify tokens use their machine's. */
const CLOCK_WARN_SECONDS = 1

async function checkClock({ pool, now }: DatabaseContext): Promise<Finding[]> {
  const before = now().getTime()
  const { rows } = await pool.query<{ at: Date }>('SELECT clock_timestamp() AS at')
  const after = now().getTime()
  const aheadSeconds = ((before + after) / 2 - (rows[0]?.at.getTime() ?? 0)) / 1000
  const difference = `This machine is ${Math.abs(aheadSeconds).toFixed(1)} s ${aheadSeconds > 0 ? 'ahead of' : 'behind'} the database.`
  const advice = 'Synchronize both clocks with NTP, for example with chrony or systemd-timesyncd.'
  if (Math.abs(aheadSeconds) > CLOCK_WARN_SECONDS) return [warn(difference, advice)]
  return [ok('The clocks of this machine and the database agree.')]
}

async function checkConnections({ pool, config }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ usable: number; used: number }>(
    `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS usable,
       (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()) AS used`,
  )
  const { usable = 0, used = 0 } = rows[0] ?? {}
  const { poolSize } = config.database
  const usage = `The database allows ${usable} connections, of which ${used} are in use. A replica uses up to ${poolSize}.`
  const advice = 'Lower DATABASE_POOL_SIZE, or raise max_connections in the database.'
  // Migrations use one more connection.
  if (poolSize + 1 > usable) return [fail(usage, advice)]
  // During a deployment, the old and the new replica run at the same time.
  if (2 * (poolSize + 1) > usable) return [warn(usage, advice)]
  return [ok(usage)]
}

async function checkMigrations({ pool }: DatabaseContext): Promise<Finding[]> {
  try {
    await requireKnownMigrations(pool)
  } catch (error) {
    return [fail(reasonOf(error), 'Until this is fixed, no server starts on this database.')]
  }
  const pending = await pendingMigrations(pool)
  if (pending.length === 0) return [ok('The database is up to date.')]
  return [
    warn(
      `${pending.length} pending, starting with ${pending[0]}.`,
      'Start the server, or run: authograph migrate',
    ),
  ]
}

const KEY_AGE_WARN_DAYS = 200

async function checkKeys({ pool, config, now }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ purpose: string; sealed: string; since: Date | null }>(
    `SELECT $1 AS purpose, sealed_private AS sealed, CASE WHEN retired_at IS NULL THEN created_at END AS since
     FROM signing_keys UNION ALL SELECT purpose, sealed, NULL FROM server_keys`,
    [SIGNING],
  )
  if (rows.length === 0) return [ok('The first start creates the keys.')]
  const secret = config.secret ?? (await readFile(path.join(config.dataDir, 'secret'), 'utf8')).trim()
  const sealing = { current: sealingKey(secret), previous: config.previousSecrets.map(sealingKey) }
  let resealed = 0
  for (const { sealed, purpose } of rows) {
    try {
      if (unseal(sealed, purpose, sealing).resealed) resealed++
    } catch (error) {
      return [fail(reasonOf(error), 'Until this is fixed, no session and no token is valid.')]
    }
  }
  const since = rows.find(row => row.since)?.since ?? now()
  const days = Math.floor((now().getTime() - since.getTime()) / 86_400_000)
  const findings: Finding[] = []
  if (resealed > 0) {
    findings.push(
      warn(
        `${resealed} of ${rows.length} keys are sealed with a secret from AUTHOGRAPH_PREVIOUS_SECRETS.`,
        'Restart every replica with the new secret before you remove the old one.',
      ),
    )
  }
  if (days > KEY_AGE_WARN_DAYS) {
    findings.push(warn(`The signing key is ${days} days old.`, 'Create a new one: authograph rotate-keys'))
  }
  return findings.length > 0 ? findings : [ok(`All ${rows.length} keys can be unsealed.`)]
}

async function checkAdministrators({ pool }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(*)::int FROM user_roles JOIN users ON users.id = user_id WHERE role_name = $1 AND disabled_at IS NULL`,
    [ADMIN_ROLE],
  )
  const count = rows[0]?.count ?? 0
  if (count > 0)
    return [ok(`${count} ${count === 1 ? 'account is an administrator' : 'accounts are administrators'}.`)]
  return [warn('There is no administrator.', 'Create one: authograph create-admin --email you@example.com')]
}

async function checkPermissions({ pool }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ role: string; unknown: string[] }>(
    `SELECT r.name AS role, array_agg(p ORDER BY p) AS unknown FROM roles r, unnest(r.permissions) p
     WHERE p <> ALL($1) AND NOT EXISTS (SELECT FROM declared_permissions d WHERE d.name = p)
     GROUP BY r.name ORDER BY r.name`,
    [[EVERYTHING, ...Object.keys(permissions)]],
  )
  if (rows.length === 0) return [ok('The permissions of every role are declared.')]
  return rows.map(({ role, unknown }) =>
    warn(
      `The role ${role} has ${unknown.join(', ')}, which the server does not declare and therefore ignores.`,
      'Declare it in the `permissions` option of startServer, or remove it from the role with updateRole.',
    ),
  )
}

async function checkPasswords({ pool }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(*)::int FROM users WHERE password_hash NOT LIKE '$argon2id$%'`,
  )
  const count = rows[0]?.count ?? 0
  if (count === 0) return [ok('All passwords are hashed with argon2id.')]
  return [ok(`${count} accounts have a password hash of another system until their owners sign in.`)]
}

async function checkOutbox({ pool }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ queued: number; failed: number }>(
    `SELECT count(*) FILTER (WHERE status = 'queued')::int AS queued,
       count(*) FILTER (WHERE status = 'failed')::int AS failed FROM mails WHERE status IN ('queued', 'failed')`,
  )
  const { queued = 0, failed = 0 } = rows[0] ?? {}
  if (failed === 0) return [ok(`Emails in the queue: ${queued}.`)]
  return [
    warn(
      `Emails that could not be sent: ${failed}.`,
      'Use the query failedMails to see why, and retryMail to send them again.',
    ),
  ]
}

/** The server redacts events within minutes, even if there are many. */
const ERASURE_WARN_SECONDS = 86_400

async function checkErasures({ pool, now }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ late: number }>(
    'SELECT count(*)::int AS late FROM erasures WHERE requested_at < $1',
    [addSeconds(now(), -ERASURE_WARN_SECONDS)],
  )
  const { late = 0 } = rows[0] ?? {}
  if (late === 0) return [ok('The audit log has no personal data of deleted accounts.')]
  return [
    warn(
      `The audit log still has personal data of ${late} accounts deleted more than a day ago.`,
      'Run: authograph prune. If that does not help, check the server’s log for the cause.',
    ),
  ]
}
