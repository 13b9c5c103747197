// Runs in Apollo Sandbox's page. Sandbox loads its script from a CDN: if that fails, GraphiQL opens, which this server
// brings along. A link leads there, too.
addEventListener(
  'error',
  ({ target }) => {
    if (target instanceof HTMLScriptElement && new URL(target.src).host !== location.host) {
      location.replace('explorer')
    }
  },
  true,
)
addEventListener('DOMContentLoaded', () => {
  const link = document.createElement('a')
  link.href = 'explorer'
  link.textContent = 'Open GraphiQL'
  // By script: the policy of the page refuses style attributes.
  Object.assign(link.style, {
    position: 'fixed',
    right: '12px',
    bottom: '12px',
    padding: '4px 8px',
    font: '14px sans-serif',
    color: '#fff',
    background: '#1b2240',
    zIndex: '1',
  })
  document.body.append(link)
})
