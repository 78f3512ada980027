/**
 * Markup as text. Attribute values and text are escaped here and nowhere else
 */

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;' }
const VOID = new Set(['meta', 'link', 'br', 'hr'])

/** Text that may stand between tags or inside a quoted attribute */
export function text (value: string | number): string {
  return String(value).replace(/[&<>"']/g, (character) => ESCAPES[character]!)
}

/** Attributes that are undefined are left out. Children are markup already: use `text` for anything else */
export function element (name: string, attributes: Readonly<Record<string, string | number | undefined>>, ...children: readonly string[]): string {
  const pairs = Object.entries(attributes).flatMap(([key, value]) => value === undefined ? [] : [` ${key}="${typeof value === 'number' ? coordinate(value) : text(value)}"`])
  return VOID.has(name) ? `<${name}${pairs.join('')}>` : `<${name}${pairs.join('')}>${children.join('')}</${name}>`
}

/** Two decimals are a hundredth of a pixel */
function coordinate (value: number): string {
  return String(Math.round(value * 100) / 100)
}

/** An inline SVG that is read aloud by its title and description */
export function figure (options: { id: string, title: string, description: string, width: number, height: number }, ...children: readonly string[]): string {
  const { id, title, description, width, height } = options
  return element('svg', { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-labelledby': `${id}-title ${id}-description` },
    element('title', { id: `${id}-title` }, text(title)),
    element('desc', { id: `${id}-description` }, text(description)),
    ...children)
}

/**
 * A table with a header row; the first cell of a row names it. Cells are markup; columns named in `words` hold no
 * numbers
 */
export function table (options: { caption: string, head: readonly string[], words?: readonly string[], rows: ReadonlyArray<readonly string[]> }): string {
  const kinds = options.head.map((name) => options.words?.includes(name) === true ? 'words' : undefined)
  return element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': options.caption },
    element('table', {},
      element('caption', {}, text(options.caption)),
      element('thead', {}, element('tr', {}, ...options.head.map((cell, index) => element('th', { scope: 'col', class: kinds[index] }, text(cell))))),
      element('tbody', {}, ...options.rows.map(([name, ...cells]) => element('tr', {},
        element('th', { scope: 'row' }, name ?? ''),
        ...cells.map((cell, index) => element('td', { class: kinds[index + 1] }, cell)))))))
}
