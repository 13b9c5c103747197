import { z } from 'zod'
import type { App } from '../app.ts'
import { newPasswordProblems, passwordField } from '../credentials/password/new-password.ts'
import { passwordStrength } from '../credentials/password/policy.ts'
import { checkInput } from '../input.ts'
import type { CheckPasswordInput, PasswordCheck } from './check-password.types.ts'

const WORDS_MAX = 20
/** Longer than any address or name. */
const WORD_MAX_LENGTH = 320

const schema = z.object({
  password: passwordField,
  words: z
    .array(z.string().max(WORD_MAX_LENGTH, `Use at most ${WORD_MAX_LENGTH} characters.`))
    .max(WORDS_MAX, `Use at most ${WORDS_MAX} words.`)
    .nullish(),
})

/**
 * Says what the server would say to a new password, so that a form can say it while the password is typed. Stores and
 * counts nothing: it takes less time than counting would. It reveals nothing of any account, because the caller brings
 * the words of the account.
 * @throws AuthError BAD_USER_INPUT
 */
export async function checkPassword(app: App, input: CheckPasswordInput): Promise<PasswordCheck> {
  const { password, words } = checkInput(schema, input)
  const own = words ?? []
  const problems = await newPasswordProblems(app, password, own)
  return { problems, strength: problems.length > 0 ? null : await passwordStrength(password, own) }
}
