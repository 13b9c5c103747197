import './styles.ts'
import { MantineProvider } from '@mantine/core'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { AuthProvider } from '../client/react.ts'
import { App } from './app.tsx'
import { client } from './client.ts'
import { LanguageProvider } from './language.tsx'
import { settings } from './page-settings.ts'
import { brandTheme, brandVariables } from './theme.ts'

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')

createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={brandTheme(settings.color)}
      cssVariablesResolver={brandVariables(settings.color)}
      defaultColorScheme="auto"
    >
      <LanguageProvider>
        <AuthProvider client={client}>
          <App />
        </AuthProvider>
      </LanguageProvider>
    </MantineProvider>
  </StrictMode>,
)
