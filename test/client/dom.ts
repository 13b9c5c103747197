/** As much of a browser's document as React needs to render text. The server's pages are tested in a real browser. */
class FakeNode extends EventTarget {
  readonly children: FakeNode[] = []
  readonly style = {}
  parentNode: FakeNode | null = null
  nodeValue: string | null = null
  readonly nodeType: number
  readonly nodeName: string
  readonly ownerDocument: unknown
  readonly namespaceURI = 'http://www.w3.org/1999/xhtml'

  constructor(ownerDocument: unknown, nodeType: number, nodeName: string) {
    super()
    this.ownerDocument = ownerDocument
    this.nodeType = nodeType
    this.nodeName = nodeName
  }

  get tagName(): string {
    return this.nodeName
  }

  get firstChild(): FakeNode | null {
    return this.children[0] ?? null
  }

  get lastChild(): FakeNode | null {
    return this.children.at(-1) ?? null
  }

  get textContent(): string {
    return this.nodeValue ?? this.children.map(child => child.textContent).join('')
  }

  set textContent(text: string) {
    this.children.splice(0)
    if (text !== '') this.appendChild(textNode(this.ownerDocument, text))
  }

  appendChild(child: FakeNode): void {
    this.insertBefore(child, null)
  }

  insertBefore(child: FakeNode, before: FakeNode | null): void {
    child.parentNode?.removeChild(child)
    this.children.splice(before ? this.children.indexOf(before) : this.children.length, 0, child)
    child.parentNode = this
  }

  removeChild(child: FakeNode): void {
    this.children.splice(this.children.indexOf(child), 1)
    child.parentNode = null
  }

  setAttribute(): void {}
  removeAttribute(): void {}
}

function textNode(ownerDocument: unknown, text: string): FakeNode {
  const node = new FakeNode(ownerDocument, 3, '#text')
  node.nodeValue = text
  return node
}

/** Installs a window and a document and returns an element to render into. Call it before the first render. */
export function fakeDom(): FakeNode & Element {
  const document = Object.assign(new EventTarget(), {
    nodeType: 9,
    activeElement: null,
    createElement: (name: string) => new FakeNode(document, 1, name.toUpperCase()),
    createTextNode: (text: string) => textNode(document, text),
  })
  const window = Object.assign(new EventTarget(), { document, HTMLIFrameElement: class {} })
  Object.assign(document, { defaultView: window })
  Object.assign(globalThis, { window, IS_REACT_ACT_ENVIRONMENT: true })
  return new FakeNode(document, 1, 'DIV') as unknown as FakeNode & Element
}
