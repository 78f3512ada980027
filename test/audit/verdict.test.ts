import { describe, expect, it } from 'vitest'
import { auditVerdict } from '../../src/audit/verdict.ts'

describe('verdict', () => {
  it('is ok up to the epsilon of the ledger, and always without a claim', () => {
    expect(auditVerdict({ lowerBound: 0, ledgerEpsilon: 0 })).toEqual({ status: 'ok' })
    expect(auditVerdict({ lowerBound: 2, ledgerEpsilon: 2 })).toEqual({ status: 'ok' })
    expect(auditVerdict({ lowerBound: 100, ledgerEpsilon: Infinity })).toEqual({ status: 'ok' })
  })

  it('is an error that calls a violation a bug, with the numbers', () => {
    const verdict = auditVerdict({ lowerBound: 3.66012, ledgerEpsilon: 1.340504, delta: 1e-5, confidence: 0.999 })
    expect(verdict.status).toBe('violation')
    const { error } = verdict as Extract<typeof verdict, { status: 'violation' }>
    expect(error).toMatchObject({ name: 'PrivacyViolationError', lowerBound: 3.66012, ledgerEpsilon: 1.340504 })
    expect(error.message).toMatch(/^this is a bug: .* at least 3\.66 \(delta 0\.00001, 99\.9 % confidence\), .* at most 1\.341\. .*report it$/)
  })

  it('is not given on what is no number', () => {
    expect(() => auditVerdict({ lowerBound: NaN, ledgerEpsilon: 1 })).toThrow(RangeError)
    expect(() => auditVerdict({ lowerBound: 1, ledgerEpsilon: NaN })).toThrow(RangeError)
  })
})
