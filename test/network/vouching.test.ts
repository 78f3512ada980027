import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { neighbourGraph } from '../../src/topology/neighbour-graph.ts'
import { MAX_VOUCHES, VOUCHERS, countMembers, decodeMarks, encodeMarks, markOf } from '../../src/network/members/vouching.ts'

/** Who holds a connection with whom, as everybody's records say */
type Links = Map<string, Set<string>>

function link (links: Links, a: string, b: string): void {
  links.set(a, (links.get(a) ?? new Set()).add(b))
  links.set(b, (links.get(b) ?? new Set()).add(a))
}

function linked (...pairs: Array<[string, string]>): Links {
  const links: Links = new Map()
  pairs.forEach(([a, b]) => { link(links, a, b) })
  return links
}

function complete (names: readonly string[], links: Links = new Map()): Links {
  names.forEach((a, index) => { names.slice(index + 1).forEach((b) => { link(links, a, b) }) })
  return links
}

/** What `self` counts, itself included, ascending. Real links are what it holds itself; claims are what others say */
function counted (links: Links, self: string, claims: Links = new Map(), anchors: readonly string[] = []): string[] {
  const all = new Map(links)
  for (const [name, vouchees] of claims) {
    all.set(name, new Set([...all.get(name) ?? [], ...vouchees]))
  }
  const count = countMembers({ self, own: links.get(self) ?? new Set(), vouchees: (member) => all.get(member) ?? [], anchors: new Set(anchors) })
  return [...count.counted, self].sort()
}

const HONEST = ['a', 'b', 'c', 'd']

