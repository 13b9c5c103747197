import type { Viewer } from '../context.ts'

/** The permissions of `held` that are also in `allowed`. */
export function cutTo(held: readonly string[], allowed: readonly string[]): readonly string[] {
  return held.filter(permission => allowed.includes(permission))
}

/**
 * Of the permissions that the viewer's account holds, those that count in this request: an API key has fewer, and so has a
 * token with a scope.
 */
export function permissionsIn({ via }: Viewer, held: readonly string[]): readonly string[] {
  switch (via.kind) {
    case 'session':
      return held
    case 'apiKey':
      return cutTo(held, via.apiKey.permissions)
    case 'serviceAccount':
      return via.scope ? cutTo(held, via.scope) : held
  }
}
