import { domainToASCII, domainToUnicode } from 'node:url'

// RFC 5321 section 4.5.3.1: 64 octets before the `@`, and 254 in total, because a path of 256 includes `<` and `>`.
const LOCAL_PART_MAX_BYTES = 64
const ADDRESS_MAX_BYTES = 254

// Limits the work on text that is too long to be an address.
const TYPED_MAX_LENGTH = 1024

// The dot-atom of RFC 5322 section 3.2.3, extended by the non-ASCII letters, marks and digits of RFC 6531.
const LOCAL_PART = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u

// Rejects what `domainToASCII` would decode or reinterpret: `%`, ports, IPv6.
const DOMAIN = /^[\p{L}\p{M}\p{N}.\u3002-]+$/u
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

// An address that is spelled in its canonical form already, as most are: lowercase ASCII without Punycode.
const CANONICAL =
  /^(?=.{1,64}@)[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?!.*--)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/

const INVISIBLE = /[\p{C}\p{Z}]/u

/**
 * The canonical form of an address, by which accounts are unique: trimmed, NFKC, lowercase, with the domain in Punycode
 * (UTS #46). Undefined if the address cannot receive email from the internet. Idempotent. Never contains whitespace or
 * a control character, so CR/LF cannot reach an email header.
 *
 * Accepts one `local@domain` (RFC 5321 section 4.1.2) whose local part is a dot-atom, which may contain non-ASCII letters
 * (RFC 6531). Rejects quoted local parts, address literals, single-label domains such as `localhost` (RFC 5321 section
 * 2.3.5 requires fully qualified names), and invisible characters anywhere. Dots and `+tags` are significant, because
 * providers differ in which of them they ignore.
 */
export function canonicalEmail(email: string): string | undefined {
  if (isCanonical(email)) return email
  if (email.length > TYPED_MAX_LENGTH) return undefined
  const trimmed = email.trim()
  if (INVISIBLE.test(trimmed)) return undefined

  const [local, domain, ...rest] = fold(trimmed).split('@')
  if (!local || !domain || rest.length > 0) return undefined
  if (!LOCAL_PART.test(local) || Buffer.byteLength(local) > LOCAL_PART_MAX_BYTES) return undefined

  const asciiDomain = canonicalDomain(domain)
  if (asciiDomain === undefined) return undefined
  const address = `${local}@${asciiDomain}`
  return Buffer.byteLength(address) <= ADDRESS_MAX_BYTES ? address : undefined
}

/**
 * The form of an address to store, to show and to send email to: as the owner typed it, in NFKC, with its case. It
 * always leads to the mailbox of the canonical form. Otherwise a spelling that no mail server accepts
 * (`ada＠example.com`) could occupy an existing address. Only for addresses that `canonicalEmail` accepts.
 */
export function displayEmail(email: string): string {
  if (isCanonical(email)) return email
  const [local = '', domain = ''] = email.trim().normalize('NFKC').split('@')
  return `${local}@${displayDomain(domain)}`
}

// Saves the rest of the work, which takes ten times as long.
function isCanonical(email: string): boolean {
  return email.length <= ADDRESS_MAX_BYTES && CANONICAL.test(email)
}

// UTS #46 maps more than NFKC does (the dot U+3002), ignores some characters (variation selectors) and rejects some
// capital letters. A domain that differs from its canonical form in more than case is replaced by the canonical form.
function displayDomain(domain: string): string {
  const folded = fold(domain)
  const ascii = domainToASCII(folded)
  const unicode = domainToUnicode(ascii)
  const plain = folded === unicode || folded === ascii
  return plain && domainToASCII(domain) === ascii ? domain : unicode
}

// Lowercasing can undo a composition, so the text is normalized again.
function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC')
}

const GMAIL = new Set(['gmail.com', 'googlemail.com'])

/**
 * The mailbox that a canonical address most likely belongs to: without a `+tag`, and for Gmail without dots. For rate
 * limits only: where a provider distinguishes such addresses, they share a limit and nothing else.
 */
export function mailboxOf(emailCanonical: string): string {
  const at = emailCanonical.lastIndexOf('@')
  const [local, domain] = [emailCanonical.slice(0, at), emailCanonical.slice(at + 1)]
  const untagged = local.replace(/(?<=.)\+.*$/s, '')
  return GMAIL.has(domain) ? `${untagged.replaceAll('.', '')}@gmail.com` : `${untagged}@${domain}`
}

function canonicalDomain(domain: string): string | undefined {
  if (!DOMAIN.test(domain)) return undefined
  const ascii = domainToASCII(domain)
  const labels = ascii.split('.')
  if (labels.length < 2 || !labels.every(label => LABEL.test(label))) return undefined
  // RFC 3696 section 2: a top-level domain is not all digits. This also rejects IPv4 addresses.
  if (/^\d+$/.test(labels.at(-1)!)) return undefined
  return isValidPunycode(ascii) ? ascii : undefined
}

// Node 24 accepts every `xn--` label of an ASCII domain; Node 20 and 22 decode and check it.
function isValidPunycode(ascii: string): boolean {
  const unicode = domainToUnicode(ascii)
  return domainToASCII(unicode) === ascii && !unicode.split('.').some(label => label.startsWith('xn--'))
}
