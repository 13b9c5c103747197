/**
 * A cookie of authograph-client/server: its servers exchange the session's cookie themselves, and have no key. It begins
 * with COOKIE_PREFIX, like the session's own.
 */
export const renderedCookie = (cookiePrefix: string): string => `${cookiePrefix}_rendered`
