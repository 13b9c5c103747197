import { test } from '@jest/globals'
import { createApplication, expectToRun, GRAPHQL } from './application.ts'
import { INSTALL_TIMEOUT_MS, ROOT, run, usePlace } from './support.ts'

const place = usePlace('authograph-install-git-')

test(
  'with a pinned graphql, the server runs when installed with npm from Git, which builds it',
  async () => {
    const dependencies = { graphql: GRAPHQL, authograph: `git+file://${ROOT}` }
    const folder = await createApplication(place(), 'git', dependencies)
    await run(folder, 'npm', 'install', '--no-audit', '--no-fund')
    await expectToRun(folder)
  },
  INSTALL_TIMEOUT_MS,
)
