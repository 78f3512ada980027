import { describe, expect, it } from 'vitest'
import { erf, erfc, erfcx, logErfc, logGamma, normalTail } from '../../../src/privacy/accounting/special-functions.ts'

/** x, erfc, ln erfc, exp(x^2) erfc(x): 40-digit arithmetic, rounded */
const ERROR_FUNCTIONS: Array<[number, number, number, number]> = [
  [-6, 2, 0.6931471805599453, 8622463094230390],
  [-3, 1.9999779095030015, 0.6931361352504468, 16205.988853999586],
  [-1, 1.8427007929497148, 0.6112323176780705, 5.008980080762283],
  [-0.46875, 1.492613473217938, 0.40052859235130783, 1.859402416871422],
  [-0.3, 1.3286267594591274, 0.28414589714140825, 1.4537492328427655],
  [0, 1, 0, 1],
  [1e-8, 0.9999999887162083, -1.1283791734617103e-8, 0.9999999887162084],
  [0.2, 0.7772974107895215, -0.2519322337826167, 0.8090195199015807],
  [0.46875, 0.507386526782062, -0.6784821856143961, 0.6320696892495561],
  [0.47, 0.5062549491139179, -0.6807148845816811, 0.6314005166600343],
  [0.5, 0.4795001221869535, -0.7350111298370844, 0.6156903441929259],
  [1, 0.15729920705028513, -1.8496055099332482, 0.427583576155807],
  [1.7, 0.01620954140922544, -4.122155234243904, 0.2916632970753435],
  [2.5, 0.0004069520174449589, -7.806815272727264, 0.2108063640611436],
  [3.99, 1.6739211364520814e-8, -17.90551188383588, 0.1373240409142297],
  [4, 1.541725790028002e-8, -17.987778312103007, 0.13699945762506138],
  [4.01, 1.4196939421371052e-8, -18.07023942927619, 0.13667636742994915],
  [6, 2.1519736712498913e-17, -38.37756117322339, 0.09277656780053835],
  [10, 2.088487583762545e-45, -102.87988902484489, 0.05614099274382259],
  [20, 5.395865611607901e-176, -403.56934333410425, 0.02817434874105132],
  [26, 5.663192408856143e-296, -679.8311997631943, 0.021683584850562907],
  [100, 0, -10005.177585122665, 0.005641613782989433],
  [100000, 0, -10000000012.08529, 5.6418958351954685e-6]
]

/** x, ln |gamma(x)| */
const LOG_GAMMA: Array<[number, number]> = [
  [1e-5, 11.512919692895826],
  [0.1, 2.252712651734206],
  [0.5, 0.5723649429247001],
  [0.9, 0.06637623973474295],
  [1, 0],
  [1.1, -0.049872441259839764],
  [1.5, -0.12078223763524522],
  [2, 0],
  [2.5, 0.2846828704729192],
  [3, 0.6931471805599453],
  [6.9, 6.3927444564055955],
  [7, 6.579251212010101],
  [7.3, 7.147892523022248],
  [11.9, 17.25847745059552],
  [65, 205.1681994826412],
  [100.5, 361.4355404677776],
  [1025, 6078.211884750051],
  [1000000, 12815504.569147611],
  [-0.5, 1.2655121234846454],
  [-1.5, 0.860047015376481],
  [-2.3, 0.36956666345500805],
  [-99.9, -360.9593202461631],
  [-987.6, -5825.348063394191]
]

/** |a - b| in units of b, or of `floor` when b is smaller */
function error (actual: number, expected: number, floor = 0): number {
  return actual === expected ? 0 : Math.abs(actual - expected) / Math.max(Math.abs(expected), floor)
}

describe('special functions', () => {
  it.each(ERROR_FUNCTIONS)('erfc and its relatives agree with 40-digit arithmetic at %d', (x, plain, logarithm, scaled) => {
    expect(error(erfc(x), plain)).toBeLessThan(1e-15)
    expect(error(erf(x), 1 - plain, Math.max(0.1, Math.abs(x)))).toBeLessThan(1e-15)
    expect(error(logErfc(x), logarithm)).toBeLessThan(1e-15)
    expect(error(erfcx(x), scaled)).toBeLessThan(2e-15)
  })

  it.each(LOG_GAMMA)('logGamma agrees with 40-digit arithmetic at %d', (x, expected) => {
    expect(error(logGamma(x), expected, 1)).toBeLessThan(3e-15)
  })

  it('knows the poles and the far ends', () => {
    expect([0, -1, -7].map(logGamma)).toEqual([Infinity, Infinity, Infinity])
    expect([erfc(Infinity), erfc(-Infinity), erfcx(Infinity), erfcx(-30)]).toEqual([0, 2, 0, Infinity])
    expect(error(erf(1e-9), 2e-9 / Math.sqrt(Math.PI))).toBeLessThan(1e-15)
    expect(normalTail(0)).toBe(0.5)
    expect(error(normalTail(1.6448536269514724), 0.05)).toBeLessThan(1e-15)
  })
})
