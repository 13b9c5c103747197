import { queueMail } from '../../src/mail/outbox.ts'
import type { Service } from './service.ts'
import { tokenOf } from './smtp.ts'

/** The token of the newest link to `page` in the mails to an address. */
export async function mailedToken(service: Service, address: string, page: string): Promise<string> {
  const mails = await service.mailsTo(address)
  const mail = mails.findLast(({ text }) => text?.includes(`/${page}#token=`))
  if (!mail) throw new Error(`no link to ${page} in: ${mails.map(({ subject }) => subject).join(', ')}`)
  return tokenOf(mail)
}

/** The templates of the mails that were written to an address, the oldest first. */
export async function templatesTo({ app }: Service, recipient: string): Promise<string[]> {
  const mails = await app.db.mail.findMany({ where: { recipient }, orderBy: { id: 'asc' } })
  return mails.map(({ template }) => template)
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
