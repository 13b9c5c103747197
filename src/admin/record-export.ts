import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestInfo, Viewer } from '../context.ts'

/** Parts of a filter that can contain personal data, which must not outlive the account that it is about. */
const PERSONAL = ['search', 'ipAddress']

/**
 * Records that the viewer exports what a filter selects. The event has the filter, but only the names of parts that can
 * contain personal data.
 */
export async function recordExport(
  app: App,
  action: 'users.exported' | 'audit.exported',
  filter: object,
  { viewer, request }: { viewer: Viewer; request: RequestInfo },
): Promise<void> {
  const used = Object.entries(filter).filter(([, value]) => value != null)
  const shown = used.map(([name, value]) => [
    name,
    PERSONAL.includes(name) ? true : value instanceof Date ? value.toISOString() : value,
  ])
  await record(app.db, request, {
    action,
    at: app.clock.now(),
    actorId: viewer.account.id,
    detail: { filter: Object.fromEntries(shown) },
  })
}
