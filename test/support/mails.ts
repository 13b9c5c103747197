import type { Service } from './service.ts'
import { tokenOf } from './smtp.ts'

/** The token of the newest link to `page` in the mails to an address. */
export async function mailedToken(service: Service, address: string, page: string): Promise<string> {
  const mails = await service.mailsTo(address)
  const mail = mails.findLast(({ text }) => text?.includes(`/${page}?token=`))
  if (!mail) throw new Error(`no link to ${page} in: ${mails.map(({ subject }) => subject).join(', ')}`)
  return tokenOf(mail)
}

/** The templates of the mails that were written to an address, the oldest first. */
export async function templatesTo({ app }: Service, recipient: string): Promise<string[]> {
  const mails = await app.db.mail.findMany({ where: { recipient }, orderBy: { id: 'asc' } })
  return mails.map(({ template }) => template)
}
