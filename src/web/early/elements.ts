// In place of react/jsx-runtime: makes elements of JSX immediately. It takes only plain elements and components without hooks.

type Child = Node | string | number | boolean | null | undefined | Child[]
type Props = { children?: Child; [name: string]: unknown }
type Component = (props: Props) => Child

/** React's names of attributes that differ from HTML's. */
const NAMES: Record<string, string> = { className: 'class', dateTime: 'datetime' }

export function jsx(type: string | Component, { children, ...props }: Props): Child {
  if (typeof type === 'function') return type({ ...props, children })
  const element = document.createElement(type)
  for (const [name, value] of Object.entries(props)) {
    // What listens to events comes with React.
    if (value === undefined || value === null || value === false || typeof value === 'function') continue
    element.setAttribute(NAMES[name] ?? name, value === true ? '' : String(value))
  }
  append(element, children)
  return element
}

export const jsxs = jsx

export function Fragment({ children }: Props): Child {
  return children
}

/** Appends what JSX has become. Text stays text. */
export function append(parent: Node, child: unknown): void {
  if (Array.isArray(child)) for (const each of child) append(parent, each)
  else if (child instanceof Node) parent.appendChild(child)
  else if (typeof child === 'string' || typeof child === 'number')
    parent.appendChild(document.createTextNode(String(child)))
}
