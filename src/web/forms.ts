import { type FormEvent, useEffect, useRef, useState } from 'react'
import { AuthError } from '../client/index.ts'
import { useText } from './language.tsx'
import { facts } from './page-settings.ts'
import { type CodeWords, fieldProblems, problemText } from './problems.ts'
import { useTimes } from './times.ts'

/** Text of an input by its name; empty where there is none. */
export type Values = (name: string) => string

export type Form = {
  onSubmit: (event: FormEvent<HTMLFormElement>) => void
  /** What is wrong with an input. */
  error: (name: string) => string | undefined
  /** What is wrong beside the inputs. */
  problem: string | undefined
  /** What was refused, to offer a way on. */
  refusal: AuthError | undefined
  busy: boolean
}

export type FormOptions = {
  /** Finds what is wrong before the server is asked. */
  check?: (values: Values) => Record<string, string | undefined>
  words?: CodeWords
  /** Inputs that the form shows; problems with others are told beside them. */
  inputs: string[]
}

/** A form that keeps what was typed and the focus, says what is wrong where it is wrong, and goes there. */
export function useForm(
  run: (values: Values, form: HTMLFormElement) => Promise<void>,
  options: FormOptions,
): Form {
  const text = useText()
  const times = useTimes()
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [failure, setFailure] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  const running = useRef(false)
  const focused = useRef<Element>(null)
  useEffect(() => {
    // The button is disabled while it works, and a browser takes the focus from what is disabled.
    if (!busy) returnFocus(focused.current)
  }, [busy])

  async function submit(form: HTMLFormElement) {
    const data = new FormData(form)
    const values: Values = name => String(data.get(name) ?? '')
    const found = Object.entries(options.check?.(values) ?? {}).filter(([, message]) => message !== undefined)
    let wrong = Object.fromEntries(found) as Record<string, string>
    let failed: unknown
    if (found.length === 0) {
      focused.current = document.activeElement
      setBusy(true)
      try {
        await run(values, form)
      } catch (error) {
        failed = error
        wrong = fieldProblems(text, error)
      }
      setBusy(false)
    }
    setErrors(wrong)
    setFailure(failed)
    // React has not shown the problems yet; the inputs are there all the same.
    const first = options.inputs.find(name => name in wrong)
    const input = first && form.elements.namedItem(first)
    if (input instanceof HTMLElement) input.focus()
  }

  const atInputs = options.inputs.some(name => name in errors)
  return {
    onSubmit: event => {
      event.preventDefault()
      if (running.current) return
      running.current = true
      void submit(event.currentTarget).finally(() => {
        running.current = false
      })
    },
    error: name => errors[name],
    problem:
      failure === undefined || (atInputs && isAboutInputs(failure))
        ? undefined
        : [
            problemText(text, times.span, failure, options.words),
            ...Object.values(atInputs ? {} : errors),
          ].join(' '),
    refusal: failure instanceof AuthError ? failure : undefined,
    busy,
  }
}

function isAboutInputs(failure: unknown): boolean {
  return failure instanceof AuthError && Object.keys(failure.fields).length > 0
}

/** Moves the focus back to where it was, unless it has gone on to something else. */
export function returnFocus(element: Element | null): void {
  if (document.activeElement === document.body && element instanceof HTMLElement) element.focus()
}

/** The checks that forms share. */
export function useChecks() {
  const { checks } = useText()
  return {
    required: (value: string) => (value.trim() === '' ? checks.required : undefined),
    email: (value: string) => {
      if (value.trim() === '') return checks.required
      return /^\s*[^\s@]+@[^\s@]+\.[^\s@]+\s*$/.test(value) ? undefined : checks.email
    },
    newPassword: (value: string) => {
      const length = [...value.normalize('NFKC')].length
      if (length === 0) return checks.required
      if (length < facts.passwordMinLength) return checks.tooShort(facts.passwordMinLength)
      return length > facts.passwordMaxLength ? checks.tooLong(facts.passwordMaxLength) : undefined
    },
  }
}
