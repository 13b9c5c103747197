import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { build, defineConfig, type InlineConfig, type Plugin } from 'vite'
import { Refresh } from '../client/operations.ts'
import { FIRST_PEOPLE } from './admin/people-query.ts'
import { UserListDocument } from './generated/graphql.ts'

/** Compressing takes most of the time of a build, which is no warning for those who start the server. */
const checks = { bundlerTimings: false }

/** Compresses files once, so that the server need not compress each response. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    async writeBundle({ dir = '' }, bundle) {
      const names = Object.keys(bundle).filter(name => /\.(?:js|css)$/.test(name))
      await Promise.all(
        names.map(async name => {
          const file = path.join(dir, name)
          const bytes = await readFile(file)
          await Promise.all([
            writeFile(`${file}.br`, brotliCompressSync(bytes)),
            writeFile(`${file}.gz`, gzipSync(bytes, { level: 9 })),
          ])
        }),
      )
    },
  }
}

/** Builds a script into one file without modules. */
async function scriptOf(entry: string, options: InlineConfig): Promise<string> {
  const built = await build({
    configFile: false,
    root: import.meta.dirname,
    publicDir: false,
    logLevel: 'warn',
    ...options,
    build: {
      write: false,
      rolldownOptions: { input: path.join(import.meta.dirname, entry), output: { format: 'iife' }, checks },
    },
  })
  const [only] = [built].flat()
  if (!only || !('output' in only)) throw new Error(`${entry} was not built.`)
  return only.output[0].code
}

/** What runs before the script of the pages: start.js, and for some pages the script that shows their list. */
function earlyScripts(): Plugin {
  return {
    name: 'early-scripts',
    async generateBundle() {
      const bodies = {
        refresh: JSON.stringify({ query: Refresh, variables: { input: null } }),
        people: JSON.stringify({ query: String(UserListDocument), variables: FIRST_PEOPLE }),
      }
      const start = await scriptOf('start.ts', { define: { EARLY_BODIES: JSON.stringify(bodies) } })
      this.emitFile({ type: 'asset', fileName: 'start.js', source: start })

      // With elements.ts in place of React. early.json tells the server its name.
      const elements = path.join(import.meta.dirname, 'early/elements.ts')
      const people = await scriptOf('early/people.tsx', {
        resolve: { alias: { 'react/jsx-runtime': elements } },
      })
      const hash = createHash('sha256').update(people).digest('base64url').slice(0, 8)
      const fileName = `assets/early-people-${hash}.js`
      this.emitFile({ type: 'asset', fileName, source: people })
      this.emitFile({ type: 'asset', fileName: 'early.json', source: JSON.stringify({ '/users': fileName }) })
    },
  }
}

/**
 * Few files rather than dozens: without HTTP/2, a browser loads six at a time, and the requests of start.js, which a page
 * needs first, wait with them.
 */
const initial: ['$initial'] = ['$initial']
const groups = [
  // What all pages need immediately, in two files: React changes less often than the rest.
  {
    name: 'react',
    test: /\/node_modules\/(?:react|react-dom|scheduler)\/|vite\/preload-helper/,
    tags: initial,
    priority: 3,
  },
  { name: 'all-pages', tags: initial, minShareCount: 2, priority: 2 },
  // What several of the others have in common, almost all of them after signing in.
  { name: 'inside', test: /\/src\/web\/(?!explorer\/)/, minShareCount: 2, priority: 1 },
]

export default defineConfig({
  root: import.meta.dirname,
  // The server knows the path under which the pages are.
  base: './',
  plugins: [earlyScripts(), compressed()],
  build: {
    outDir: '../../dist/web',
    emptyOutDir: true,
    // Tells the server which chunks a page needs.
    manifest: 'manifest.json',
    // The content security policy allows only scripts and fonts that are files of this server.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // GraphiQL is one large chunk, which only /explorer loads.
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      input: ['index.html', 'explorer.html'].map(file => path.join(import.meta.dirname, file)),
      output: { codeSplitting: { includeDependenciesRecursively: false, groups } },
      checks,
      // The libraries say 'use client' for servers that render React. These pages have none.
      onLog: (level, log, tell) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') tell(level, log)
      },
    },
  },
})
