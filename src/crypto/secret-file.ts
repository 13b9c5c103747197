import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const MIN_LENGTH = 32

/**
 * Reads the secret in `file`. Creates it on first use, readable only by this user.
 * Two processes that start at the same time get the same secret: the first to link its file wins.
 * @throws Error when the secret is too short, such as in a truncated file: anyone could open what it seals
 */
export function readOrCreateSecret(file: string): string {
  const secret = readSecret(file) ?? createSecret(file)
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

function createSecret(file: string): string {
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
