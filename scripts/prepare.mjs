// npm runs this after `npm ci`, and every package manager runs it for a dependency that comes from git. Only the latter
// has to be built here: a checkout is built by `npm start`, and the package on the registry has been built.
import { execFileSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'

const { INIT_CWD, npm_config_user_agent: agent = '', _PACOTE_NO_PREPARE_: byNpm } = process.env
const elsewhere = INIT_CWD !== undefined && realpathSync(INIT_CWD) !== realpathSync('.')
// The checkout itself is installed with npm alone, in its own folder.
const isDependency = byNpm !== undefined || elsewhere || /^(?:yarn|pnpm)\//.test(agent)

if (isDependency && existsSync('src') && !existsSync('dist/main.js')) {
  // Yarn 1 does not install our peers, nor the versions of our lock file.
  if (!existsSync('node_modules/type-graphql')) npm('ci', '--ignore-scripts', '--no-audit', '--no-fund')
  npm('run', 'build')
}

function npm(...args) {
  execFileSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' })
}
