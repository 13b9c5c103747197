import { NextResponse } from 'next/server'
import { auth } from './auth.js'

// Server Components cannot set cookies, so the proxy exchanges the refresh token before they run.
export const proxy = request => auth.handle(request, () => NextResponse.next())

export const config = { matcher: '/((?!_next/|favicon.ico).*)' }
