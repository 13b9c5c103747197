import { AuthError, createAuthograph } from 'authograph'
import Fastify from 'fastify'

const port = Number(process.env.PORT ?? 3000)
const auth = await createAuthograph({
  publicUrl: process.env.PUBLIC_URL ?? `http://localhost:${port}/auth`,
  permissions: ['notes:read'],
})

const server = Fastify()
await server.register(auth.fastifyPlugin, { prefix: '/auth' })
server.addHook('onClose', () => auth.close())

// Routes of your own, for everyone who is signed in and for those with a permission.
server.get('/notes', async request => {
  const { account } = await auth.viewer(request)
  return [`Note of ${account.id}`]
})
server.get('/notes/all', async request => {
  await auth.viewer(request, 'notes:read')
  return ['Note of everyone']
})

server.setErrorHandler((error, _request, reply) => {
  if (!(error instanceof AuthError)) return reply.send(error)
  const { code, message, extensions } = error
  return reply
    .code(code === 'UNAUTHENTICATED' ? 401 : 403)
    .send({ errors: [{ message, extensions: { code, ...extensions } }] })
})

await server.listen({ port })
process.once('SIGTERM', () => void server.close())
