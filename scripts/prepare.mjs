// npm runs this after `npm ci`, and every package manager runs it for a dependency installed from Git. Only a Git
// dependency is built here: `npm start` builds a checkout, and the package on the registry is already built.
import { execFileSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'

const { INIT_CWD, npm_config_user_agent: agent = '', _PACOTE_NO_PREPARE_: byNpm } = process.env
const elsewhere = INIT_CWD !== undefined && realpathSync(INIT_CWD) !== realpathSync('.')
// A checkout is always installed with npm, in its own folder.
const isDependency = byNpm !== undefined || elsewhere || /^(?:yarn|pnpm)\//.test(agent)

if (isDependency && existsSync('src') && !existsSync('dist/main.js')) {
  // Yarn 1 installs neither our peer dependencies nor the versions of our lock file.
  if (!existsSync('node_modules/type-graphql')) npm('ci', '--ignore-scripts', '--no-audit', '--no-fund')
  npm('run', 'build')
}

function npm(...args) {
  execFileSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' })
}
