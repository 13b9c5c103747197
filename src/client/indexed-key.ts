import { inIndex } from './key-index.ts'
import { pageStorage } from './page-storage.ts'
import { canSign, type KeyPair, type KeyStorage, signerOf } from './session-key.ts'

/** Says in `localStorage` that a key is kept. The server's pages look for it too: src/web/start.ts. */
const MARK = 'authograph.key '

/**
 * Keeps the key in IndexedDB, where the browser prevents that anyone reads it. Pages of the same origin and `name` share
 * it. Where the browser keeps no keys, as in some private modes, there is none.
 */
export function indexedKey(name: string): KeyStorage {
  const mark = MARK + name
  const get = async () => {
    try {
      const kept = await inIndex<KeyPair | undefined>('readonly', keys => keys.get(name))
      return kept ? signerOf(kept) : null
    } catch (error) {
      // A refresh without the key would look like that of a thief.
      if (pageStorage()?.getItem(mark)) throw error
      return null
    }
  }
  return {
    get,
    create: async () => {
      if (!canSign()) return null
      const kept = await get()
      if (kept) return kept
      pageStorage()?.setItem(mark, '1')
      return (await import('./key-work.ts')).newIndexedKey(name)
    },
    remove: async () => {
      // Visitors have nothing to delete.
      if (!pageStorage()?.getItem(mark)) return
      await inIndex('readwrite', keys => keys.delete(name))
      pageStorage()?.removeItem(mark)
    },
  }
}
