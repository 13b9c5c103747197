import { existsSync } from 'node:fs'

/** A server of DATABASE_URL. Without a name, pg takes its defaults. */
export type DatabaseHost = { host: string; port: number | undefined }

/** https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-SSLMODE-STATEMENTS */
const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof SSL_MODES)[number]

/** The parts of DATABASE_URL. The names of the fields are those of libpq's parameters, where it has them. */
export type DatabaseUrl = {
  /** At least one, in the order of the URL. */
  hosts: [DatabaseHost, ...DatabaseHost[]]
  user: string | undefined
  password: string | undefined
  dbname: string | undefined
  options: string | undefined
  applicationName: string | undefined
  /** Undefined if the URL does not say. */
  sslmode: SslMode | undefined
  /** The path of a file, or `system`. */
  sslrootcert: string | undefined
  sslcert: string | undefined
  sslkey: string | undefined
  sslpassword: string | undefined
  sslnegotiation: 'postgres' | 'direct'
  bindsChannel: boolean
  /** Whether the URL says, as for Prisma, that there is a pooler that shares connections. */
  isPooled: boolean
}

/** DATABASE_URL is invalid. The message names the part that is wrong, and never the password. */
export class DatabaseUrlError extends Error {}

const FORM = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i
const MAX_PORT = 65_535
// What looks like a host may be part of a password with an unencoded slash, so no message quotes it.
const ENCODE = 'in a password, / ? # and @ must be written as %2F %3F %23 and %40'

/**
 * Reads a connection URL as libpq does, with several hosts and their ports.
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 * @throws DatabaseUrlError
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  const [, login, authority = '', path = '', query = ''] =
    FORM.exec(text.trim()) ?? fail('must be a postgresql:// URL')
  const [user = '', ...secret] = login?.split(':') ?? []
  const listed = hostsOf(authority)
  const given = parametersOf(query)
  const one = (name: string) => given.get(name) || undefined
  const names = one('host')?.split(',')
  const ports = one('port')?.split(',')
  const named = names?.map(host => ({ host, port: undefined })) ?? listed
  if (named.some(({ host }) => named.length > 1 && !host)) fail('has an empty host in its list')
  const hosts = withPorts(named, ports) as DatabaseUrl['hosts']
  const tls = tlsOf(one)
  const channelBinding = oneOf(one, 'channel_binding', ['disable', 'prefer', 'require'])
  requireTarget(one)
  return {
    hosts,
    user: one('user') ?? (decode(user) || undefined),
    password: one('password') ?? (decode(secret.join(':')) || undefined),
    dbname: one('dbname') ?? (decode(path) || undefined),
    options: one('options'),
    applicationName: one('application_name'),
    ...tls,
    bindsChannel: channelBinding === 'require',
    isPooled: one('pgbouncer') === 'true',
  }
}

/** What is wrong with a URL; undefined if nothing is. */
export function databaseUrlProblem(text: string): string | undefined {
  try {
    parseDatabaseUrl(text)
  } catch (error) {
    if (error instanceof DatabaseUrlError) return error.message
    throw error
  }
  return undefined
}

type One = (name: string) => string | undefined

/** Parameters of libpq and of Prisma that change nothing here. */
const IGNORED = new Set([
  ...['client_encoding', 'connect_timeout', 'fallback_application_name', 'gssencmode', 'keepalives'],
  ...['keepalives_count', 'keepalives_idle', 'keepalives_interval', 'load_balance_hosts', 'tcp_user_timeout'],
  ...['sslsni', 'krbsrvname', 'require_auth', 'ssl_min_protocol_version', 'uselibpqcompat'],
  ...['schema', 'connection_limit', 'pool_timeout', 'socket_timeout', 'statement_cache_size', 'sslaccept'],
])
const KNOWN = new Set([
  ...['host', 'port', 'user', 'password', 'dbname', 'options', 'application_name', 'target_session_attrs'],
  ...[
    'ssl',
    'sslmode',
    'sslrootcert',
    'sslcert',
    'sslkey',
    'sslpassword',
    'sslnegotiation',
    'channel_binding',
  ],
  'pgbouncer',
])

