/** The pages that emails link to. */
export const linkedPages = [
  'forgot-password',
  'verify-email',
  'reset-password',
  'accept-invitation',
  'email-login',
  'confirm-email',
  'undo-email',
  'cancel-recovery',
] as const

export type LinkedPage = (typeof linkedPages)[number]

/** The address of every page, as a route under PUBLIC_URL. src/web/app.tsx has a page for each. */
export const pageAddresses = [
  '/',
  '/sign-in',
  '/sign-in/provider',
  '/register',
  ...linkedPages.map(page => `/${page}`),
  '/account',
  '/account/*',
  '/overview',
  '/users',
  '/users/*',
  '/roles',
  '/audit',
  '/mails',
]

/** The address of a page that an email links to. */
export function pageUrl(publicUrl: string, page: LinkedPage): string {
  return `${publicUrl}/${page}`
}
