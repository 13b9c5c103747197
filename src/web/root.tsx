import { MantineProvider } from '@mantine/core'
import { StrictMode } from 'react'
import { Router } from 'wouter'
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
}

/** All pages, as the browser and the server render them. */
export function Root({ path, language }: RootProps) {
  return (
    <StrictMode>
      <MantineProvider
        theme={brandTheme(settings.color)}
        cssVariablesResolver={brandVariables(settings.color)}
        defaultColorScheme="auto"
      >
        <LanguageProvider initial={language}>
          <AuthProvider client={client}>
            <Router
              base={settings.basePath}
              {...(path !== undefined && { ssrPath: settings.basePath + path, ssrSearch: '' })}
            >
              <App />
            </Router>
          </AuthProvider>
        </LanguageProvider>
      </MantineProvider>
    </StrictMode>
  )
}
