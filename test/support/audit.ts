import type { AuditEvent } from '../../src/generated/prisma/client.ts'
import type { Service } from './service.ts'

/** What the audit log has on an account, the oldest first. */
export function auditOf(service: Service, subjectId: string): Promise<AuditEvent[]> {
  return service.app.db.auditEvent.findMany({ where: { subjectId }, orderBy: { id: 'asc' } })
}

/** The actions of the audit log on an account, the oldest first. */
export async function actionsOf(service: Service, subjectId: string): Promise<string[]> {
  return (await auditOf(service, subjectId)).map(event => event.action)
}
