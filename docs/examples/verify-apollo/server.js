import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { createVerifier } from 'authograph-verify'
import { authContext, authPlugin, guard } from 'authograph-verify/apollo'

const verifier = createVerifier({
  issuer: process.env.AUTH_ISSUER ?? 'http://localhost:4000',
  audience: 'authograph',
  jwksUrl: process.env.AUTH_JWKS_URL,
})

const typeDefs = `
  type Note { text: String!, history: [String!] }
  type Query { notes: [Note!]! }`

const resolvers = {
  Query: {
    notes: guard(async (_parent, _args, { identity }) => {
      const { userId } = await identity()
      return [{ text: `Note of ${userId}`, versions: ['Draft'] }]
    }),
  },
  // A single field: without the permission it is null, and the rest of the note still arrives.
  Note: { history: guard('notes:history', note => note.versions) },
}

const server = new ApolloServer({ typeDefs, resolvers, plugins: [authPlugin()] })
await startStandaloneServer(server, {
  listen: { port: Number(process.env.PORT ?? 3000) },
  context: async ({ req }) => ({ ...authContext(verifier, req) }),
})
