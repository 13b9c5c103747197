import type { ApolloServerPlugin } from '@apollo/server'
import { ApolloServerPluginLandingPageLocalDefault } from '@apollo/server/plugin/landingPage/default'
import type { Context } from '../context.ts'
import { explorerDocument } from './explorer.ts'

/** Loaded before Sandbox's own scripts, so that it can detect when they fail to load. */
const FALLBACK = '<script src="explorer-fallback.js"></script>'

/** Apollo Sandbox's page. With `graphiql`, it links to GraphiQL and opens it if Sandbox's CDN is unreachable. */
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
