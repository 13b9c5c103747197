import pg from 'pg'
import { ConfigError } from './config.ts'
import { isUnavailable } from './database/unavailable.ts'
import { AuthError } from './errors.ts'

/**
 * Formats an error that ends a process for the operator: the cause and what to do. Only unexpected errors include a
 * stack.
 */
export function explain(error: unknown): string {
  if (error instanceof AuthError) {
    const fields = Object.values((error.extensions.fields ?? {}) as Record<string, string[]>).flat()
    return [error.message, ...fields].join('\n  ')
  }
  if (error instanceof ConfigError) return error.message
  if (!(error instanceof Error)) return String(error)
  const { code, message, syscall } = error as NodeJS.ErrnoException
  if (syscall === 'listen' || syscall === 'bind') return explainListen(error)
  // A file error. It may have the same code as a missing database socket, so it is checked first.
  if ('path' in error) return message
  // If several addresses were tried, the error has no message, only this code.
  if (isUnavailable(error)) return `The database cannot be reached: ${message || code}`
  // Such as a folder in place of a file.
  if (syscall !== undefined) return message
  if (error instanceof pg.DatabaseError && isRefusal(error))
    return `The database returned an error: ${message}`
  // Our own errors say what to do.
  if (error.constructor === Error && code === undefined) return message
  return error.stack ?? message
}

function explainListen(error: NodeJS.ErrnoException & { address?: string; port?: number }): string {
  const { code, address, port, message } = error
  if (code === 'EADDRINUSE') {
    return `Port ${port} of ${address} is in use. Stop the program that uses it, or set PORT to another port.`
  }
  if (code === 'EACCES')
    return `This user is not allowed to listen on port ${port}. Set PORT to 1024 or above.`
  if (code === 'EADDRNOTAVAIL')
    return `This machine does not have the address ${address}. Set HOST to one it has.`
  return message
}

/** Wrong credentials, a missing database, or a missing privilege. */
function isRefusal({ code = '' }: pg.DatabaseError): boolean {
  return ['28', '3D'].includes(code.slice(0, 2)) || code === '42501'
}
