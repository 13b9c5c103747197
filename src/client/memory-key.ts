import { canSign, type KeyStorage, type SessionKey, signerOf } from './session-key.ts'

/** Keeps the key until the page or the process ends. */
export function memoryKey(): KeyStorage {
  let kept: Promise<SessionKey> | null = null
  return {
    get: () => kept,
    create: () => {
      if (canSign()) kept ??= import('./key-work.ts').then(({ newKeyPair }) => newKeyPair()).then(signerOf)
      return kept
    },
    remove: () => {
      kept = null
    },
  }
}
