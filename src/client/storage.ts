import { memoryKey } from './memory-key.ts'
import { pageStorage } from './page-storage.ts'
import type { KeyStorage } from './session-key.ts'

/**
 * Where the `body` transport keeps the refresh token. Every method may be asynchronous. To use the Keychain
 * or SecureStore, write the three functions yourself.
 */
export type TokenStorage = {
  get(): string | null | Promise<string | null>
  set(token: string): void | Promise<void>
  remove(): void | Promise<void>
  /**
   * Names the place where the token is kept. Clients with the same server and scope, such as those in other
   * tabs, coordinate. Omit it if only one client uses the place.
   */
  readonly scope?: string
  /**
   * Keeps the device token, by which the server recognizes this app at the next sign-in. Signing out does not
   * remove it. If omitted, the token lasts as long as the client, and the first sign-in after a restart counts as
   * one from a new device.
   */
  readonly device?: DeviceStorage
  /** Keeps the key of the session, if the client's option `key` does not say otherwise. */
  readonly key?: KeyStorage
}

export type DeviceStorage = {
  get(): string | null | Promise<string | null>
  set(token: string): void | Promise<void>
}

/** Keeps tokens until the page or the process ends. The default of the `body` transport. */
export function memoryStorage(): TokenStorage {
  let kept: string | null = null
  return {
    get: () => kept,
    set: token => {
      kept = token
    },
    remove: () => {
      kept = null
    },
    device: memoryDevice(),
    key: memoryKey(),
  }
}

function memoryDevice(): DeviceStorage {
  let kept: string | null = null
  return {
    get: () => kept,
    set: token => {
      kept = token
    },
  }
}

/**
 * Keeps the refresh token in `localStorage` under `key`, and the device token beside it, for pages that cannot
 * use cookies.
 *
 * Every script on the page can read the token, so one injected script (XSS) can steal the session for its
 * full lifetime. The cookie transport does not have this weakness.
 *
 * If the user blocks storage, it works like `memoryStorage`.
 */
export function localStorageStorage(key = 'authograph.refreshToken'): TokenStorage {
  const memory = memoryStorage()
  const device = memoryDevice()
  // Looked up on every use, because none exists while a server renders the page.
  const use = <Result>(run: (storage: Storage) => Result, otherwise: () => Result) => {
    const storage = pageStorage()
    return storage ? run(storage) : otherwise()
  }
  return {
    get: () => use(storage => storage.getItem(key), memory.get),
    set: token =>
      use(
        storage => storage.setItem(key, token),
        () => memory.set(token),
      ),
    remove: () => use(storage => storage.removeItem(key), memory.remove),
    scope: `localStorage ${key}`,
    device: {
      get: () => use(storage => storage.getItem(`${key}.device`), device.get),
      set: token =>
        use(
          storage => storage.setItem(`${key}.device`, token),
          () => device.set(token),
        ),
    },
  }
}

/** Access to a client's refresh token, wherever it is kept. */
export type RefreshTokens = {
  /** Null if there is none; undefined with the cookie transport, because scripts cannot read the cookie. */
  read(): Promise<string | null | undefined>
  /** Stores the token from an answer, in memory if the storage fails. */
  write(token: string | null): Promise<void>
  remove(): Promise<void>
}

export const inCookie: RefreshTokens = {
  read: async () => undefined,
  write: async () => {},
  remove: async () => {},
}

/** Reports a storage that cannot store or remove the token to `onError`. */
export function inStorage(storage: TokenStorage, onError: (error: unknown) => void): RefreshTokens {
  // A Keychain cannot be written while the phone is locked. It still holds a spent token then, and presenting
  // that one would look like theft. `replaces` is undefined if the storage could not be read.
  let unsaved: { token: string; replaces: string | null | undefined } | undefined
  const get = async () => {
    const stored: unknown = await storage.get()
    return typeof stored === 'string' && stored !== '' ? stored : null
  }
  const write = async (token: string) => {
    let replaces: string | null | undefined
    try {
      replaces = await get()
    } catch (error) {
      onError(error)
    }
    unsaved = { token, replaces }
    try {
      await storage.set(token)
      unsaved = undefined
    } catch (error) {
      onError(error)
    }
  }
  return {
    read: async () => {
      const pending = unsaved
      if (!pending) return get()
      let stored: string | null
      try {
        stored = await get()
      } catch (error) {
        onError(error)
        return pending.token
      }
      unsaved = undefined
      if (pending.replaces !== undefined && pending.replaces !== stored) return stored
      await write(pending.token)
      return pending.token
    },
    write: async token => {
      if (token !== null) await write(token)
    },
    remove: async () => {
      unsaved = undefined
      try {
        await storage.remove()
      } catch (error) {
        onError(error)
      }
    },
  }
}

export type DeviceToken = ReturnType<typeof deviceIn>

/** The device token with the `body` transport. If its storage fails, the device only counts as new. */
export function deviceIn({ device = memoryDevice() }: TokenStorage, onError: (error: unknown) => void) {
  return {
    /** The input fields that a sign-in sends: none before the first sign-in. */
    read: async (): Promise<{ deviceToken?: string }> => {
      try {
        const token = await device.get()
        return token ? { deviceToken: token } : {}
      } catch (error) {
        onError(error)
        return {}
      }
    },
    write: async (token: string | null | undefined): Promise<void> => {
      try {
        if (token) await device.set(token)
      } catch (error) {
        onError(error)
      }
    },
  }
}
