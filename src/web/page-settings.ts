/** What the server writes into the page (src/http/web.ts). */
export type Facts = {
  appName: string
  logoUrl: string | null
  /** As #rrggbb. */
  color: string
  /** Where `return_to` may lead. */
  returnOrigins: string[]
  locales: string[]
  registrationOpen: boolean
  emailVerification: 'off' | 'optional' | 'required'
  /** Whether this server sends mail. */
  mail: boolean
  /** In code points. */
  passwordMinLength: number
  passwordMaxLength: number
  sandbox: boolean
}

export const facts = JSON.parse(document.getElementById('facts')?.textContent ?? '') as Facts
