import ipaddr from 'ipaddr.js'

/** Who relies on passkeys: the domain that they are bound to, and the pages and apps that may use them. */
export type RelyingParty = {
  /** A domain without scheme or port, such as `example.com`. */
  rpId: string
  /** The name that browsers show. */
  rpName: string
  /** Such as `https://accounts.example.com`, or `android:apk-key-hash:…` for an Android app. */
  origins: readonly string[]
}

/** An Android app, identified by its package and the SHA-256 fingerprint of the certificate that signs it. */
export type AndroidApp = { packageName: string; fingerprint: string }

const ANDROID_ORIGIN = 'android:apk-key-hash:'
const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/

/** Whether a passkey can be bound to this host: a domain in lowercase, and not an IP address (WebAuthn, section 5.1.2). */
export function isDomain(host: string): boolean {
  return host.length <= 253 && !ipaddr.isValid(host) && host.split('.').every(label => LABEL.test(label))
}

/** Whether a page of this origin is on the domain or below it, so that browsers let it use passkeys of the domain. */
export function isWithin(domain: string, origin: string): boolean {
  if (!URL.canParse(origin)) return false
  const { hostname } = new URL(origin)
  return hostname === domain || hostname.endsWith(`.${domain}`)
}

/** Whether browsers offer passkeys to pages of this origin: only over https, except on the same machine. */
export function isSecureOrigin(origin: string): boolean {
  const { protocol, hostname } = new URL(origin)
  return protocol === 'https:' || hostname === 'localhost' || hostname.endsWith('.localhost')
}

export function isAndroidOrigin(text: string): boolean {
  return text.startsWith(ANDROID_ORIGIN) && /^[\w-]{43}$/.test(text.slice(ANDROID_ORIGIN.length))
}

/** The app in `package=fingerprint`, or undefined. The fingerprint is as Google Play and keytool show it. */
export function parseAndroidApp(text: string): AndroidApp | undefined {
  const [, packageName, fingerprint] =
    /^([A-Za-z]\w*(?:\.[A-Za-z]\w*)+)=([0-9A-F]{2}(?::[0-9A-F]{2}){31})$/i.exec(text) ?? []
  if (packageName === undefined || fingerprint === undefined) return undefined
  return { packageName, fingerprint: fingerprint.toUpperCase() }
}

/** The origin that Android writes into the passkey ceremonies of an app. */
export function androidOrigin({ fingerprint }: AndroidApp): string {
  return ANDROID_ORIGIN + Buffer.from(fingerprint.replaceAll(':', ''), 'hex').toString('base64url')
}
