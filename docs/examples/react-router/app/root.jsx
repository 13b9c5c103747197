import { createAuthClient } from 'authograph-client'
import { AuthProvider } from 'authograph-client/react'
import { Links, Meta, Outlet, Scripts, ScrollRestoration, useLoaderData } from 'react-router'
import { auth, sessionContext } from './auth.server.js'

const client = createAuthClient({ url: import.meta.env.VITE_AUTH_URL ?? 'http://localhost:4000/graphql' })

export const middleware = [
  ({ request, context }, next) =>
    auth.handle(request, session => {
      context.set(sessionContext, session)
      return next()
    }),
]

export const loader = ({ context }) => ({ user: context.get(sessionContext).user })

export default function Root() {
  const { user } = useLoaderData()
  return (
    <html lang="en">
      <head>
        <title>Example</title>
        <Meta />
        <Links />
      </head>
      <body>
        <AuthProvider client={client} user={user}>
          <Outlet />
        </AuthProvider>
        <ScrollRestoration />
        <Scripts />
      </body>
    </html>
  )
}
