import { describe, expect, it } from 'vitest'
import { renderPage } from '../../testnet/page/page.ts'
import { exampleReport, privateReport } from './example-report.ts'

/** Tags that close in the order in which they opened */
function unbalancedTags (page: string): string[] {
  const open: string[] = []
  const problems: string[] = []
  const markup = page.replace(/<style>[\s\S]*?<\/style>/, '').replace('<!doctype html>', '')
  for (const [, closing, name] of markup.matchAll(/<(\/?)([a-zA-Z0-9]+)(?:"[^"]*"|[^">])*>/g)) {
    if (name === 'meta') {
      continue
    }
    if (closing === '') {
      open.push(name!)
    } else if (open.pop() !== name) {
      problems.push(name!)
    }
  }
  return [...problems, ...open]
}

describe('the report page', () => {
  it('is well-formed and asks for nothing from elsewhere', () => {
    const page = renderPage(exampleReport())
    expect(unbalancedTags(page)).toEqual([])
    expect(page).not.toMatch(/<script|<img|<link|<iframe|\ssrc=|\shref=|url\(|@import/)
    expect(page.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:/)
    expect(page).toContain('default-src &#39;none&#39;')
  })

  it('is a pure function of the report', () => {
    expect(renderPage(exampleReport())).toBe(renderPage(exampleReport()))
  })

  it('shows markup in names and documents as text', () => {
    const report = exampleReport()
    report.peers[0]!.name = '<b onmouseover="x">&</b>'
    const page = renderPage(report)
    expect(page).not.toContain('<b ')
    expect(page).not.toContain('<script')
    expect(page).toContain('&lt;/pre&gt;&lt;script&gt;')
  })

  it('gives every chart a title and a description that its label points to', () => {
    const page = renderPage(exampleReport())
    const charts = [...page.matchAll(/<svg[^>]*role="img"[^>]*aria-labelledby="([^"]+)"/g)]
    expect(charts.map(([, ids]) => ids!.split(' ')[0])).toEqual(['accuracy-title', 'consensus-title', 'bytes-title', 'topology-title', 'phases-title'])
    for (const [, ids] of charts) {
      for (const id of ids!.split(' ')) {
        expect(page).toContain(`id="${id}"`)
      }
    }
  })

  it('draws one line for each peer, one for the mean and one for training alone', () => {
    const page = renderPage(exampleReport({ peers: 6 }))
    const accuracy = /<section id="accuracy-figure">.*?<\/section>/s.exec(page)![0]
    expect(accuracy.match(/class="series peer"/g)).toHaveLength(5)
    expect(accuracy.match(/class="series attacker"/g)).toHaveLength(1)
    expect(accuracy.match(/class="series mean"/g)).toHaveLength(1)
    expect(accuracy.match(/class="reference"/g)).toHaveLength(1)
    expect(accuracy).toContain('peer 5 killed')
  })

  it('draws epsilon of each peer over the rounds, and the limit, always with delta, accountant and scope', () => {
    const page = renderPage(privateReport())
    const chart = /<section id="epsilon-figure">.*?<\/section>/s.exec(page)![0]
    expect(chart.match(/class="series peer"/g)).toHaveLength(8)
    expect(chart.match(/class="series mean"/g)).toHaveLength(1)
    expect(chart).toContain('limit 8')
    expect(chart).toContain('delta 1e-5, pld, per example')
    expect(page).toContain('worst peer, of 8 (delta 1e-5, pld, per example)')
    expect(page).toMatch(/<td>7\.20<\/td><td class="words">spent, observes from round 12<\/td>/)
    expect(page.match(/>lasted<\/td>/g)).toHaveLength(7)
    expect(page.match(/class="node observer"/g)).toHaveLength(1)
    expect(page).toContain('Hollow: its budget was spent')
  })

  it('speaks of no epsilon where there is no privacy, and says what that means', () => {
    const page = renderPage(exampleReport())
    expect(page).not.toMatch(/epsilon-figure|<th[^>]*>(epsilon|budget)<|node observer"|Hollow/)
    expect(page).toContain('what peers send tells neighbours about their examples')
  })

  it('stands words on the left and numbers on the right', () => {
    const page = renderPage(privateReport())
    const heads = [...page.matchAll(/<th scope="col"( class="words")?>([a-z]+)</g)].slice(0, 12)
    expect(heads.filter(([, words]) => words !== undefined).map(([, , name]) => name)).toEqual(['role', 'backend', 'budget', 'neighbours', 'id'])
  })

  it('holds no NaN, infinity or undefined, whatever is missing', () => {
    for (const report of [
      exampleReport({ peers: 1, rounds: 1, faults: false }),
      exampleReport({ peers: 2, rounds: 1, faults: false }),
      exampleReport({ peers: 40, rounds: 120 }),
      withoutNumbers(),
      privateReport(),
      endlessReport()
    ]) {
      const page = renderPage(report)
      expect(unbalancedTags(page)).toEqual([])
      expect(page).not.toMatch(/NaN|Infinity|undefined|\[object/)
    }
  })
})

/** Spent without a bound */
function endlessReport (): ReturnType<typeof exampleReport> {
  const report = privateReport()
  report.peers.forEach((peer) => peer.rounds.forEach((round) => { round.epsilon = { rdp: null, pld: null } }))
  Object.assign(report.summary.privacy!, { meanEpsilon: null, worstEpsilon: null })
  return report
}

function withoutNumbers (): ReturnType<typeof exampleReport> {
  const report = exampleReport({ peers: 3 })
  for (const peer of report.peers) {
    Object.assign(peer, { id: '', finalAccuracy: null, aloneAccuracy: null, neighbours: [], rounds: [] })
  }
  Object.assign(report.summary, { meanAccuracy: null, worstAccuracy: null, aloneMeanAccuracy: null, consensusDistance: null, secondsPerRound: 0, nonTrainingShare: 0 })
  return report
}
