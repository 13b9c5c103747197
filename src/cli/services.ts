// The lists of the API have decorators.
import 'reflect-metadata'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServiceAccount } from '../admin/services/create-service-account.ts'
import { deleteServiceAccount } from '../admin/services/delete-service-account.ts'
import { toService, withRoles } from '../admin/services/lock-service.ts'
import { rotateServiceAccountSecret } from '../admin/services/rotate-secret.ts'
import { type ServiceAccountType, toServiceAccount } from '../admin/services/services.types.ts'
import { exportServices, importService } from '../admin/services/transfer-services.ts'
import { updateServiceAccount } from '../admin/services/update-service-account.ts'
import type { App } from '../app.ts'
import { AuthError } from '../errors.ts'
import { explain } from '../explain.ts'
import { print } from './print.ts'
import { readRecords } from './read-records.ts'
import { withApp } from './with-app.ts'

type Json = { json?: boolean }
type Fields = { name?: string; role?: string[]; audience?: string[] }

/** Some accounts of the file were skipped because of problems. */
const EXIT_SKIPPED = 2

export async function list({ json }: Json): Promise<void> {
  await withApp(async app => {
    const rows = await app.db.serviceAccount.findMany({ include: withRoles, orderBy: { name: 'asc' } })
    const shown = rows.map(row => toServiceAccount(toService(app, row), app.clock.now()))
    print(shown.map(toText).join('\n') || 'There are no service accounts.', shown, json)
  })
}

function toText({ id, name, roles, keyIds, hasSecret }: ServiceAccountType): string {
  const proof = hasSecret ? 'secret' : `keys: ${keyIds.join(', ') || 'none'}`
  return `${id}  ${name}  ${roles.join(', ') || 'no roles'}  ${proof}`
}

export async function create({ key, json, ...fields }: Fields & { key?: string[] } & Json): Promise<void> {
  const publicKeys = await readAll(key)
  await withApp(async app => {
    const made = await createServiceAccount(app, { ...inputOf(fields), publicKeys }, undefined)
    const created = { serviceAccount: toServiceAccount(made.service, app.clock.now()), secret: made.secret }
    const secret = made.secret === null ? '' : ` Its secret:\n${made.secret}`
    print(`Created ${made.service.id}.${secret}`, created, json)
  })
}

export async function update(
  id: string,
  { addKey, removeKey, json, ...fields }: Fields & { addKey?: string[]; removeKey?: string[] } & Json,
): Promise<void> {
  const addPublicKeys = await readAll(addKey)
  await withApp(async app => {
    const input = { ...inputOf(fields), addPublicKeys, removeKeyIds: removeKey }
    const service = await updateServiceAccount(app, id, input, undefined)
    const shown = toServiceAccount(service, app.clock.now())
    print(toText(shown), shown, json)
  })
}

function inputOf({ name, role, audience }: Fields) {
  return { name, roles: role, audiences: audience }
}

/** The texts of the key files; undefined without any. */
async function readAll(files: string[] | undefined): Promise<string[] | undefined> {
  return files && Promise.all(files.map(file => readFile(file, 'utf8')))
}

export async function rotate(id: string, { keepPrevious, json }: { keepPrevious?: string } & Json) {
  const seconds = Number(keepPrevious ?? 0)
  await withApp(async app => {
    const { service, secret } = await rotateServiceAccountSecret(app, id, seconds, undefined)
    const shown = { serviceAccount: toServiceAccount(service, app.clock.now()), secret }
    const { previousSecretUntil: until } = shown.serviceAccount
    const former = until ? `The former one works until ${until.toISOString()}.` : 'The former one has ended.'
    print(`${former} The new secret:\n${secret}`, shown, json)
  })
}

export async function remove(id: string, { json }: Json): Promise<void> {
  await withApp(async app => {
    await deleteServiceAccount(app, id, undefined)
    print(`Deleted ${id}.`, { id, deleted: true }, json)
  })
}

export async function exportAll({ withSecretHashes = false }: { withSecretHashes?: boolean }): Promise<void> {
  await withApp(async app => {
    for (const service of await exportServices(app, { withSecretHashes }))
      process.stdout.write(`${JSON.stringify(service)}\n`)
  })
}

type Skipped = { line: number; problem: string }

export async function importAll(file: string, { json }: Json): Promise<void> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  const report = { imported: 0, alreadyThere: 0, skipped: [] as Skipped[] }
  await withApp(async app => {
    for await (const records of readRecords(input, 'jsonl')) {
      for (const record of records) {
        const outcome = 'fields' in record ? await importOne(app, record.fields) : record.problem
        if (typeof outcome === 'string') report.skipped.push({ line: record.line, problem: outcome })
        else if (outcome) report.imported += 1
        else report.alreadyThere += 1
      }
    }
  })
  const { imported, alreadyThere, skipped } = report
  const counts = `Imported: ${imported}. Already existed: ${alreadyThere}. Skipped: ${skipped.length}.`
  const problems = skipped.map(({ line, problem }) => `  line ${line}: ${problem}`)
  print([counts, ...problems].join('\n'), report, json)
  if (skipped.length > 0) process.exitCode = EXIT_SKIPPED
}

/** Whether the account was created, or the problem with it. */
async function importOne(app: App, fields: object): Promise<boolean | string> {
  try {
    return await importService(app, fields)
  } catch (error) {
    if (error instanceof AuthError) return explain(error)
    throw error
  }
}
