import './styles.ts'
import { createRoot, hydrateRoot } from 'react-dom/client'
import { warn } from '../client/warn.ts'
import { firstLanguage } from './language.tsx'
import { Root } from './root.tsx'

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')

const { dataset, lang } = document.documentElement
// What the server rendered comes to life if it is what this visitor would see. Otherwise it is replaced.
const isRendered = root.childElementCount > 0 && dataset.rendered !== 'other'
if (isRendered && lang === firstLanguage() && history.state === null) {
  hydrateRoot(root, <Root />, {
    // React then renders the page anew, which loses only what was typed before.
    onRecoverableError: error => warn(String(error)),
  })
} else {
  // Its forms are about to go.
  globalThis.authographAsleep = undefined
  createRoot(root).render(<Root />)
}
delete dataset.rendered
