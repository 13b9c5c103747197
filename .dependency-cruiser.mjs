// The order of the layers, from the edges down to the foundation. A module imports from its own layer and from the
// layers below it, never from one above. docs/architecture.md has a line for each.
export const LAYERS = [
  'main.ts',
  'index.ts',
  'cli/',
  'rehearse.ts',
  'serve.ts',
  'serve-alone.ts',
  'serve-together.ts',
  'launch.ts',
  'server.ts',
  'authograph.ts',
  'options.ts',
  'test-context.ts',
  'http/',
  'graphql/',
  'maintenance/',
  'webhooks/',
  'admin/import/',
  'admin/overview/',
  'admin/users/',
  'admin/services/',
  'admin/roles/',
  'admin/operations/',
  'admin/',
  'self-service/',
  'sign-in/',
  'oauth/',
  'api-keys/',
  'sessions/',
  'credentials/',
  'one-time-tokens/',
  'accounts/',
  'open.ts',
  'explain.ts',
  'create-app.ts',
  'keep-time.ts',
  'shutdown.ts',
  'metrics.ts',
  'workers/',
  'provider-outcomes.ts',
  'webhook-figures.ts',
  'before-sign-up.ts',
  'permissions/',
  'ways-in.ts',
  'devices/',
  'mail/',
  'rate-limit/',
  'audit/',
  'dpop/',
  'keys/',
  'crypto/',
  'network/',
  'background-task.ts',
  'tracing/',
  'database/',
  'per-request.ts',
  'context.ts',
  'app.ts',
  'log.ts',
  'setting-options.ts',
  'config.ts',
  'database-url.ts',
  'provider-settings/',
  'relying-party.ts',
  'environment.ts',
  'pagination.ts',
  'input.ts',
  'example.ts',
  'page-addresses.ts',
  'colors.ts',
  'request-limits.ts',
  'errors.ts',
  'clock.ts',
  'generated/',
]

/** Matches the modules of a layer, but not those of a layer that is listed inside it. */
function modulesOf(layer) {
  const inner = LAYERS.filter(other => other !== layer && other.startsWith(layer)).map(literal)
  const except = inner.length > 0 ? `(?!${inner.map(name => name.slice(layer.length)).join('|')})` : ''
  return `^src/${literal(layer)}${except}`
}

function literal(path) {
  return path.replaceAll('.', '\\.')
}

// app.ts names the types of what every part receives, and imports nothing else: test/contract/layers.test.ts.
const upward = LAYERS.slice(1).map((layer, above) => ({
  name: `no-upward-import-from-${layer.replace(/\W+$/, '')}`,
  comment: 'Imports go down the list of layers in .dependency-cruiser.mjs.',
  severity: 'error',
  from: { path: modulesOf(layer), pathNot: '^src/app\\.ts$' },
  to: { path: LAYERS.slice(0, above + 1).map(modulesOf), pathNot: '^src/app\\.ts$' },
}))

export default {
  forbidden: [
    ...upward,
    {
      name: 'every-module-has-a-layer',
      comment: 'Add the folder to the list of layers.',
      severity: 'error',
      from: { path: '^src/', pathNot: [...LAYERS.map(modulesOf), '^src/(client|create|verify|web)/'] },
      to: {},
    },
    {
      name: 'client-stands-alone',
      comment: 'The client runs in browsers and React Native. It imports nothing of the server or of Node.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { path: '^src/', pathNot: '^src/client/' },
    },
    {
      name: 'client-without-node',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'verify-stands-alone',
      comment: 'Other servers verify tokens with it. It imports nothing of this server.',
      severity: 'error',
      from: { path: '^src/verify/' },
      to: { path: '^src/', pathNot: '^src/verify/' },
    },
    {
      name: 'verify-with-jose-alone',
      comment: 'Only the modules for GraphQL servers also import graphql.',
      severity: 'error',
      from: { path: '^src/verify/', pathNot: '^src/verify/graphql\\.ts$' },
      to: { dependencyTypesNot: ['local'], pathNot: '^node_modules/jose/' },
    },
    {
      name: 'create-stands-alone',
      comment: 'It creates projects, and runs before anything is installed.',
      severity: 'error',
      from: { path: '^src/create/' },
      to: { path: '.', pathNot: '^src/create/', dependencyTypesNot: ['core'] },
    },
    {
      name: 'server-without-client',
      comment: 'The client is for other programs, and so is what verifies tokens and what creates projects.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(client|create|verify|web)/' },
      to: { path: '^src/(client|create|verify|web)/' },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    // Biome guards the imports of the pages: the parser reads no TSX.
    exclude: { path: ['^src/web/', '^src/create/template/', '^src/generated/.*/internal/'] },
  },
}
