import type pg from 'pg'
import { addSeconds } from '../clock.ts'
import type { SealingKeys } from '../crypto/seal.ts'
import { type Database, statement } from '../database/client.ts'
import { openServerKey, readServerKeys, SERVER_KEYS, type ServerKeyName } from './server-key.ts'
import { loadSigningKeys, type SigningKeys } from './signing-keys.ts'

/** The keys that a process loads from the database. */
export type LoadedKeys = {
  /** Newest first. A change replaces the whole list. */
  signing: SigningKeys
  /** Authenticates refresh tokens. Undefined while the one in the database cannot be opened. */
  refreshToken: Buffer | undefined
  /** Signs device tokens. */
  device: Buffer
  /** Hashes the names and addresses that limits count. */
  rateLimit: Buffer
  /** Hashes the codes in emails. */
  emailCode: Buffer
  /** Seals the tickets of flows with several steps. */
  ticket: Buffer
  /** Seals the secrets of authenticator apps. */
  factor: Buffer
  /** Seals the tokens that providers issued. */
  providerTokens: Buffer
  /** Computes the checksums of API keys. */
  apiKey: Buffer
  /** Seals the secrets that sign webhooks. */
  webhookSecrets: Buffer
  /** Authenticates the nonces of proofs that a client holds a key. */
  dpopNonce: Buffer
  /** The state of the keys in the database when they were loaded. */
  state: KeyState
}

/** Identifies each key and when it signs. */
export type KeyState = ReadonlyMap<string, string>

export type KeySource = {
  db: Database
  pool: pg.Pool
  sealing: SealingKeys
  now: Date
  /** How long a retired key still verifies tokens. */
  longestTtlSeconds: number
}

const serverKeyNames = Object.keys(SERVER_KEYS) as ServerKeyName[]

const selectState = statement<[key: string, state: string]>(
  'keys-state',
  `SELECT 'signing ' || kid, concat_ws(' ', extract(epoch FROM activates_at), extract(epoch FROM retired_at))
   FROM signing_keys WHERE retired_at IS NULL OR retired_at > $1
   UNION ALL SELECT 'server ' || purpose, extract(epoch FROM created_at)::text FROM server_keys ORDER BY 1`,
)

/** Reads a state that changes whenever a key is added, retired, revoked or replaced. One cheap statement. */
export async function readKeyState({ pool, now, longestTtlSeconds }: KeySource): Promise<KeyState> {
  return new Map(await selectState(pool, [addSeconds(now, -longestTtlSeconds)]))
}

/** Whether the state includes the signing key. */
export function hasSigningKey(state: KeyState, kid: string): boolean {
  return state.has(`signing ${kid}`)
}

/** Whether both states have the same server key. */
export function sameServerKey(one: KeyState, other: KeyState, name: ServerKeyName): boolean {
  const key = `server ${SERVER_KEYS[name]}`
  return one.has(key) && one.get(key) === other.get(key)
}

/**
 * Loads the keys when the server starts. The very first start creates them and then reads them again: another replica
 * may have created them first, and the state must describe the loaded keys.
 * @throws Error when a key is sealed under a secret that is not configured
 */
export async function openKeys(source: KeySource): Promise<LoadedKeys> {
  const state = await readKeyState(source)
  const keys = await loadKeys(source, state)
  const complete =
    serverKeyNames.every(name => sameServerKey(state, state, name)) &&
    keys.signing.every(({ kid }) => hasSigningKey(state, kid))
  return complete ? keys : openKeys(source)
}

/**
 * Loads the keys and creates those that the database lacks. Does not open the keys in `known` again, because a replica
 * with a newer secret may have resealed them.
 * @throws Error when a key is sealed under a secret that is not configured
 */
export async function loadKeys(source: KeySource, state: KeyState, known?: LoadedKeys): Promise<LoadedKeys> {
  const openAll = async () => {
    const stored = await readServerKeys(source.pool)
    const open = async (name: ServerKeyName): Promise<Buffer> =>
      (known && sameServerKey(known.state, state, name) ? known[name] : undefined) ??
      openServerKey(source, SERVER_KEYS[name], stored)
    return Promise.all(serverKeyNames.map(async name => [name, await open(name)] as const))
  }
  const [signing, serverKeys] = await Promise.all([loadSigningKeys(source, known?.signing), openAll()])
  return { signing, ...(Object.fromEntries(serverKeys) as Record<ServerKeyName, Buffer>), state }
}
