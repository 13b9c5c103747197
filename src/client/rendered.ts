/**
 * A cookie of authograph-client/server: its servers exchange the session's cookie themselves, and have no key. Its name is
 * COOKIE_PREFIX, like that of the session's own, and this.
 */
export const RENDERED = '_rendered'
