import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * The canonical form of an address for storing, showing and counting it: without a zone, and with IPv4-mapped IPv6
 * addresses such as ::ffff:192.0.2.1 as IPv4. Undefined if the text is not an address.
 */
export function canonicalAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  // Accepts only the canonical form, and costs a tenth of parsing the address.
  if (isIPv4(text)) return text
  if (!ipaddr.isValid(text)) return undefined
  return ipaddr.process(text.replace(/%.*/s, '')).toString()
}

/** The network that limits count for an address: the address itself for IPv4, its /64 for IPv6. */
export function networkOf(address: string | undefined): string {
  const canonical = canonicalAddress(address)
  if (canonical === undefined) return 'unknown'
  if (ipaddr.IPv4.isValid(canonical)) return `${canonical}/32`
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${canonical}/64`).toString()}/64`
}
