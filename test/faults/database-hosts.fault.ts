import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { checkServer } from '../../src/cli/server-check.ts'
import { loadConfig } from '../../src/config.ts'
import { type Connections, connect, withPatientPool } from '../../src/database/client.ts'
import { isUnavailable } from '../../src/database/unavailable.ts'
import { type Cluster, createPair, freePort } from '../support/clusters.ts'
import { eventually } from '../support/eventually.ts'

jest.setTimeout(60_000)

let primary: Cluster
let standby: Cluster
let folder: string
const at = (name: string) => join(folder, name)

/** As in production. */
const POOL = { poolSize: 2, timeoutMs: 1500 }

beforeAll(async () => {
  ;[{ primary, standby }, folder] = await Promise.all([
    createPair(),
    mkdtemp(join(tmpdir(), 'authograph-tls-')),
  ])
  await createCertificates()
  // The server takes its key, a renewed one too, at the next reload.
  for (const name of ['server.crt', 'server.key', 'ca.crt'])
    await primary.write(name, await readFile(at(name), 'utf8'))
  await primary.write(
    'pg_hba.conf',
    `hostssl certified all 127.0.0.1/32 cert
     hostssl encrypted all all trust
     local all all trust
     host postgres,replication all all trust`,
  )
  await primary.query('CREATE ROLE certified LOGIN')
  for (const database of ['certified', 'encrypted']) await primary.query(`CREATE DATABASE ${database}`)
  await primary.query(`ALTER SYSTEM SET ssl_ca_file = 'ca.crt'`)
  await primary.query('ALTER SYSTEM SET ssl = on')
  await primary.query('SELECT pg_reload_conf()')
})
afterAll(async () => {
  await Promise.all([primary?.remove(), standby?.remove()])
  await rm(folder, { recursive: true })
})

const execute = promisify(execFile)
const openssl = (...args: string[]) => execute('openssl', args, { cwd: folder })

/** An authority, a certificate for `localhost` (not for 127.0.0.1) and one for the role `certified`. */
async function createCertificates(): Promise<void> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  for (const name of ['ca', 'other'])
    await openssl(
      'req',
      '-x509',
      ...key,
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
    )
  await writeFile(at('names'), 'subjectAltName=DNS:localhost')
  for (const [name, subject] of [
    ['server', 'localhost'],
    ['client', 'certified'],
  ]) {
    await openssl('req', ...key, '-subj', `/CN=${subject}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
    await openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.crt`)
  }
}

/** Whether the connection that these parts describe is encrypted; otherwise why there is none. */
async function encryption(
  parameters: string,
  { host = 'localhost', database = 'encrypted', user = 'authograph' } = {},
) {
  const url = `postgresql://${user}@${host}:${primary.port}/${database}?${parameters}`
  try {
    return await withPatientPool({ url, pooler: 'auto' }, async pool => {
      const { rows } = await pool.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
      return rows[0]?.ssl ? 'encrypted' : 'plain'
    })
  } catch (error) {
    return (error as Error).message
  }
}

