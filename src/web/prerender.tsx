import './prerender-settings.ts'
import { parentPort } from 'node:worker_threads'
import { renderToString } from 'react-dom/server'
import { languages } from './language.tsx'
import { Root } from './root.tsx'

/** The pages that look the same to every visitor who is not signed in. */
const PATHS = ['/sign-in', '/register', '/forgot-password']

/**
 * Runs as a worker of the server, with the settings as its data, and sends the HTML of each page by its path and
 * language. The browser then shows a form before its script has arrived.
 */
const rendered = PATHS.map(path => {
  const pages = languages.map(({ tag }) => [tag, renderToString(<Root path={path} language={tag} />)])
  return [path, Object.fromEntries(pages)]
})
parentPort?.postMessage(Object.fromEntries(rendered))
