import { createServerAuth } from 'authograph-client/server'
import { createContext } from 'react-router'

export const auth = createServerAuth({ url: process.env.AUTH_URL ?? 'http://localhost:4000/graphql' })

/** The session of the request, for loaders and actions. */
export const sessionContext = createContext()
