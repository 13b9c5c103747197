// Stages the package `create-authograph`, which `npm create authograph` runs. `npm run pack:create` packs it.
import { stage } from './staged-package.mjs'

stage(
  'create',
  ({ engines }) => ({
    description: 'Create a project with an Authograph server of your own.',
    engines,
    bin: { 'create-authograph': './dist/main.js' },
  }),
  { name: 'create-authograph', folders: ['template'] },
)
