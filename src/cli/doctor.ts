import { existsSync } from 'node:fs'
import path from 'node:path'
import type pg from 'pg'
import { systemClock } from '../clock.ts'
import { type Config, ConfigError, loadConfig } from '../config.ts'
import { withPatientPool } from '../database/client.ts'
import { startEmbedded } from '../database/embedded/start.ts'
import { type Environment, readEnvironment } from '../environment.ts'
import { createLog } from '../log.ts'
import { DATABASE } from '../open.ts'
import { checks, databaseChecks, reasonOf } from './checks.ts'
import type { Check, Finding } from './finding.ts'
import { print } from './print.ts'

type Result = Finding & { name: string }

/** `authograph doctor`: writes what `examine` finds. */
export async function runDoctor({ json }: { json?: boolean }): Promise<void> {
  const { healthy, checks } = await examine(readEnvironment())
  print(checks.map(toText).join('\n'), { healthy, checks }, json)
  if (!healthy) process.exitCode = 1
}

/** Checks everything that a server with these settings needs and suggests fixes. Changes nothing. */
export async function examine(environment: Environment): Promise<{ healthy: boolean; checks: Result[] }> {
  const checks = await examineAll(environment)
  return { healthy: checks.every(({ status }) => status !== 'fail'), checks }
}

async function examineAll(environment: Environment): Promise<Result[]> {
  let config: Config
  try {
    config = loadConfig(environment, { sendsMail: true })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const advice = 'Correct this in the environment or in .env.'
    return error.problems.map(message => ({ name: 'settings', status: 'fail', message, advice }))
  }
  const results: Result[] = [{ name: 'settings', status: 'ok', message: 'All settings are valid.' }]
  const context = { config, now: () => systemClock.now() }
  for (const check of checks) results.push(...(await run(check, context)))
  results.push(...(await examineDatabase(config)))
  return results
}

async function examineDatabase(config: Config): Promise<Result[]> {
  const results: Result[] = []
  const examineIt = async (pool: pg.Pool) => {
    // Fails here, before the first check, if the database can't be reached.
    await pool.query('SELECT')
    const context = { config, now: () => systemClock.now(), pool }
    for (const check of databaseChecks) {
      const findings = await run(check, context)
      results.push(...findings)
      if (check.required && findings.some(({ status }) => status !== 'ok')) return
    }
  }
  const name = 'database'
  try {
    const { url, pooler } = config.database
    if (url) await withPatientPool({ url, pooler }, examineIt)
    else if (existsSync(path.join(config.dataDir, 'postgres'))) await withBuiltIn(config, examineIt)
    else results.push({ name, status: 'ok', message: 'The first start creates the built-in database.' })
  } catch (error) {
    const advice = config.database.url
      ? 'Check DATABASE_URL and whether this machine can connect.'
      : 'Set DATA_DIR to a folder that this user can write to, or DATABASE_URL to your own PostgreSQL.'
    results.push({ name, status: 'fail', message: `Can’t connect: ${reasonOf(error)}`, advice })
  }
  return results
}

async function withBuiltIn(config: Config, run: (pool: pg.Pool) => Promise<void>): Promise<void> {
  const log = createLog({ ...config, logLevel: 'warn' }, 2)
  const embedded = await startEmbedded({ dataDir: config.dataDir, log: message => log.info(message) })
  try {
    await withPatientPool({ url: embedded.url(DATABASE), pooler: 'session' }, run)
  } finally {
    await embedded.stop()
  }
}

async function run<Context>(check: Check<Context>, context: Context): Promise<Result[]> {
  try {
    const findings = await check.run(context)
    return findings.map(finding => ({ name: check.name, ...finding }))
  } catch (error) {
    const advice = 'This check failed unexpectedly; see the message.'
    return [{ name: check.name, status: 'fail', message: reasonOf(error), advice }]
  }
}

function toText({ name, status, message, advice }: Result): string {
  const line = `${status.padEnd(5)} ${name.padEnd(15)} ${message}`
  return advice ? `${line}\n${' '.repeat(22)}→ ${advice}` : line
}
