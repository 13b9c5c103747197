export type Digest = 'sha1' | 'sha256' | 'sha512'

/**
 * The slow part of hashing or checking a password: a key that a function derives from it. Only this part runs outside
 * the event loop. `keyLength` is in bytes.
 */
export type KeyJob =
  | {
      algorithm: 'argon2'
      type: 'i' | 'id'
      version: 16 | 19
      memoryKib: number
      passes: number
      lanes: number
      password: string
      salt: Uint8Array
      keyLength: number
    }
  /** `settings` has the cost and the salt, as crypt(3) writes them. The key is the text of the hash. */
  | { algorithm: 'bcrypt'; password: Uint8Array; settings: string }
  | {
      algorithm: 'pbkdf2'
      digest: Digest
      iterations: number
      password: string
      salt: Uint8Array
      keyLength: number
    }
  | {
      algorithm: 'scrypt'
      n: number
      r: number
      p: number
      password: string
      salt: Uint8Array
      keyLength: number
    }

export type DeriveKey = (job: KeyJob) => Promise<Uint8Array>
