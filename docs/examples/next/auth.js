import { createServerAuth } from 'authograph-client/server'

export const auth = createServerAuth({ url: process.env.AUTH_URL ?? 'http://localhost:4000/graphql' })
