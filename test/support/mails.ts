import { queueMail } from '../../src/mail/outbox.ts'
import type { Service } from './service.ts'
import { tokenOf } from './smtp.ts'

/** The token of the newest link to `page` in the emails to an address. */
export async function mailedToken(service: Service, address: string, page: string): Promise<string> {
  const emails = await service.mailsTo(address)
  const email = emails.findLast(({ text }) => text?.includes(`/${page}#token=`))
  if (!email) throw new Error(`no link to ${page} in: ${emails.map(({ subject }) => subject).join(', ')}`)
  return tokenOf(email)
}

/** The templates of the emails to an address, oldest first. */
export async function templatesTo({ app }: Service, recipient: string): Promise<string[]> {
  const emails = await app.db.mail.findMany({ where: { recipient }, orderBy: { id: 'asc' } })
  return emails.map(({ template }) => template)
}

/** An invitation with the token `secret` that was given up, and its id. */
export async function failedMail({ app }: Service, to: string, expiresAt?: Date): Promise<string> {
  const data = { link: `${app.config.publicUrl}/accept-invitation#token=secret` }
  const mail = { template: 'invitation', to, locale: 'en', data, ...(expiresAt && { expiresAt }) } as const
  return app.db.$transaction(async tx => {
    await queueMail(app, tx, mail)
    // Before anybody can take it up.
    const [failed] = await tx.mail.updateManyAndReturn({
      where: { recipient: to, status: 'queued' },
      data: { status: 'failed', attempts: 9, lastError: 'EENVELOPE 550' },
    })
    return failed?.id ?? ''
  })
}
