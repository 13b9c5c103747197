import { readActing } from '../acting.ts'
import type { People } from '../admin/people-query.ts'
import { PersonRow, type PersonRowProps } from '../admin/person-row.tsx'
import { firstLanguageOf } from '../language-choice.ts'
import { listWordsIn } from '../locales/list-words.ts'
import { settings } from '../page-settings.ts'
import { timesIn } from '../times-in.ts'
import { append } from './elements.ts'
import { VIEWER } from './template.ts'

declare global {
  /** Whether this script has shown the list; undefined on other pages. */
  var authographEarlyPeople: Promise<boolean> | undefined
}

/**
 * Shows the list of people as soon as start.js has it, on a slow phone a second before the script of the pages has started.
 * The page around it is what the server rendered for everyone; main.tsx replaces all of it by the same page.
 */
async function show(): Promise<boolean> {
  const early = globalThis.authographEarlyList
  // An administrator who acts as another user does so without the cookie's session.
  if (!early || readActing() || history.state !== null) return false
  const { user, response } = await early.answer
  const { data }: { data?: { users: People } | null } = await response.clone().json()
  const { documentElement } = document
  // The script of the pages is faster if the server is slow.
  if (!data?.users.nodes.length || documentElement.dataset.rendered !== 'other') return false
  const templates = [...document.querySelectorAll<HTMLTemplateElement>('template[data-early]')]
  const tag = firstLanguageOf(templates.map(({ dataset }) => dataset.early ?? ''))
  const template = templates.find(({ dataset }) => dataset.early === tag)
  const root = document.getElementById('root')
  if (!template || !root) return false
  const page = document.importNode(template.content, true)
  fill(page, tag, user, data.users)
  documentElement.lang = tag
  root.replaceChildren(page)
  documentElement.dataset.rendered = 'early'
  return true
}

type Viewer = { email: string; username: string | null; displayName: string | null; permissions: string[] }

function fill(page: DocumentFragment, tag: string, viewer: Viewer, people: People): void {
  const words = listWordsIn(tag)
  const times = timesIn(tag)
  const all = (selector: string) => page.querySelectorAll<HTMLElement>(selector)
  for (const part of all('[data-needs]')) {
    const needs = part.dataset.needs?.split(' ') ?? []
    if (!needs.some(permission => viewer.permissions.includes(permission))) part.remove()
  }
  const name = viewer.displayName ?? viewer.username ?? viewer.email
  for (const menu of all('.avatar')) {
    menu.dataset.initial = [...name][0] ?? ''
    const button = menu.parentElement
    button?.setAttribute('aria-label', button.getAttribute('aria-label')?.replace(VIEWER, () => name) ?? '')
  }
  const { nodes, totalCount, pageInfo } = people
  const say = (selector: string, text: string) => {
    for (const element of all(selector)) element.textContent = text
  }
  say('.page-lead', words.accounts(totalCount))
  say('.pager > :first-child', words.range(1, nodes.length, totalCount))
  say('.zone', words.times(times.zone))
  if (!pageInfo.hasNextPage) for (const buttons of all('.pager-buttons')) buttons.remove()
  const hasTick = page.querySelector('th.tick') !== null
  for (const body of all('tbody')) {
    body.replaceChildren()
    for (const user of nodes) append(body, <PersonRow {...{ user, words, times, Anchor, hasTick }} />)
  }
  // What is typed or chosen before the script has arrived would be lost.
  for (const control of all('input:not(.tick-box), select, button:not(th button)')) control.inert = true
  for (const box of all('.tick-box')) box.onclick = () => false
}

const Anchor: PersonRowProps['Anchor'] = ({ href, ...props }) => (
  <a href={settings.basePath + href} {...props} />
)

// If there is no session, or no network, the script of the pages says so.
globalThis.authographEarlyPeople = show().catch(() => false)
