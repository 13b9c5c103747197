import { domainToASCII, domainToUnicode } from 'node:url'

// RFC 5321 section 4.5.3.1: 64 octets before the `@`; 254 in all, because a path of 256 holds `<` and `>`.
const LOCAL_PART_MAX_BYTES = 64
const ADDRESS_MAX_BYTES = 254

// Bounds the work on what cannot be an address, however it is composed.
const TYPED_MAX_LENGTH = 1024

// The dot-atom of RFC 5322 section 3.2.3, with the letters, marks and digits of RFC 6531 beside ASCII's.
const LOCAL_PART = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u

// Keeps from `domainToASCII` what it would decode or read as something else: `%`, ports, IPv6.
const DOMAIN = /^[\p{L}\p{M}\p{N}.\u3002-]+$/u
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

const INVISIBLE = /[\p{C}\p{Z}]/u

/**
 * The form in which two spellings of one address are equal, and by which accounts are unique: trimmed,
 * NFKC, lower case, the domain in Punycode (UTS #46). Undefined when it is not an address that can
 * receive mail from elsewhere. Idempotent. Never contains white space or a control character, so CR/LF
 * cannot reach a mail header.
 *
 * Accepted: one `local@domain` (RFC 5321 section 4.1.2) with a dot-atom, also of letters beyond ASCII
 * (RFC 6531). Refused: quoted local parts, address literals, single-label domains such as `localhost`
 * (RFC 5321 section 2.3.5 wants them fully qualified), and invisible characters anywhere. Dots and
 * `+tags` count: which of them a provider ignores is its own affair.
 */
export function canonicalEmail(email: string): string | undefined {
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
 * The address to store, show and send mail to: what its owner typed, in NFKC, with the case kept. Its mailbox is always
 * the one that `canonicalEmail` names: two spellings that count as one address must not lead to two mailboxes, or
 * an address that no mail server knows (`ada＠example.com`) would occupy the name of one that exists. Only for what
 * `canonicalEmail` accepts.
 */
export function displayEmail(email: string): string {
  const [local = '', domain = ''] = email.trim().normalize('NFKC').split('@')
  return `${local}@${displayDomain(domain)}`
}

// UTS #46 maps more than NFKC does (the dot U+3002), ignores characters (variation selectors) and refuses some capital
// letters. A domain that differs from its canonical form in more than case gives way to that.
function displayDomain(domain: string): string {
  const folded = fold(domain)
  const ascii = domainToASCII(folded)
  const unicode = domainToUnicode(ascii)
  const plain = folded === unicode || folded === ascii
  return plain && domainToASCII(domain) === ascii ? domain : unicode
}

// Lower case can undo a composition, so it is normalised again.
function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC')
}

const GMAIL = new Set(['gmail.com', 'googlemail.com'])

/**
 * The mailbox that emails to a canonical address most likely reach: without a `+tag`, and for Gmail without dots. For
 * counting only. Where a provider tells such addresses apart, they share a limit and nothing else.
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
  // RFC 3696 section 2: a top-level domain is not all digits. IPv4 addresses end here.
  if (/^\d+$/.test(labels.at(-1)!)) return undefined
  return isValidPunycode(ascii) ? ascii : undefined
}

// Node 24 passes every `xn--` label of an ASCII domain; Node 20 and 22 decode and check it.
function isValidPunycode(ascii: string): boolean {
  const unicode = domainToUnicode(ascii)
  return domainToASCII(unicode) === ascii && !unicode.split('.').some(label => label.startsWith('xn--'))
}
