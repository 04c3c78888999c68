// Building blocks for pages without a framework: elements, text and icons made
// from code, so that nothing is ever parsed from a string as markup.

export type Child = Node | string | number | null | undefined | false;

type Handlers = { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };

export interface Attributes {
  class?: string;
  on?: Handlers;
  [attribute: string]: string | number | boolean | Handlers | undefined;
}

/** Makes an element. `true` sets an empty attribute; `false` and `undefined` leave it out. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on') {
      for (const [event, handler] of Object.entries(value as Handlers)) {
        node.addEventListener(event, handler as EventListener);
      }
    } else if (typeof value !== 'object') {
      attribute(node, name, value);
    }
  }
  node.append(...kept(children));
  return node;
}

/** Sets, changes or removes one attribute; does nothing when it is already so. */
export function attribute(node: Element, name: string, value: string | number | boolean | undefined): void {
  if (value === false || value === undefined) {
    node.removeAttribute(name);
    return;
  }
  const text = value === true ? '' : String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

/** Replaces what is inside a node. */
export function fill(node: Element, ...children: Child[]): void {
  node.replaceChildren(...kept(children));
}

/** Changes a node's text only when it differs, so that readers are not told again. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

function kept(children: Child[]): (Node | string)[] {
  const nodes: (Node | string)[] = [];
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    nodes.push(typeof child === 'number' ? String(child) : child);
  }
  return nodes;
}

/** Something made once and drawn again and again. It keeps the nodes that change, so that drawing never searches. */
export interface Drawn<T> {
  readonly element: HTMLElement;
  draw(item: T): void;
}

/** Puts rows into a list by key: known ones stay the same element, in the given order. */
export class Keyed<T, R extends Drawn<T> = Drawn<T>> {
  private readonly rows = new Map<string, R>();

  constructor(
    private readonly parent: Element,
    private readonly make: (item: T) => R,
  ) {}

  show(items: [string, T][]): void {
    const wanted = new Set(items.map(([key]) => key));
    for (const [key, row] of this.rows) {
      if (wanted.has(key)) continue;
      row.element.remove(); // first, so that those behind it need not be moved, which would take their focus
      this.rows.delete(key);
    }
    let before: Element | null = this.parent.firstElementChild;
    for (const [key, item] of items) {
      let row = this.rows.get(key);
      if (!row) {
        row = this.make(item);
        this.rows.set(key, row);
      }
      row.draw(item);
      if (row.element === before) before = before.nextElementSibling;
      else this.parent.insertBefore(row.element, before);
    }
  }

  get(key: string): R | undefined {
    return this.rows.get(key);
  }
}

/** A polite announcement for screen readers; one region serves the whole page. */
export function announcer(): { element: HTMLElement; say(text: string): void } {
  const element = el('div', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
  let clear = 0;
  return {
    element,
    say(text) {
      element.append(el('p', {}, text));
      while (element.childElementCount > 4) element.firstElementChild?.remove();
      window.clearTimeout(clear);
      clear = window.setTimeout(() => element.replaceChildren(), 8000);
    },
  };
}
