import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { mergeSchemas } from '@graphql-tools/schema'
import { createAuthograph } from 'authograph'

const auth = await createAuthograph()

const typeDefs = `
  type Note { text: String! }
  extend type Query { notes: [Note!]! }`

const resolvers = {
  Query: {
    // Fails with UNAUTHENTICATED unless the request has a live session.
    notes: async (_parent, _args, context) => {
      const { account } = await context.viewer()
      return [{ text: `Note of ${account.id}` }]
    },
  },
}

const apollo = new ApolloServer({
  schema: mergeSchemas({ schemas: [auth.schema], typeDefs, resolvers }),
  formatError: auth.formatError,
  validationRules: auth.validationRules,
  plugins: auth.plugins,
})
await startStandaloneServer(apollo, {
  context: auth.context,
  listen: { port: Number(process.env.PORT ?? 3000) },
})

process.once('SIGTERM', async () => {
  await apollo.stop()
  await auth.close()
})
