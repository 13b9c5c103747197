import 'graphiql/style.css'
import './explorer.css'
import { createGraphiQLFetcher } from '@graphiql/toolkit'
import { GraphiQL } from 'graphiql'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

/** What the server writes into the page (src/http/explorer.ts). */
type ExplorerSettings = {
  /** The operations that the editor opens with. */
  document: string
}

const root = document.getElementById('root')
if (!root) throw new Error('explorer.html has no #root')
const settings = JSON.parse(document.getElementById('explorer')?.textContent ?? '') as ExplorerSettings

// Same origin, so the browser sends the refresh cookie along.
const fetcher = createGraphiQLFetcher({ url: new URL('graphql', location.href).href })

/** Headers hold access tokens and documents hold passwords, so nothing outlives the page. */
const memory = new Map<string, string>()
const storage: Storage = {
  get length() {
    return memory.size
  },
  getItem: key => memory.get(key) ?? null,
  setItem: (key, value) => void memory.set(key, value),
  removeItem: key => void memory.delete(key),
  clear: () => memory.clear(),
  key: index => [...memory.keys()][index] ?? null,
}

createRoot(root).render(
  <StrictMode>
    <GraphiQL
      fetcher={fetcher}
      defaultQuery={settings.document}
      defaultHeaders={'{\n  "Authorization": "Bearer "\n}'}
      defaultEditorToolsVisibility="headers"
      storage={storage}
      showPersistHeadersSettings={false}
    >
      <GraphiQL.Logo>
        <a className="explorer-switch" href="graphql?explorer=sandbox">
          Open Apollo Sandbox
        </a>
      </GraphiQL.Logo>
    </GraphiQL>
  </StrictMode>,
)