describe('TLS', () => {
  test.each([
    ['sslmode=disable', 'postgres', 'plain'],
    ['sslmode=disable', 'encrypted', /no encryption/],
    ['sslmode=prefer', 'encrypted', 'encrypted'],
    ['sslmode=require', 'encrypted', 'encrypted'],
    ['sslmode=verify-ca&sslrootcert=ca.crt', 'encrypted', 'encrypted'],
    ['sslmode=verify-full&sslrootcert=ca.crt', 'encrypted', 'encrypted'],
    ['sslmode=require&sslrootcert=other.crt', 'encrypted', /certificate/],
    ['sslmode=verify-ca&sslrootcert=other.crt', 'encrypted', /certificate/],
    ['sslmode=verify-full', 'encrypted', /certificate/],
    ['sslrootcert=system', 'encrypted', /certificate/],
  ])('%s, database %s: %s', async (parameters, database, expected) => {
    const found = await encryption(parameters.replace(/sslrootcert=(\w+\.)/, `sslrootcert=${folder}/$1`), {
      database,
    })
    if (typeof expected === 'string') expect(found).toBe(expected)
    else expect(found).toMatch(expected)
  })

  test('only verify-full refuses a certificate for another host', async () => {
    const of = (mode: string) =>
      encryption(`sslmode=${mode}&sslrootcert=${at('ca.crt')}`, { host: '127.0.0.1' })
    expect(await of('verify-ca')).toBe('encrypted')
    expect(await of('verify-full')).toMatch(/127\.0\.0\.1 is not in the cert|does not match/)
  })

  test('a client certificate signs in', async () => {
    const certified = { database: 'certified', user: 'certified', host: '127.0.0.1' }
    const certificate = `sslcert=${at('client.crt')}&sslkey=${at('client.key')}`
    expect(await encryption(`sslmode=require&${certificate}`, certified)).toBe('encrypted')
    expect(await encryption('sslmode=require', certified)).toMatch(/certificate/)
  })

  test('a server without TLS is used with prefer, and refused with require', async () => {
    const url = (mode: string) => ({
      url: primary.url('postgres', `?sslmode=${mode}`),
      pooler: 'auto' as const,
    })
    await primary.query('ALTER SYSTEM SET ssl = off')
    await primary.query('SELECT pg_reload_conf()')
    await eventually(async () => (await primary.query('SHOW ssl'))[0]?.ssl === 'off')
    const plain = await withPatientPool(
      url('prefer'),
      async pool => (await pool.query('SELECT 1 AS one')).rows,
    )
    expect(plain).toEqual([{ one: 1 }])
    const refused = withPatientPool(url('require'), pool => pool.query('SELECT'))
    await expect(refused).rejects.toThrow('The server does not support SSL connections')
  })
})

describe('several hosts', () => {
  test.each([
    ['the standby first', () => [standby.address, primary.address]],
    ['a host that refuses connections first', async () => [`127.0.0.1:${await freePort()}`, primary.address]],
    ['a host that does not exist first', () => ['nowhere.invalid:5432', primary.address]],
  ])('%s: the primary is found', async (_name, hosts) => {
    const url = `postgresql://authograph@${(await hosts()).join()}/postgres?sslmode=disable&target_session_attrs=primary`
    const messages = await withPatientPool({ url, pooler: 'auto' }, async pool =>
      (await checkServer({ pool, config: loadConfig({}), now: () => new Date() })).map(
        ({ message }) => message,
      ),
    )
    expect(messages).toEqual([
      `${primary.address} is the primary.`,
      'The connection has no TLS and stays on this machine.',
      'No pooler shares the connection.',
    ])
  })

  test('a standby alone is refused in every way, and the message says why', async () => {
    const errors: unknown[] = []
    const { pool, db, close } = connect({ url: standby.url(), pooler: 'auto' }, POOL, error =>
      errors.push(error),
    )
    for (const attempt of [
      () => pool.query('SELECT 1'),
      async () => db.$queryRaw`SELECT 1`,
      () => db.$transaction(tx => tx.$queryRaw`SELECT 1`),
    ]) {
      const error = await attempt().then(
        () => 'none',
        (reason: unknown) => reason,
      )
      expect(isUnavailable(error)).toBe(true)
      expect(String(error)).toMatch(new RegExp(`The database server ${standby.address} is a standby`))
    }
    await close()
    expect(errors).toEqual([])
  })
})

test('a primary that stops accepting writes is left, and used again when it accepts them', async () => {
  const changes: string[] = []
  const onChange = (reason: string) => changes.push(reason)
  const url = primary.url('postgres', '?sslmode=disable')
  const { pool, close }: Connections = connect({ url, pooler: 'auto', onChange }, POOL, () => {})
  const says = async () => {
    try {
      return (await pool.query('CREATE TABLE IF NOT EXISTS written (at int)')).command
    } catch (error) {
      return isUnavailable(error) ? 'unavailable' : String(error)
    }
  }
  expect(await says()).toBe('CREATE')
  const setReadOnly = async (state: string) => {
    await primary.query(`ALTER SYSTEM SET default_transaction_read_only = ${state}`)
    await primary.query('SELECT pg_reload_conf()')
  }
  await setReadOnly('on')
  await eventually(async () => (await says()) === 'unavailable')
  // Reading would succeed there.
  await expect(pool.query('SELECT 1')).rejects.toThrow('accepts no writes')
  await setReadOnly('off')
  await eventually(async () => (await says()) === 'CREATE')
  expect(changes).toEqual(['the server accepts no writes'])
  await close()
})
