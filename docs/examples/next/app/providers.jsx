'use client'

import { createAuthClient } from 'authograph-client'
import { AuthProvider } from 'authograph-client/react'

const client = createAuthClient({
  url: process.env.NEXT_PUBLIC_AUTH_URL ?? 'http://localhost:4000/graphql',
})

export function Providers({ user, children }) {
  return (
    <AuthProvider client={client} user={user}>
      {children}
    </AuthProvider>
  )
}