function parametersOf(query: string): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const pair of query.split('&').filter(Boolean)) {
    const [name = '', ...value] = pair.split('=')
    // A misspelled sslmode must not turn encryption off.
    if (!KNOWN.has(name) && !IGNORED.has(name))
      fail(query.includes('@') ? `has an invalid host: ${ENCODE}` : `has the unknown parameter ${name}`)
    // As in libpq, + is not a space.
    parameters.set(name, decode(value.join('=')))
  }
  return parameters
}

function hostsOf(authority: string): DatabaseHost[] {
  return authority.split(',').map(item => {
    const [, bracketed, name = '', port] =
      /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/.exec(item) ?? fail(`has an invalid host: ${ENCODE}`)
    return { host: bracketed ?? decode(name), port: port ? portOf(port) : undefined }
  })
}

function withPorts(hosts: DatabaseHost[], ports: string[] | undefined): DatabaseHost[] {
  if (!ports) return hosts
  if (ports.length !== 1 && ports.length !== hosts.length)
    fail(`has ${hosts.length} hosts and ${ports.length} ports`)
  return hosts.map(({ host }, index) => {
    const port = ports.length === 1 ? ports[0] : ports[index]
    return { host, port: port ? portOf(port) : undefined }
  })
}

function portOf(text: string): number {
  const port = Number(text)
  return /^\d+$/.test(text) && port >= 1 && port <= MAX_PORT ? port : fail(`has an invalid port: ${ENCODE}`)
}

/** Authograph writes with almost every request, so a standby is of no use to it. */
const TARGETS = ['any', 'read-write', 'primary']
const READERS = ['read-only', 'standby', 'prefer-standby']

function requireTarget(one: One): void {
  const target = one('target_session_attrs')
  if (target && READERS.includes(target))
    fail(`has target_session_attrs=${target}, but the server needs a database that accepts writes`)
  oneOf(one, 'target_session_attrs', TARGETS)
}

function tlsOf(one: One) {
  const sslmode = modeOf(one)
  const [sslrootcert, sslcert, sslkey] = ['sslrootcert', 'sslcert', 'sslkey'].map(name => fileOf(one, name))
  if (!sslcert !== !sslkey) fail('needs both sslcert and sslkey, or neither')
  if (sslmode === 'verify-ca' && !sslrootcert) fail('has sslmode=verify-ca, which needs sslrootcert')
  if (sslrootcert === 'system' && sslmode && sslmode !== 'verify-full')
    fail(
      `has sslrootcert=system, which needs sslmode=verify-full: anyone can get a certificate from a public authority`,
    )
  const negotiation = oneOf(one, 'sslnegotiation', ['postgres', 'direct'])
  const strong = sslmode && !['disable', 'allow', 'prefer'].includes(sslmode)
  if (negotiation === 'direct' && !strong)
    fail('has sslnegotiation=direct, which needs sslmode=require or stronger')
  return {
    sslmode: sslmode ?? (sslrootcert === 'system' ? 'verify-full' : undefined),
    sslrootcert,
    sslcert,
    sslkey,
    sslpassword: one('sslpassword'),
    sslnegotiation: negotiation === 'direct' ? ('direct' as const) : ('postgres' as const),
  }
}

/** Besides libpq's sslmode, reads what pg understands: `ssl=true` and `no-verify`. */
function modeOf(one: One): SslMode | undefined {
  const ssl = one('ssl')
  if (one('sslmode') === 'no-verify' || ssl === 'no-verify') return 'require'
  const mode = oneOf(one, 'sslmode', SSL_MODES)
  if (mode || !ssl) return mode
  if (ssl === 'true' || ssl === '1') return 'verify-full'
  return ssl === 'false' || ssl === '0' ? 'disable' : fail('has an invalid ssl: use sslmode')
}

function fileOf(one: One, name: string): string | undefined {
  const path = one(name)
  if (path && path !== 'system' && !existsSync(path))
    fail(`has ${name}=${path}, which is not an existing file`)
  return path
}

function oneOf<Value extends string>(one: One, name: string, values: readonly Value[]): Value | undefined {
  const value = one(name)
  if (value === undefined) return undefined
  return values.find(each => each === value) ?? fail(`has ${name}=${value}: must be ${values.join(', ')}`)
}

/** Decodes %XX. A % that begins no code stays, because pg accepts passwords with it. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll(/%(?![0-9a-f]{2})/gi, '%25'))
  } catch {
    return text
  }
}

function fail(problem: string): never {
  throw new DatabaseUrlError(problem)
}
