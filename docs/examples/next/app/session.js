import { headers } from 'next/headers'
import { cache } from 'react'
import { auth } from '../auth.js'

/** The session of the request, looked up once for all components. */
export const currentSession = cache(async () => auth.session({ headers: await headers() }))
