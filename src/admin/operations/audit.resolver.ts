import { Arg, Args, Authorized, Ctx, Query, Resolver } from 'type-graphql'
import { findAccounts } from '../../accounts/account.ts'
import { toUser } from '../../accounts/accounts.types.ts'
import type { App } from '../../app.ts'
import { auditPage } from '../../audit/query.ts'
import type { Account, Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import type { AuditEvent } from '../../generated/prisma/client.ts'
import { PageArgs } from '../../pagination.ts'
import { recordExport } from '../record-export.ts'
import { AuditEventConnection, type AuditEventType, AuditFilter } from './audit.types.ts'
import { addressHider } from './hide-addresses.ts'

@Resolver()
export class AuditResolver {
  @Authorized('audit:read')
  @Query(() => AuditEventConnection, {
    description: withExample(
      'Lists past events, newest first.',
      'query AuditLog { auditLog(first: 10, filter: { action: "session.started" }) { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } } nodes { id at action actor { id email } actorServiceAccount subject { id } subjectServiceAccount ipAddress userAgent detail } } }',
    ),
  })
  async auditLog(
    @Ctx() { app, viewer: viewerOf, request }: Context,
    @Args(() => PageArgs) args: PageArgs,
    @Arg('filter', () => AuditFilter, { nullable: true, description: 'Omit to return all events.' })
    filter?: AuditFilter | null,
    @Arg('export', () => Boolean, {
      nullable: true,
      description: 'Set it for the first page of an export, so that the audit log has the export.',
    })
    exported?: boolean | null,
  ): Promise<AuditEventConnection> {
    const { edges, ...connection } = await auditPage(app, filter ?? {}, args)
    const viewer = await viewerOf()
    if (exported) await recordExport(app, 'audit.exported', filter ?? {}, { viewer, request })
    const nodes = await withAccounts(app, connection.nodes, viewer.account)
    return {
      ...connection,
      nodes,
      edges: edges.flatMap(({ cursor }, index) => {
        const node = nodes[index]
        return node ? [{ cursor, node }] : []
      }),
    }
  }
}

/** The events with the accounts that they name, which are fetched together. */
async function withAccounts(app: App, events: AuditEvent[], viewer: Account): Promise<AuditEventType[]> {
  const ids = events.flatMap(({ actorId, subjectId }) => [actorId, subjectId]).filter(id => id !== null)
  const accounts = await findAccounts(app, ids)
  const userOf = (id: string | null) => {
    const account = id === null ? undefined : accounts.get(id)
    return account ? toUser(account) : null
  }
  const services = await namesOfServices(
    app,
    ids.filter(id => !accounts.has(id)),
  )
  const serviceOf = (id: string | null) => (id === null ? undefined : services.get(id)) ?? null
  const hideAddresses = addressHider(viewer)
  const replacer = (_key: string, value: unknown) =>
    typeof value === 'string' ? hideAddresses(value) : value
  return events.map(({ actorId, subjectId, detail, ...event }) => ({
    ...event,
    actor: userOf(actorId),
    actorServiceAccount: serviceOf(actorId),
    subject: userOf(subjectId),
    subjectServiceAccount: serviceOf(subjectId),
    detail: detail === null ? null : JSON.stringify(detail, replacer),
  }))
}

/** The names of service accounts by ID. Most pages of the log have none. */
async function namesOfServices(app: App, ids: string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const select = { id: true, name: true }
  const found = await app.db.serviceAccount.findMany({ where: { id: { in: ids } }, select })
  return new Map(found.map(({ id, name }) => [id, name]))
}
