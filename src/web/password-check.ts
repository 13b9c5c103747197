import { useEffect, useState } from 'react'
import { useAuth } from '../client/react.ts'
import { CheckPasswordDocument, type CheckPasswordMutation } from './generated/graphql.ts'

export type PasswordCheck = CheckPasswordMutation['checkPassword']

/** Long enough that the server is not asked for every key. */
const TYPING_PAUSE_MS = 300

/**
 * What the server says to a password that is being typed; undefined until it has answered, and if it cannot. `words` are
 * those of the account. Asks nothing while `password` is undefined.
 */
export function usePasswordCheck(password: string | undefined, words: string[]): PasswordCheck | undefined {
  const { client } = useAuth()
  const [answer, setAnswer] = useState<{ about: string; check: PasswordCheck }>()
  // The same question as text: the array of words is another one with every rendering.
  const question = password === undefined ? undefined : JSON.stringify({ password, words })
  useEffect(() => {
    if (question === undefined) return
    let latest = true
    const timer = setTimeout(async () => {
      try {
        const { checkPassword } = await client.request(CheckPasswordDocument, { input: JSON.parse(question) })
        if (latest) setAnswer({ about: question, check: checkPassword })
      } catch {
        // The form still works: sending it says what is wrong.
      }
    }, TYPING_PAUSE_MS)
    return () => {
      latest = false
      clearTimeout(timer)
    }
  }, [client, question])
  return answer !== undefined && answer.about === question ? answer.check : undefined
}
