import type { App } from '../app.ts'
import { badInput } from '../errors.ts'

const MAX_LENGTH = 2048

/**
 * The address that a browser returns to after a sign-in with a provider, as browsers read it: an http(s) address on an
 * origin of RETURN_ORIGINS or of this server, or exactly one of NATIVE_RETURN_URLS. A code travels there, so anything
 * else would hand it to a stranger (RFC 9700, section 4.1). `field` is the path of the input.
 * @throws AuthError BAD_USER_INPUT
 */
export function requireReturnAddress({ config }: App, wanted: string, field = 'input.returnTo'): string {
  if (config.nativeReturnUrls.includes(wanted)) return wanted
  const origins = [...config.web.returnOrigins, new URL(config.publicUrl).origin]
  const allowed = webAddress(wanted)
  if (allowed && origins.includes(allowed.origin)) return allowed.href
  throw badInput({
    [field]: ['Use an address on an origin of RETURN_ORIGINS, or one of NATIVE_RETURN_URLS.'],
  })
}

/** Undefined unless the text is absolute and without a username or password: relative addresses have too many spellings. */
function webAddress(text: string): URL | undefined {
  if (text.length > MAX_LENGTH || !/^https?:\/\/[^/\\]/i.test(text) || /[\\\p{C}\s]/u.test(text))
    return undefined
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return url.username === '' && url.password === '' ? url : undefined
}

/** The address with these parameters in its query, instead of earlier ones with the same names. */
export function withParameters(address: string, parameters: Record<string, string>): string {
  const url = new URL(address)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}
