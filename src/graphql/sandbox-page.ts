import type { ApolloServerPlugin } from '@apollo/server'
import { ApolloServerPluginLandingPageLocalDefault } from '@apollo/server/plugin/landingPage/default'
import type { Context } from '../context.ts'
import { explorerDocument } from './explorer.ts'

/** In front of Sandbox's own scripts, so that it sees them fail. */
const FALLBACK = '<script src="/explorer-fallback.js"></script>'

/**
 * Apollo Sandbox's page at /graphql. With GraphiQL at hand, the page links to it, and opens it where the CDN of
 * Sandbox cannot be reached.
 */
export function sandboxPage(graphiql: boolean): ApolloServerPlugin<Context> {
  const plugin = ApolloServerPluginLandingPageLocalDefault({
    embed: { initialState: { includeCookies: true } },
    footer: false,
    document: explorerDocument,
  } as Parameters<typeof ApolloServerPluginLandingPageLocalDefault>[0]) as ApolloServerPlugin<Context>
  if (!graphiql) return plugin
  return {
    async serverWillStart(service) {
      const started = await plugin.serverWillStart?.(service)
      return {
        ...started,
        async renderLandingPage() {
          const page = await started?.renderLandingPage?.()
          const html = typeof page?.html === 'function' ? await page.html() : (page?.html ?? '')
          return { html: html.replace('<head>', `<head>${FALLBACK}`) }
        },
      }
    },
  }
}
