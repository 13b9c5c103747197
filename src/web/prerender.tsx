import './prerender-settings.ts'
import { parentPort } from 'node:worker_threads'
import { renderToString } from 'react-dom/server'
import { knowPeople } from './admin/people-query.ts'
import { Users } from './admin/users.tsx'
import { VIEWER } from './early/template.ts'
import { languages } from './language.tsx'
import { Root } from './root.tsx'

/** The pages that look the same to every visitor who is not signed in. src/page-addresses.ts has these and /users. */
const PATHS = ['/sign-in', '/register', '/forgot-password']

const inLanguages = (render: (tag: string) => string) =>
  Object.fromEntries(languages.map(({ tag }) => [tag, render(tag)]))

const EARLIER = new Date(0).toISOString()
/** Someone who may do everything: early/people.tsx removes what the viewer may not. */
const viewer = {
  id: '',
  email: '',
  emailVerified: true,
  username: null,
  displayName: VIEWER,
  locale: '',
  roles: [],
  permissions: Object.assign([], { includes: () => true }),
  createdAt: EARLIER,
  updatedAt: EARLIER,
  lastLoginAt: null,
  passwordChangedAt: null,
}
const between = { hasNextPage: true, hasPreviousPage: false, startCursor: null, endCursor: null }
/** Only so that there is a table. */
const someone = {
  id: '',
  email: '',
  emailVerified: true,
  username: null,
  displayName: null,
  roles: [],
  createdAt: EARLIER,
  lastLoginAt: null,
  disabledAt: null,
  invitedAt: null,
}

/** The list of people without its people. */
function renderPeople(language: string): string {
  knowPeople({ totalCount: 2, pageInfo: between, nodes: [someone] })
  return renderToString(
    <Root path="/users" language={language} user={viewer}>
      <Users />
    </Root>,
  )
}

/**
 * Runs as a worker of the server, with the settings as its data, and sends the HTML of each page by its path and
 * language. The browser then shows a form before its script has arrived, and the list of people as soon as it has them.
 */
const pages = PATHS.map(path => [
  path,
  inLanguages(tag => renderToString(<Root path={path} language={tag} />)),
])
parentPort?.postMessage({ ...Object.fromEntries(pages), '/users': inLanguages(renderPeople) })
