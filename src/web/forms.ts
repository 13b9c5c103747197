import { type FormEvent, type RefObject, useEffect, useRef, useState } from 'react'
import { AuthError } from '../client/index.ts'
import { isDeclined } from './declined.ts'
import { useText } from './language.tsx'
import { settings } from './page-settings.ts'
import { type CodeWords, fieldProblems, problemText } from './problems.ts'
import { useTimes } from './times.ts'

/** The text of an input by its name; empty if there is no such input. */
export type Values = (name: string) => string

export type Form = {
  onSubmit: (event: FormEvent<HTMLFormElement>) => void
  /** The error of an input. */
  error: (name: string) => string | undefined
  /** The error that belongs to no input of the form. */
  problem: string | undefined
  /** The server's refusal, so that the page can offer a way to continue. */
  refusal: AuthError | undefined
  busy: boolean
}

export type FormOptions = {
  /** Finds errors before the server is asked. */
  check?: (values: Values) => Record<string, string | undefined>
  words?: CodeWords
  /** Inputs that the form shows. Errors of other inputs become part of `problem`. */
  inputs: string[]
  /** The input that an error code is about, if the server does not name one. */
  inputOf?: Partial<Record<string, string>>
}

type Outcome = { errors: Record<string, string>; failure?: unknown; atInputs?: boolean }

/**
 * A form that keeps what was typed, shows each error at its input and moves the focus to the first one. If the visitor
 * declines to go on (see declined.ts), it is as before.
 */
export function useForm(
  run: (values: Values, form: HTMLFormElement) => Promise<void>,
  options: FormOptions,
): Form {
  const text = useText()
  const times = useTimes()
  const [{ errors, failure, atInputs }, setOutcome] = useState<Outcome>({ errors: {} })
  const [busy, setBusy] = useState(false)
  const running = useRef(false)
  const focused = useRef<Element>(null)
  const watched = useRef<HTMLFormElement>(null)
  useEffect(() => {
    // The button is disabled while the form is busy, and browsers take the focus from a disabled element.
    if (!busy) returnFocus(focused.current)
  }, [busy])

  /** An error disappears as soon as its input changes. */
  function watch(form: HTMLFormElement) {
    if (watched.current === form) return
    watched.current = form
    form.addEventListener('input', ({ target }) => {
      const { name } = target as HTMLInputElement
      setOutcome(outcome => {
        if (!(name in outcome.errors)) return outcome
        const { [name]: _, ...left } = outcome.errors
        return { ...outcome, errors: left }
      })
    })
  }

  async function submit(form: HTMLFormElement) {
    watch(form)
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
        if (!isDeclined(error)) {
          failed = error
          wrong = errorsOf(error)
        }
      }
      setBusy(false)
    }
    const first = options.inputs.find(name => name in wrong)
    setOutcome({ errors: wrong, failure: failed, atInputs: first !== undefined })
    // React has not rendered the errors yet, but the inputs exist.
    const input = first && form.elements.namedItem(first)
    if (input instanceof HTMLElement) input.focus()
  }

  function errorsOf(error: unknown): Record<string, string> {
    const input = error instanceof AuthError ? options.inputOf?.[error.code] : undefined
    return input
      ? { [input]: problemText(text, times.span, error, options.words) }
      : fieldProblems(text, error)
  }

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
      failure === undefined || atInputs
        ? undefined
        : [problemText(text, times.span, failure, options.words), ...Object.values(errors)].join(' '),
    refusal: failure instanceof AuthError ? failure : undefined,
    busy,
  }
}

/** Returns the focus to an element unless something else has it. */
export function returnFocus(element: Element | null): void {
  if (document.activeElement === document.body && element instanceof HTMLElement) element.focus()
}

/** A place that takes the focus when a button disappears with what it did. It needs `tabIndex={-1}`. */
export function useFallbackFocus<Place extends HTMLElement>(busy: boolean): RefObject<Place | null> {
  const place = useRef<Place>(null)
  const wasBusy = useRef(false)
  useEffect(() => {
    if (wasBusy.current && !busy && document.activeElement === document.body) place.current?.focus()
    wasBusy.current = busy
  })
  return place
}

/** Checks that several forms share. */
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
      if (length < settings.passwordMinLength) return checks.tooShort(settings.passwordMinLength)
      return length > settings.passwordMaxLength ? checks.tooLong(settings.passwordMaxLength) : undefined
    },
  }
}
