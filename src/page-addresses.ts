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
  '/services',
  '/audit',
  '/mails',
  '/webhooks',
]

/** The pages whose HTML the server renders. src/web/prerender.tsx has the same list. */
export const renderedAddresses = ['/sign-in', '/register', '/forgot-password', '/users'] as const

export type RenderedAddress = (typeof renderedAddresses)[number]

/** The path of PUBLIC_URL, under which all routes and pages are: empty, or such as `/auth`. */
export function basePathOf(publicUrl: string): string {
  const { pathname } = new URL(publicUrl)
  return pathname === '/' ? '' : pathname
}

/** An address such as `/auth/graphql?…` without the path `basePath`; undefined if it is not below that path. */
export function withoutBasePath(address: string, basePath: string): string | undefined {
  if (!address.startsWith(basePath)) return undefined
  const rest = address.slice(basePath.length)
  if (rest === '' || rest.startsWith('?')) return `/${rest}`
  return rest.startsWith('/') ? rest : undefined
}

/** The address of a page that an email links to. */
export function pageUrl(publicUrl: string, page: LinkedPage): string {
  return `${publicUrl}/${page}`
}
