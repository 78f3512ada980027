/**
 * Draws pen strokes on a small grey image: smooth curves through given points, and their anti-aliased ink
 *
 * Coverage of a pixel is approximated by its distance from the stroke's axis, which is exact for a straight edge.
 */

/** Points of a stroke that is ready to draw, in pixels */
export interface PenPath {
  /** x0, y0, x1, y1, … */
  points: number[]
  /** Half the width of the pen at the beginning and at the end, pixels */
  startRadius: number
  endRadius: number
}

/** Straight pieces for each span between two points of a curve */
const SPAN_PIECES = 5

/**
 * Points on the uniform Catmull-Rom spline through `points` (x0, y0, x1, y1, …), about five for each span
 *
 * Catmull and Rom 1974. A point given twice makes a corner; the ends are doubled.
 */
export function smoothCurve (points: ArrayLike<number>): number[] {
  const count = points.length / 2
  const curve = new Array<number>(2 * ((count - 1) * SPAN_PIECES + 1))
  let next = 0
  for (let span = 0; span < count - 1; span++) {
    const pieces = span === count - 2 ? SPAN_PIECES + 1 : SPAN_PIECES
    for (let piece = 0; piece < pieces; piece++) {
      curve[next++] = spline(points, span, 0, piece / SPAN_PIECES)
      curve[next++] = spline(points, span, 1, piece / SPAN_PIECES)
    }
  }
  return curve
}

/** One coordinate (`axis` 0 or 1) of the spline, `t` of the way along a span */
function spline (points: ArrayLike<number>, span: number, axis: number, t: number): number {
  const last = points.length / 2 - 1
  const p0 = points[2 * Math.max(0, span - 1) + axis]!
  const p1 = points[2 * span + axis]!
  const p2 = points[2 * (span + 1) + axis]!
  const p3 = points[2 * Math.min(last, span + 2) + axis]!
  return 0.5 * (2 * p1 + t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0))))
}

/**
 * Lays the ink of a path on `image` (size x size, 0 to 1): where strokes cross, the darker one stays
 *
 * `softness` is the width of the edge in pixels: 1 is plain anti-aliasing, more is blurred
 */
export function drawPath (image: Float32Array, size: number, path: PenPath, softness: number): void {
  const { points, startRadius, endRadius } = path
  const pieces = points.length / 2 - 1
  for (let piece = 0; piece < pieces; piece++) {
    const radius = startRadius + (endRadius - startRadius) * piece / pieces
    drawPiece(image, size, { points, at: 2 * piece, reach: radius / softness + 0.5, softness })
  }
}

/** One straight piece, between two points one after the other */
interface PenPiece {
  points: number[]
  at: number
  /** The coverage on the axis, before it is cut at 1 */
  reach: number
  softness: number
}

/** Of the square of a distance: rounding never takes a pixel for one that the pen does not reach */
const SURE = 1 + 1e-9

function drawPiece (image: Float32Array, size: number, { points, at, reach, softness }: PenPiece): void {
  const x0 = points[at]!
  const y0 = points[at + 1]!
  const x1 = points[at + 2]!
  const y1 = points[at + 3]!
  const dx = x1 - x0
  const dy = y1 - y0
  const inverse = 1 / Math.max(1e-9, dx * dx + dy * dy)
  const margin = reach * softness
  const beyond = margin * margin * SURE
  const left = Math.max(0, Math.ceil(Math.min(x0, x1) - margin))
  const right = Math.min(size - 1, Math.floor(Math.max(x0, x1) + margin))
  const bottom = Math.min(size - 1, Math.floor(Math.max(y0, y1) + margin))
  for (let y = Math.max(0, Math.ceil(Math.min(y0, y1) - margin)); y <= bottom; y++) {
    const fromY = y - y0
    const along = fromY * dy
    for (let x = left; x <= right; x++) {
      const t = Math.min(1, Math.max(0, ((x - x0) * dx + along) * inverse))
      const offX = x - x0 - t * dx
      const offY = fromY - t * dy
      const square = offX * offX + offY * offY
      if (square > beyond) {
        continue
      }
      const ink = Math.min(1, reach - Math.sqrt(square) / softness)
      if (ink > image[y * size + x]!) {
        image[y * size + x] = ink
      }
    }
  }
}
