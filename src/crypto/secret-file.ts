import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const MIN_LENGTH = 32

/**
 * The secret kept in `file`, made there at first use, readable by this user alone.
 * Two processes that start at once get the same one: the first to link its file wins.
 * @throws Error when the file is cut short: what an empty secret seals, everybody can open.
 */
export function readOrCreateSecret(file: string): string {
  const secret = readSecret(file) ?? makeSecret(file)
  if (secret.length >= MIN_LENGTH) return secret
  throw new Error(
    `The secret in ${file} must have at least ${MIN_LENGTH} characters. Restore it from a backup.`,
  )
}

function readSecret(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function makeSecret(file: string): string {
  mkdirSync(path.dirname(file), { recursive: true })
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 })
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  return readFileSync(file, 'utf8').trim()
}
