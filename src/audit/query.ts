import type { App } from '../app.ts'
import { isId } from '../database/client.ts'
import { badInput } from '../errors.ts'
import type { AuditEvent, Prisma } from '../generated/prisma/client.ts'
import { isTime, requireTime } from '../input.ts'
import { connectionOf, foreignCursor, type PageArguments, pageOf } from '../pagination.ts'
import { auditActions } from './actions.ts'

export type AuditSelection = {
  action?: string | null | undefined
  actorId?: string | null | undefined
  subjectId?: string | null | undefined
  after?: Date | null | undefined
  before?: Date | null | undefined
}

/**
 * A page of the audit log, the latest first, by keyset: the time and the id of an event.
 * @throws AuthError BAD_USER_INPUT
 */
export async function auditPage(app: App, selection: AuditSelection, args: PageArguments) {
  const page = pageOf(args, 2)
  const where = toWhere(selection)
  const fetched = await app.db.auditEvent.findMany({
    where: {
      AND: [where, page.after ? earlierThan(page.after) : {}, page.before ? laterThan(page.before) : {}],
    },
    orderBy: page.backward ? [{ at: 'asc' }, { id: 'asc' }] : [{ at: 'desc' }, { id: 'desc' }],
    take: page.size + 1,
  })
  const totalCount = () => app.db.auditEvent.count({ where })
  return connectionOf(page, fetched, totalCount, (event: AuditEvent) => [event.at.toISOString(), event.id])
}

function toWhere({ action, actorId, subjectId, after, before }: AuditSelection): Prisma.AuditEventWhereInput {
  if (action != null && !Object.hasOwn(auditActions, action)) {
    throw badInput({
      'filter.action': [`There is no such action. There are: ${Object.keys(auditActions).join(', ')}.`],
    })
  }
  return {
    ...(action != null && { action }),
    ...(actorId != null && { actorId: requireId('filter.actorId', actorId) }),
    ...(subjectId != null && { subjectId: requireId('filter.subjectId', subjectId) }),
    at: {
      ...(after && { gt: requireTime('filter.after', after) }),
      ...(before && { lt: requireTime('filter.before', before) }),
    },
  }
}

function requireId(field: string, id: string): string {
  if (!isId(id)) throw badInput({ [field]: ['This is not an id.'] })
  return id
}

function earlierThan(keys: string[]): Prisma.AuditEventWhereInput {
  const { at, id } = placeOf(keys, 'after')
  return { OR: [{ at: { lt: at } }, { at, id: { lt: id } }] }
}

function laterThan(keys: string[]): Prisma.AuditEventWhereInput {
  const { at, id } = placeOf(keys, 'before')
  return { OR: [{ at: { gt: at } }, { at, id: { gt: id } }] }
}

function placeOf([time = '', id = '']: string[], field: string): { at: Date; id: string } {
  if (!isTime(time) || !isId(id)) throw foreignCursor(field)
  return { at: new Date(time), id }
}
