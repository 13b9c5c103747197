// Stages the package `authograph-client`: the client alone. `npm run pack:client` packs it.
import { stage } from './staged-package.mjs'

stage(
  'client',
  ({ peerDependencies, peerDependenciesMeta }) => ({
    description: 'Sign people in with an Authograph server: in React, React Native, browsers and Node.',
    sideEffects: ['./dist/*.css'],
    // Only the client's peers are optional: the server needs its own.
    peerDependencies: Object.fromEntries(
      Object.keys(peerDependenciesMeta).map(name => [name, peerDependencies[name]]),
    ),
    peerDependenciesMeta,
  }),
  { styles: ['styles.css'] },
)
