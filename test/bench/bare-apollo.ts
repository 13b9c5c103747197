// The baseline for `{ __typename }`: Apollo Server on Fastify as its documentation sets it up, with a schema of one field.
// Sends its port to the parent.
import type { AddressInfo } from 'node:net'
import { ApolloServer } from '@apollo/server'
import fastifyApollo from '@as-integrations/fastify'
import Fastify from 'fastify'

const apollo = new ApolloServer({
  typeDefs: 'type Query { ok: Boolean }',
  resolvers: { Query: { ok: () => true } },
  stopOnTerminationSignals: false,
})
await apollo.start()
const server = Fastify()
await server.register(fastifyApollo(apollo))
await server.listen({ host: '127.0.0.1', port: 0 })
process.send?.((server.server.address() as AddressInfo).port)
