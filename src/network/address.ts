import ipaddr from 'ipaddr.js'

/**
 * The address in the one form that it is stored, shown and counted by: without a zone, and IPv4 as IPv4
 * also where a socket that takes both calls it ::ffff:192.0.2.1. Undefined for what is no address.
 */
export function canonicalAddress(text: string | undefined): string | undefined {
  if (text === undefined || !ipaddr.isValid(text)) return undefined
  return ipaddr.process(text.replace(/%.*/s, '')).toString()
}

/** The network that an address is counted by: an IPv4 address alone, an IPv6 address by its /64. */
export function networkOf(address: string | undefined): string {
  const canonical = canonicalAddress(address)
  if (canonical === undefined) return 'unknown'
  if (ipaddr.IPv4.isValid(canonical)) return `${canonical}/32`
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${canonical}/64`).toString()}/64`
}
