/**
 * Where the refresh token is kept with the transport `body`. Every method may be asynchronous. One's own,
 * for the Keychain or SecureStore, is three functions.
 */
export type TokenStorage = {
  get(): string | null | Promise<string | null>
  set(token: string): void | Promise<void>
  remove(): void | Promise<void>
  /**
   * Names the place where others, such as further tabs, keep the same token: clients with the same server
   * and scope coordinate. Leave it out where one client alone has the place.
   */
  readonly scope?: string
  /**
   * Where the device token is kept, which names this app to the server at its next sign-in. Signing out does not remove
   * it. Left out, it lasts as long as the client, and the next sign-in counts as one from a new device.
   */
  readonly device?: DeviceStorage
}

export type DeviceStorage = {
  get(): string | null | Promise<string | null>
  set(token: string): void | Promise<void>
}

/** Forgets everything when the page or the process ends. The default of the transport `body`. */
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
 * Keeps the refresh token in `localStorage` under `key`, and the device token beside it, for pages that cannot use the
 * cookies.
 *
 * Every script of the page can read it there and carry it off, so that one injected script (XSS) is enough
 * to take the session over for as long as it lives. The cookie transport does not have this weakness.
 *
 * Where the user forbids the page to store anything, it is as `memoryStorage`.
 */
export function localStorageStorage(key = 'authograph.refreshToken'): TokenStorage {
  const memory = memoryStorage()
  const device = memoryDevice()
  // Looked up with every use: there is none while a server renders the page.
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

/** Undefined outside of pages, and where the user lets the page store nothing. */
export function pageStorage(): Storage | undefined {
  try {
    return globalThis.localStorage ?? undefined
  } catch {
    return undefined
  }
}

/** The refresh token of a client, wherever it is. */
export type RefreshTokens = {
  /** Null where there is none; undefined where the cookie carries it and nobody here can tell. */
  read(): Promise<string | null | undefined>
  /** Keeps the token from an answer. Where the storage fails, the memory keeps it. */
  write(token: string | null): Promise<void>
  remove(): Promise<void>
}

export const inCookie: RefreshTokens = {
  read: async () => undefined,
  write: async () => {},
  remove: async () => {},
}

/** `onError` hears of a storage that does not keep or remove what it should. */
export function inStorage(storage: TokenStorage, onError: (error: unknown) => void): RefreshTokens {
  // A Keychain cannot be written to while the phone is locked. What it holds then is a spent token, and
  // to present that would look like theft.
  // Without `inPlaceOf`, what the storage held could not be read.
  let unsaved: { token: string; inPlaceOf: string | null | undefined } | undefined
  const get = async () => {
    const stored: unknown = await storage.get()
    return typeof stored === 'string' && stored !== '' ? stored : null
  }
  const write = async (token: string) => {
    let inPlaceOf: string | null | undefined
    try {
      inPlaceOf = await get()
    } catch (error) {
      onError(error)
    }
    unsaved = { token, inPlaceOf }
    try {
      await storage.set(token)
      unsaved = undefined
    } catch (error) {
      onError(error)
    }
  }
  return {
    read: async () => {
      const mine = unsaved
      if (!mine) return get()
      let stored: string | null
      try {
        stored = await get()
      } catch (error) {
        onError(error)
        return mine.token
      }
      unsaved = undefined
      if (mine.inPlaceOf !== undefined && mine.inPlaceOf !== stored) return stored
      await write(mine.token)
      return mine.token
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

/** The device token of a client with the transport `body`. A storage that fails makes the device a new one, no more. */
export function deviceIn({ device = memoryDevice() }: TokenStorage, onError: (error: unknown) => void) {
  return {
    /** What a sign-in sends along: nothing before the first. */
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
