import { settings } from './page-settings.ts'

/** The session in which an administrator acts as another user, in this tab. */
export type Acting = { accessToken: string; userId: string }

const KEY = 'authograph.acting'

/** Survives a reload, but not the tab. The token is valid for 30 minutes and cannot be refreshed. */
export function beginActing(acting: Acting): void {
  sessionStorage.setItem(KEY, JSON.stringify(acting))
  location.assign(`${settings.basePath}/account`)
}

export function readActing(): Acting | undefined {
  try {
    const text = globalThis.sessionStorage?.getItem(KEY)
    return text ? (JSON.parse(text) as Acting) : undefined
  } catch {
    // The visitor blocks storage.
    return undefined
  }
}

/** Goes back to the page of the person, in the administrator's own session. */
export function returnFrom({ userId }: Acting): void {
  sessionStorage.removeItem(KEY)
  location.assign(`${settings.basePath}/users/${userId}`)
}
