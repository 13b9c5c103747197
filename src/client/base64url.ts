/** Encodes ASCII text or bytes (RFC 4648, section 5). */
export function base64url(content: string | ArrayBuffer): string {
  const text = typeof content === 'string' ? content : String.fromCharCode(...new Uint8Array(content))
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
