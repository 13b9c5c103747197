import { readFile } from 'node:fs/promises'
import path from 'node:path'

/** The module of each page that loads after the script of all pages. src/web/app.tsx imports the same ones. */
export const pageModules: Record<string, string> = {
  '/verify-email': 'pages/confirm-link.tsx',
  '/confirm-email': 'pages/confirm-link.tsx',
  '/undo-email': 'pages/confirm-link.tsx',
  '/cancel-recovery': 'pages/confirm-link.tsx',
  '/reset-password': 'pages/set-password.tsx',
  '/accept-invitation': 'pages/set-password.tsx',
  '/email-login': 'pages/email-login.tsx',
  '/sign-in/provider': 'pages/provider-return.tsx',
  '/account': 'account/account.tsx',
  '/account/*': 'account/account.tsx',
  '/overview': 'admin/overview.tsx',
  '/users': 'admin/users.tsx',
  '/users/*': 'admin/user.tsx',
  '/roles': 'admin/roles.tsx',
  '/services': 'admin/services.tsx',
  '/audit': 'admin/audit.tsx',
  '/mails': 'admin/mails.tsx',
  '/webhooks': 'admin/webhooks.tsx',
}

/** The part of Vite's manifest that this file reads. */
type Manifest = Record<string, { file: string; imports?: string[]; css?: string[] }>

const ENTRY = 'index.html'

/** The scripts that show a page before the script of all pages, by their addresses. Vite's configuration writes it. */
type EarlyScripts = Record<string, string>

/**
 * Returns the elements for the head of the page at an address that load its chunks together with the script of all
 * pages, instead of after it. The requests of start.js go before them. Empty if the page has none, or if `folder` has no
 * manifest.
 */
export async function preloadsIn(folder: string, basePath: string): Promise<(address: string) => string> {
  const [manifest, early] = await Promise.all([
    readBuilt<Manifest>(folder, 'manifest.json'),
    readBuilt<EarlyScripts>(folder, 'early.json'),
  ])
  const present = chunksOf(manifest, ENTRY)
  return address => {
    const module = pageModules[address]
    if (module === undefined) return ''
    const chunks = [...chunksOf(manifest, module)].filter(name => !present.has(name))
    const styles = chunks.flatMap(name => manifest[name]?.css ?? [])
    const script = early[address]
    return [
      ...(script ? [`<script async fetchpriority="high" src="${basePath}/${script}"></script>`] : []),
      ...[...new Set(styles)].map(file => `<link rel="stylesheet" crossorigin href="${basePath}/${file}">`),
      ...chunks.map(
        name =>
          `<link rel="modulepreload" fetchpriority="low" crossorigin href="${basePath}/${manifest[name]?.file}">`,
      ),
    ].join('')
  }
}

async function readBuilt<Content extends object>(folder: string, name: string): Promise<Content> {
  try {
    return JSON.parse(await readFile(path.join(folder, name), 'utf8')) as Content
  } catch {
    // The pages work without it, only later.
    return {} as Content
  }
}

/** A chunk and those that it imports. */
function chunksOf(manifest: Manifest, name: string, found = new Set<string>()): Set<string> {
  if (found.has(name) || !manifest[name]) return found
  found.add(name)
  for (const each of manifest[name].imports ?? []) chunksOf(manifest, each, found)
  return found
}
