/** A cookie of authograph-client/server: its servers exchange the session's cookie themselves, and have no key. */
export const RENDERED = 'authograph_rendered'
