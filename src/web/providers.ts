import { brandNames, brandOf } from '../client/brands.ts'
import type { ProviderOptions } from '../client/index.ts'
import type { Messages } from './locales/en.ts'
import { type ProviderSettings, settings } from './page-settings.ts'

/** What the visitor goes to a provider for. */
export type Errand = 'signIn' | 'link' | 'reauthenticate'

export const RETURN_PATH = '/sign-in/provider'

/** The provider with an ID. One that the server no longer has goes by its ID. */
export function providerOf(id: string): ProviderSettings {
  return settings.providers.find(provider => provider.id === id) ?? { id, type: 'oidc', name: id }
}

/** The name of a provider in the visitor's language. */
export function nameOf({ providers }: Messages, { type, name }: ProviderSettings): string {
  if (type === 'oidc' || name !== brandNames[type]) return name
  return (providers.names as Partial<Record<string, string>>)[type] ?? name
}

/** The words of a provider's button, which many brands prescribe. */
export function actionOf(text: Messages, provider: ProviderSettings): string {
  const brand = brandOf(provider)
  return brand ? text.providers.brands[brand] : text.providers.continueWith(provider.name)
}

/** Pages that lead on by themselves once someone is signed in. */
const ENTRANCES = ['/', '/sign-in', '/register', RETURN_PATH]

/**
 * Where a provider leads back to. From there, the visitor goes on to `return_to` in the query, or to the page that is
 * open now.
 */
export function returning(errand: Errand, provider: string): ProviderOptions {
  const url = new URL(settings.basePath + RETURN_PATH, location.origin)
  url.searchParams.set('provider', provider)
  url.searchParams.set('for', errand)
  const returnTo = new URLSearchParams(location.search).get('return_to')
  if (returnTo) url.searchParams.set('return_to', returnTo)
  const page = location.pathname.slice(settings.basePath.length)
  if (!ENTRANCES.includes(page)) url.searchParams.set('next', page)
  return { returnTo: url.href }
}

/** The page to which `returning` leads on, if it is one of this server's. */
export function nextPage(search: URLSearchParams): string | undefined {
  const next = search.get('next')
  if (!next || !URL.canParse(next, location.origin)) return undefined
  const { origin, pathname } = new URL(next, location.origin)
  return origin === location.origin ? pathname : undefined
}
