import { MantineProvider } from '@mantine/core'
import { type ReactNode, StrictMode } from 'react'
import { Router } from 'wouter'
import type { User } from '../client/index.ts'
import { AuthProvider } from '../client/react.ts'
import { App } from './app.tsx'
import { client } from './client.ts'
import { LanguageProvider } from './language.tsx'
import { settings } from './page-settings.ts'
import { brandTheme, brandVariables } from './theme.ts'

export type RootProps = {
  /** The page to render on the server; in the browser, the address decides. */
  path?: string
  /** The language to render in on the server; in the browser, the visitor's. */
  language?: string
  /** Who is signed in, on the server; in the browser, the client knows. */
  user?: User
  /** What to render instead of the page at the address. */
  children?: ReactNode
}

/** All pages, as the browser and the server render them. */
export function Root({ path, language, user, children = <App /> }: RootProps) {
  return (
    <StrictMode>
      <MantineProvider
        theme={brandTheme(settings.color)}
        cssVariablesResolver={brandVariables(settings.color)}
        defaultColorScheme="auto"
      >
        <LanguageProvider initial={language}>
          <AuthProvider client={client} user={user}>
            <Router
              base={settings.basePath}
              {...(path !== undefined && { ssrPath: settings.basePath + path, ssrSearch: '' })}
            >
              {children}
            </Router>
          </AuthProvider>
        </LanguageProvider>
      </MantineProvider>
    </StrictMode>
  )
}
