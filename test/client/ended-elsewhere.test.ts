import { expect, test } from '@jest/globals'
import { PASSWORD } from '../support/actors.ts'
import { mailedToken } from '../support/mails.ts'
import { useService } from '../support/service.ts'
import { cut, fakeLocks, type Jar, settled, signedIn, tab } from './support.ts'

const service = useService()
const newPassword = 'eighteen copper kettles'

/** A browser in which one tab shows the account, and another one opens a link from an email. */
async function browser() {
  const jar: Jar = {}
  const locks = fakeLocks()
  const account = await signedIn(service, { locks }, jar)
  const link = tab(service, { locks }, jar)
  return { account, link, email: account.email, jar, locks }
}

test('resetPassword signs out every tab of the browser', async () => {
  const { account, link, email } = await browser()
  await link.client.restore()
  await link.client.requestPasswordReset(email)
  const token = await mailedToken(service, email, 'reset-password')
  await link.client.resetPassword({ token, newPassword })
  expect(link.client.state.status).toBe('signedOut')
  await until(() => account.client.state.status === 'signedOut')
  expect(account.client.state.status).toBe('signedOut')
})

test('resetPassword on a page that has not restored its session signs out the other tabs', async () => {
  const { account, link, email } = await browser()
  await link.client.requestPasswordReset(email)
  const token = await mailedToken(service, email, 'reset-password')
  await link.client.resetPassword({ token, newPassword })
  await until(() => account.client.state.status === 'signedOut')
  expect(account.client.state.status).toBe('signedOut')
  expect(await link.client.restore()).toBeNull()
})

test('undoEmailChange restores the address and signs out every tab of the browser', async () => {
  const { account, link, email } = await browser()
  await link.client.restore()
  const newEmail = `new-${email}`
  // Only a verified address receives the link that undoes the change.
  const emailVerifiedAt = service.clock.now()
  await service.app.db.user.updateMany({ where: { email }, data: { emailVerifiedAt } })
  await account.client.requestEmailChange(newEmail)
  await link.client.confirmEmailChange(await mailedToken(service, newEmail, 'confirm-email'))
  await until(() => account.client.state.user?.email === newEmail)
  const user = await link.client.undoEmailChange(await mailedToken(service, email, 'undo-email'))
  expect(user).toMatchObject({ displayName: 'Ada' })
  expect(link.client.state.status).toBe('signedOut')
  await until(() => account.client.state.status === 'signedOut')
  expect(account.client.state.status).toBe('signedOut')
})

test('resetPassword of another account keeps the session', async () => {
  const { account, link } = await browser()
  await link.client.restore()
  const other = await signedIn(service)
  await link.client.requestPasswordReset(other.email)
  const token = await mailedToken(service, other.email, 'reset-password')
  await link.client.resetPassword({ token, newPassword })
  await settled()
  expect(link.client.state.user?.email).toBe(account.email)
  expect(account.client.state.user?.email).toBe(account.email)
})

test('resetPassword succeeds although the session cannot be checked afterwards', async () => {
  const { link, email } = await browser()
  await link.client.restore()
  await link.client.requestPasswordReset(email)
  const token = await mailedToken(service, email, 'reset-password')
  link.network.on('Me', cut)
  await link.client.resetPassword({ token, newPassword })
  expect(link.client.state.status).toBe('signedIn')
  expect(await link.client.login({ identifier: email, password: newPassword })).toMatchObject({
    status: 'signedIn',
  })
  await expect(link.client.reauthenticate(PASSWORD)).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
})

async function until(condition: () => boolean): Promise<void> {
  for (let look = 0; !condition() && look < 100; look++) await settled()
}
