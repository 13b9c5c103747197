import { beforeEach } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { as, type SignedIn, signUpAdmin } from './actors.ts'
import { currentOf } from './current.ts'
import type { Service } from './service.ts'

/** A new administrator for each test, who sends the requests unless a test names another viewer. */
export function useAdmin(service: Service) {
  let current: SignedIn | undefined
  beforeEach(async () => {
    current = await signUpAdmin(service)
  })
  const admin = currentOf(() => current)
  return {
    admin,
    send: (document: DocumentNode, variables: Record<string, unknown>, viewer: SignedIn = admin) =>
      service.send(document, variables, as(viewer)),
    userOf: (id: string) => service.app.db.user.findUnique({ where: { id } }),
  }
}
