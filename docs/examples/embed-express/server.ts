import { AuthError, Authorized, type Context, Ctx, createAuthograph, Query, Resolver } from 'authograph'
import express, { type ErrorRequestHandler } from 'express'

@Resolver()
class NotesResolver {
  @Authorized('notes:read')
  @Query(() => [String], { description: 'Your notes.' })
  async notes(@Ctx() context: Context): Promise<string[]> {
    const { account } = await context.viewer()
    return [`Note of ${account.id}`]
  }
}

const port = Number(process.env.PORT ?? 3000)
const auth = await createAuthograph({
  publicUrl: process.env.PUBLIC_URL ?? `http://localhost:${port}/auth`,
  accessTokenTtl: '5m',
  resolvers: [NotesResolver],
  permissions: ['notes:read'],
})

const app = express()
app.use('/auth', auth.nodeHandler)

// A route of your own, for everyone who is signed in.
app.get('/notes', async (request, response) => {
  const { account } = await auth.viewer(request)
  response.json([`Note of ${account.id}`])
})

const sendError: ErrorRequestHandler = (error, _request, response, next) => {
  if (!(error instanceof AuthError)) return next(error)
  const { code, message, extensions } = error
  response.status(code === 'UNAUTHENTICATED' ? 401 : 403)
  response.json({ errors: [{ message, extensions: { code, ...extensions } }] })
}
app.use(sendError)

const server = app.listen(port)
process.once('SIGTERM', () => {
  server.close(() => void auth.close())
  server.closeIdleConnections()
})
