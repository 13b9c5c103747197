import pg from 'pg'
import { ConfigError } from './config.ts'
import { isUnavailable } from './database/unavailable.ts'
import { AuthError } from './errors.ts'

/**
 * What the operator reads of an error that ends a process: the cause and what to do. A stack is only for errors that no
 * one foresaw.
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
  // A file, which is missing as a socket of the database can be.
  if ('path' in error) return message
  // Of several addresses that were tried, the error says nothing but this.
  if (isUnavailable(error)) return `The database cannot be reached: ${message || code}`
  // Such as a folder where a file should be.
  if (syscall !== undefined) return message
  if (error instanceof pg.DatabaseError && isRefusal(error)) return `The database refuses: ${message}`
  // What is thrown on purpose says what to do.
  if (error.constructor === Error && code === undefined) return message
  return error.stack ?? message
}

function explainListen(error: NodeJS.ErrnoException & { address?: string; port?: number }): string {
  const { code, address, port, message } = error
  if (code === 'EADDRINUSE') {
    return `Port ${port} of ${address} is in use. Stop the program that uses it, or set PORT to another one.`
  }
  if (code === 'EACCES') return `This user may not listen on port ${port}. Set PORT to 1024 or above.`
  if (code === 'EADDRNOTAVAIL')
    return `This machine does not have the address ${address}. Set HOST to one it has.`
  return message
}

/** A wrong name or password, a database that is not there, a right that is missing. */
function isRefusal({ code = '' }: pg.DatabaseError): boolean {
  return ['28', '3D'].includes(code.slice(0, 2)) || code === '42501'
}
