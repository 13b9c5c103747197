import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll } from '@jest/globals'

const ROOT = path.resolve(import.meta.dirname, '../..')
const CLIENT = path.join(ROOT, 'src/client')
/** Vite runs as a process of its own: its bundler does not accept objects from Jest's realm. */
const CONFIG = {
  resolve: {
    alias: {
      'authograph-client/styles.css?inline': path.join(CLIENT, 'styles.css?inline'),
      'authograph-client/styles.css': path.join(CLIENT, 'styles.css'),
      'authograph-client/react': path.join(CLIENT, 'react.ts'),
      'authograph-client': path.join(CLIENT, 'index.ts'),
    },
  },
}
const HTML = '<!doctype html><html lang="en"><title>An app</title><main id="root"></main>'

export type ClientPage = {
  /** Such as http://localhost:5173. */
  origin: string
  /** Bundles a program as the page's script. It imports from `authograph-client`, as an application does. */
  serve(files: Record<string, string>): Promise<void>
}

/** An application of its own on another port than the server, for the tests of a file. */
export async function useClientPage(): Promise<ClientPage> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'authograph-page-'))
  await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'))
  const server = createServer((request, response) => {
    const asset = /^\/assets\/([\w.-]+)$/.exec(request.url ?? '')?.[1]
    if (!asset) return void response.setHeader('content-type', 'text/html').end(built)
    const type = asset.endsWith('.css') ? 'text/css' : 'text/javascript'
    readFile(path.join(folder, 'dist/assets', asset)).then(
      bytes => response.setHeader('content-type', type).end(bytes),
      () => response.writeHead(404).end(),
    )
  })
  let built = ''
  await new Promise<void>(resolve => server.listen(0, 'localhost', resolve))
  afterAll(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await rm(folder, { recursive: true })
  })
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    serve: async files => {
      const [entry] = Object.keys(files)
      await writeFile(
        path.join(folder, 'index.html'),
        `${HTML}<script type="module" src="/${entry}"></script></html>`,
      )
      for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text)
      await writeFile(path.join(folder, 'vite.config.mjs'), `export default ${JSON.stringify(CONFIG)}`)
      await promisify(execFile)(path.join(ROOT, 'node_modules/.bin/vite'), ['build', '--logLevel', 'error'], {
        cwd: folder,
        env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'production' },
      })
      built = await readFile(path.join(folder, 'dist/index.html'), 'utf8')
    },
  }
}

/** The n-th snippet of a kind on a page of the docs. */
export async function snippetOf(page: string, kind: string, index = 0): Promise<string> {
  const text = await readFile(path.join(ROOT, page), 'utf8')
  const snippet = [...text.matchAll(new RegExp(`\`\`\`${kind}\\n(.+?)\`\`\``, 'gs'))][index]?.[1]
  if (!snippet) throw new Error(`${page} has no snippet ${index} of ${kind}.`)
  return snippet
}
