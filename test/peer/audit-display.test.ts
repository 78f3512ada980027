import { describe, expect, it } from 'vitest'
import { auditChart } from '../../peer/audit-chart.ts'
import { auditRecord } from '../../peer/audit-folder.ts'
import { attackLines, boundLines, verdictText } from '../../peer/audit-table.ts'
import { pldAccountant } from '../../src/privacy/accounting/pld.ts'
import { auditCaps } from '../../src/audit/audit-report.ts'
import { membershipReport } from '../../src/audit/membership.ts'
import { privacyProfile } from '../../src/audit/privacy-profile.ts'
import type { AuditClaim, AuditReport } from '../../src/audit/audit-report.ts'

/** Scores 0, 1, 2 … and those of members a little above them */
function attack (count: number, above: number): AuditReport['inference']['loss'] {
  const scores = Array.from({ length: count }, (_, i) => i)
  return membershipReport({ members: scores.map((score) => score + above * count), nonMembers: scores })
}

function report (claim: AuditClaim | null): AuditReport {
  return {
    format: 1,
    mechanism: claim === null ? 'none' : 'dp-sgd',
    backend: 'wasm',
    rounds: 3,
    steps: 12,
    examples: 1000,
    accuracy: 0.9,
    claim,
    caps: auditCaps(claim),
    canaries: { canaries: 400, included: 190, guesses: 160, correct: 97, lowerBound: 0.2071, highestBound: 3.9686, confidence: 0.95, attack: attack(190, 0.3) },
    inference: { members: 1500, loss: attack(1500, 0.1), likelihoodRatio: attack(1500, 0.2) },
    verdict: claim === null ? 'none' : 'ok'
  }
}

const CLAIM: AuditClaim = { epsilon: { pld: 3.2049, rdp: 3.61 }, delta: 1e-5, profile: [] }
/** One Gaussian mechanism of deviation 1 */
const GAUSSIAN: AuditClaim = { epsilon: { pld: 4.3772, rdp: 4.73 }, delta: 1e-5, profile: privacyProfile(pldAccountant().compose({ sampleRate: 1, noiseMultiplier: 1, steps: 1 })) }

describe('the lines of an audit', () => {
  it('set the bound found beside the bounds promised', () => {
    const text = boundLines(report(CLAIM)).map(([, line]) => line)
    expect(text[0]).toContain('epsilon at most 3.21 (pld) or 3.61 (rdp)')
    expect(text[1]).toContain('epsilon at least 0.207 (95 % confidence, delta 1e-5): 97 of 160 guesses right')
    expect(text[2]).toContain('All right would show at least 3.97')
    expect(boundLines(report(null))[0]![1]).toContain('nothing')
  })

  it('admit when all guesses right would not have contradicted the promise', () => {
    expect(verdictText(report(CLAIM))).toContain('stay below what privacy allows')
    expect(verdictText(report({ epsilon: { pld: 4, rdp: 5 }, delta: 1e-5, profile: [] }))).toContain('could not show one (3.97 at most)')
    expect(verdictText({ ...report(CLAIM), verdict: 'violation' })).toContain('bug')
    expect(verdictText(report(null))).toContain('nothing is promised')
  })

  it('are a table of attacks between guessing and the cap, which admits what too few examples cannot show', () => {
    const lines = attackLines(report(CLAIM))
    expect(new Set(lines.map((line) => line.length)).size).toBe(1)
    expect(lines.map((line) => line.trim().split(/\s{3,}/))).toEqual([
      ['attack', 'AUC', 'TPR at FPR 0.1 %', 'TPR at FPR 1 %'],
      ['guessing', '0.500', '0.1 %', '1 %'],
      ['loss threshold, final model', '0.595', '10.1 %', '11 %'],
      ['LiRA, final model', '0.680', '20.1 %', '21 %'],
      ['canaries, all updates', '0.755', 'too few', '30.5 %'],
      ['cap, whole privacy profile', '0.961', '2.47 %', '24.7 %']
    ])
    expect(attackLines(report(null)).at(-1)!.trim()).toBe('no cap: nothing is promised')
  })

  it('cap attacks by the delta of every epsilon, not by that of the promise alone', () => {
    const cells = attackLines(report(GAUSSIAN)).at(-1)!.trim().split(/\s{3,}/)
    // Phi(1 / sqrt 2), and 1 - Phi(z - 1) at the quantiles z of 0.999 and 0.99; alone the promise leaves 7.97 % and
    // 79.6 %
    expect(cells).toEqual(['cap, whole privacy profile', '0.760', '1.84 %', '9.24 %'])
  })
})

describe('the picture of an audit', () => {
  it('is the same for equal reports, is well-formed, and draws what there is', () => {
    const chart = auditChart(report(CLAIM))
    expect(auditChart(report(CLAIM))).toBe(chart)
    expect(chart.match(/<(text|path|title|desc|style|svg)\b/g)!.length).toBe(chart.match(/<\/(text|title|desc|style|svg)>|\/>/g)!.length)
    expect(chart).not.toMatch(/NaN|Infinity|undefined/)
    for (const kind of ['cap', 'coin', 'loss', 'lira', 'canaries', 'excluded']) {
      expect(chart).toContain(`<path class="${kind}" d="M`)
    }
  })

  it('draws the cap where privacy has it', () => {
    // log10 of e^3.2049 x 0.1 % + delta is -1.608, of three decades
    const [, x, y] = /<path class="cap" d="M([\d.]+) ([\d.]+)L/.exec(auditChart(report(CLAIM)))!
    expect(Number(x)).toBe(72)
    expect((44 + 420 - Number(y)) / 420).toBeCloseTo(1 - 1.608 / 3, 3)
  })

  it('draws the cap of the whole profile', () => {
    // TPR 1.83 % at FPR 0.1 %
    const [, , y] = /<path class="cap" d="M([\d.]+) ([\d.]+)L/.exec(auditChart(report(GAUSSIAN)))!
    expect((44 + 420 - Number(y)) / 420).toBeCloseTo(1 + Math.log10(0.01839) / 3, 3)
  })

  it('has no cap where nothing is promised', () => {
    const chart = auditChart(report(null))
    expect(chart).not.toContain('<path class="cap"')
    expect(chart).toContain('Nothing is promised')
  })
})

describe('the record of an audit', () => {
  it('holds no number that JSON has no word for, and the curves only where they turn', () => {
    const record = auditRecord(report(CLAIM), { withPoints: true })
    expect(JSON.parse(JSON.stringify(record))).toEqual(record)
    expect(record).toMatchObject({ inference: { loss: { points: [[0, 0], [0, 0.1], [0.9, 1], [1, 1]] } } })
    expect(JSON.stringify(auditRecord(report(null), { withPoints: false }))).not.toContain('points"')
    expect(auditRecord(report(GAUSSIAN), { withPoints: true })).toMatchObject({ claim: GAUSSIAN })
    expect(auditRecord(report(GAUSSIAN), { withPoints: false })).toMatchObject({ claim: { epsilon: GAUSSIAN.epsilon, delta: 1e-5 } })
    expect(JSON.stringify(auditRecord(report(GAUSSIAN), { withPoints: false }))).not.toContain('profile')
  })
})
