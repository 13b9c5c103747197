import type { Account } from '../../context.ts'

const HIDDEN = '…@…'
const ADDRESS = /[^\s<>"'(),:;]+@[^\s<>"'(),:;]+/gu

/**
 * Returns a function that replaces email addresses in a text if the viewer lacks `users:read`: reading the audit log does
 * not include reading accounts.
 */
export function addressHider(account: Account): (text: string) => string {
  return account.permissions.includes('users:read') ? text => text : text => text.replace(ADDRESS, HIDDEN)
}
