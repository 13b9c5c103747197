import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { createApplication, expectToRun, GRAPHQL } from './application.ts'
import { INSTALL_TIMEOUT_MS, packServer, ROOT, run, usePlace } from './support.ts'

const place = usePlace('authograph-install-')
const application = (name: string, dependencies: Record<string, string>, more?: object) =>
  createApplication(place(), name, dependencies, more)
let tarball: string

beforeAll(async () => {
  tarball = await packServer(place())
}, INSTALL_TIMEOUT_MS)

/** What docs/extending.md asks users of Yarn 1 to add. */
async function resolutions(): Promise<Record<string, string>> {
  const page = await readFile(path.join(ROOT, 'docs/extending.md'), 'utf8')
  const [, json = ''] = /"resolutions": (\{[^}]*\})/.exec(page) ?? []
  return JSON.parse(json)
}

describe('with a pinned graphql, the packed server runs when installed', () => {
  const pinned = { graphql: GRAPHQL }

  test(
    'with npm, without a warning',
    async () => {
      const folder = await application('npm', { ...pinned, authograph: tarball })
      expect(await run(folder, 'npm', 'install', '--no-audit', '--no-fund')).not.toMatch(
        /EBADENGINE|ERESOLVE/,
      )
      await expectToRun(folder)
      const federated = run(folder, 'env', 'FEDERATION=on', 'node', 'program.mjs')
      await expect(federated).rejects.toThrow('FEDERATION=on requires the package @apollo/subgraph.')
      const started = run(folder, 'env', 'FEDERATION=on', 'npx', 'authograph', 'start')
      await expect(started).rejects.toThrow(/^FEDERATION=on requires .* Run: npm install @apollo\/subgraph$/m)
    },
    INSTALL_TIMEOUT_MS,
  )

  test(
    'with pnpm',
    async () => {
      const folder = await application('pnpm', {
        ...pinned,
        'type-graphql': '2.0.0-rc.4',
        authograph: tarball,
      })
      await run(folder, 'npx', '-y', 'pnpm@10.34.8', 'install')
      await expectToRun(folder)
    },
    INSTALL_TIMEOUT_MS,
  )

  test(
    'with Yarn 1',
    async () => {
      const dependencies = {
        ...pinned,
        'type-graphql': '2.0.0-rc.4',
        'reflect-metadata': '0.2.2',
        'graphql-scalars': '1.26.0',
        authograph: tarball,
      }
      const folder = await application('yarn', dependencies, { resolutions: await resolutions() })
      await run(folder, 'npx', '-y', 'yarn@1.22.22', 'install', '--non-interactive')
      await expectToRun(folder)
    },
    INSTALL_TIMEOUT_MS,
  )
})

test(
  'npm refuses to install it with an incompatible graphql',
  async () => {
    const folder = await application('newer', { graphql: '17.1.0', authograph: tarball })
    await expect(run(folder, 'npm', 'install', '--package-lock-only')).rejects.toThrow(
      /ERESOLVE[\s\S]*graphql@"\^16/,
    )
  },
  INSTALL_TIMEOUT_MS,
)
