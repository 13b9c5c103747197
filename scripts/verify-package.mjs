// Stages the package `authograph-verify`: what other servers need to verify access tokens. `npm run pack:verify` packs it.
import { stage } from './staged-package.mjs'

stage('verify', ({ engines, dependencies, peerDependencies }) => ({
  description:
    'Verify the access tokens of an Authograph server: in Express, Fastify, NestJS, Apollo and TypeGraphQL.',
  engines,
  sideEffects: false,
  dependencies: { jose: dependencies.jose },
  // Only for the entries `apollo` and `type-graphql`.
  peerDependencies: { graphql: peerDependencies.graphql },
  peerDependenciesMeta: { graphql: { optional: true } },
}))