describe('who counts as a member', () => {
  test('two that are connected count for each other with the one voucher that can be had', () => {
    expect(counted(linked(['a', 'b']), 'a')).toEqual(['a', 'b'])
    expect(counted(linked(['a', 'b']), 'b')).toEqual(['a', 'b'])
  })

  test('all that dial one hub count, for the hub and for each other', () => {
    const spokes = Array.from({ length: 20 }, (_, index) => `spoke-${index}`)
    const star = linked(...spokes.map((spoke): [string, string] => ['hub', spoke]))
    for (const self of ['hub', ...spokes]) {
      expect(counted(star, self)).toEqual(['hub', ...spokes].sort())
    }
  })

  test('those that only dial out count, where two hubs are all that they can dial', () => {
    const spokes = Array.from({ length: 20 }, (_, index) => `spoke-${index}`)
    const mesh = linked(['hub', 'hub2'], ...spokes.flatMap((spoke): Array<[string, string]> => [['hub', spoke], ['hub2', spoke]]))
    for (const self of ['hub', 'hub2', ...spokes]) {
      expect(counted(mesh, self)).toEqual(['hub', 'hub2', ...spokes].sort())
    }
  })

  test('two spokes that are connected with each other as well still count the others, when the hub is their bootstrap peer', () => {
    const spokes = Array.from({ length: 6 }, (_, index) => `spoke-${index}`)
    const site = linked(...spokes.map((spoke): [string, string] => ['hub', spoke]), ['spoke-0', 'spoke-1'])
    for (const self of spokes) {
      expect(counted(site, self, new Map(), ['hub'])).toEqual(['hub', ...spokes].sort())
    }
    // nobody that the operator named says so
    expect(counted(site, 'spoke-0')).toEqual(['hub', 'spoke-0', 'spoke-1'])
  })

  test('strangers that are connected with the bootstrap peer alone bring in nobody elsewhere, themselves neither, and vouch for whom they like', () => {
    const ghosts = Array.from({ length: 200 }, (_, index) => `ghost-${index}`)
    for (const count of [3, 4, 50]) {
      const links = complete(HONEST)
      const strangers = Array.from({ length: count }, (_, index) => `stranger-${index}`)
      strangers.forEach((stranger) => { link(links, 'a', stranger) })
      const claims: Links = new Map([...strangers, ...ghosts].map((name) => [name, new Set([...ghosts.slice(0, 50), ...strangers])]))
      for (const self of ['b', 'c', 'd']) {
        expect(counted(links, self, claims, ['a'])).toEqual(HONEST)
      }
    }
  })

  test('who is connected with one of many only is told so', () => {
    const names = ['hub', 'a', 'b', 'c', 'd']
    const links = complete(names)
    link(links, 'hub', 'laptop')
    const isLeftOut = (self: string): boolean =>
      countMembers({ self, own: links.get(self)!, vouchees: (member) => links.get(member)!, anchors: new Set(['hub']) }).isLeftOut
    expect(isLeftOut('laptop')).toBe(true)
    expect(names.map(isLeftOut)).toEqual(names.map(() => false))
    expect(names.map((self) => counted(links, self).includes('laptop'))).toEqual(names.map(() => false))
    link(links, 'a', 'laptop')
    link(links, 'b', 'laptop')
    expect(isLeftOut('laptop')).toBe(false)
  })

  test('a newcomer counts for all once three members hold a connection with it, and for none before', () => {
    const names = Array.from({ length: 12 }, (_, index) => `member-${index}`)
    const links = complete(names)
    for (let vouchers = 1; vouchers <= VOUCHERS; vouchers++) {
      link(links, 'newcomer', names[vouchers]!)
      expect(names.map((self) => counted(links, self).includes('newcomer'))).toEqual(names.map(() => vouchers === VOUCHERS))
    }
  })

  test.each([1, 20, 1_300])('%i made-up members that one stranger with real connections vouches for, and that vouch for each other and for all, count for nobody', (ghosts) => {
    const names = Array.from({ length: ghosts }, (_, index) => `ghost-${index}`)
    const links = complete([...HONEST, 'stranger'])
    const some = (from: number): string[] => Array.from({ length: MAX_VOUCHES - 5 }, (_, index) => names[(from * 7 + index) % ghosts]!)
    const claims: Links = new Map(['stranger', ...names].map((name, index) => [name, new Set([...some(index), ...HONEST, 'stranger'])]))
    for (const self of HONEST) {
      expect(counted(links, self, claims)).toEqual([...HONEST, 'stranger'])
    }
  })

  test('two strangers together bring in nobody either, three do: that is the limit', () => {
    const colluding = (strangers: string[]): boolean => {
      const links = complete([...HONEST, ...strangers])
      const claims: Links = new Map([...strangers, 'ghost'].map((name) => [name, new Set(['ghost'])]))
      const views = HONEST.map((self) => counted(links, self, claims))
      expect(new Set(views.map((view) => view.join())).size).toBe(1)
      return views[0]!.includes('ghost')
    }
    expect(colluding(['x'])).toBe(false)
    expect(colluding(['x', 'y'])).toBe(false)
    expect(colluding(['x', 'y', 'z'])).toBe(true)
  })

  test('a stranger with one member of many counts for nobody, that one included, so that all draw one graph', () => {
    const links = complete(HONEST)
    link(links, 'a', 'stranger')
    expect(HONEST.map((self) => counted(links, self))).toEqual(HONEST.map(() => HONEST))
  })

  test('no lies of others make a member that enough vouch for count less', () => {
    const names = Array.from({ length: 8 }, (_, index) => `member-${index}`)
    const lies = fc.dictionary(fc.constantFrom(...Array.from({ length: 20 }, (_, index) => `ghost-${index}`), 'stranger'),
      fc.uniqueArray(fc.constantFrom(...names, 'stranger', ...Array.from({ length: 20 }, (_, index) => `ghost-${index}`))))
    fc.assert(fc.property(lies, (said) => {
      const links = complete(names)
      link(links, names[0]!, 'stranger')
      link(links, names[1]!, 'stranger')
      const claims: Links = new Map(Object.entries(said).map(([name, vouchees]) => [name, new Set(vouchees)]))
      expect(names.map((self) => counted(links, self, claims))).toEqual(names.map(() => names))
    }))
  })

  for (const [n, degree] of [[16, 4], [64, 4], [64, 8], [256, 8], [512, 8], [1_000, 8], [4_000, 12]] as const) {
    test(`all of ${n} members count for all where each holds the ${degree} connections of the graph and a few more`, () => {
      const names = Array.from({ length: n }, (_, index) => `member-${index}`).sort()
      const links: Links = new Map()
      // spare connections: those of another graph
      for (const seed of ['graph', 'spare']) {
        neighbourGraph(names, seed === 'graph' ? degree : 5, seed).forEach((neighbours, name) => { neighbours.forEach((other) => { link(links, name, other) }) })
      }
      for (const self of names.filter((_, index) => index % Math.ceil(n / 32) === 0)) {
        expect(counted(links, self).length).toBe(n)
      }
    })
  }
})

describe('the list of those for whom a member vouches', () => {
  test('is read as it was written, without doubles', () => {
    const marks = ['a', 'b', 'c'].map(markOf)
    expect(decodeMarks(encodeMarks(marks, 1_000))).toEqual(marks)
    expect(decodeMarks(encodeMarks([...marks, ...marks], 1_000))).toEqual(marks)
  })

  test('holds what there is room for', () => {
    const marks = Array.from({ length: 300 }, (_, index) => markOf(String(index)))
    expect(decodeMarks(encodeMarks(marks, 10_000))).toEqual(marks.slice(0, MAX_VOUCHES))
    expect(decodeMarks(encodeMarks(marks, 59))).toEqual(marks.slice(0, 5))
    expect(encodeMarks(marks, -3).byteLength).toBe(0)
  })

  test('of any other length is none', () => {
    expect(() => decodeMarks(new Uint8Array(11))).toThrow(RangeError)
    expect(() => decodeMarks(new Uint8Array(10 * (MAX_VOUCHES + 1)))).toThrow(RangeError)
  })
})
