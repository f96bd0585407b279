// The mask of a garment's photo, as vtryon/data/cloth_mask.py makes it, less GrabCut and the mending of torn outlines:
// what stands out of the backdrop that the border shows, and what a flood of the backdrop from the border cannot reach.

const WORK_SIDE = 512, FAR = 14, NEAR = 2.2, EDGE = 1.6, FAINT_EDGE = 0.7; // as in cloth_mask.py
const CUT_OUT = 0.06, CLEAR_BORDER = 0.25; // shares of the picture and of its border that a cut-out leaves transparent

/** The garment of a photo, 255 inside and 0 outside; `alpha` is its transparency as a plane of 0..255. */
export function garmentMask(photo, alpha) {
  return isCutOut(photo, alpha) ? alpha : clothMask(photo);
}

function isCutOut({width, height}, alpha) {
  const clear = alpha.map((x) => (x > 127 ? 0 : 1));
  const border = clear.filter((_, i) => i < width || i >= clear.length - width || i % width === 0 || i % width === width - 1);
  return share(clear) > CUT_OUT && share(clear) < 1 && share(border) >= CLEAR_BORDER;
}

/** Throws where no garment stands out. */
export function clothMask(photo) {
  const scale = Math.min(1, WORK_SIDE / Math.max(photo.width, photo.height));
  const size = {width: Math.max(1, rounded(photo.width * scale)), height: Math.max(1, rounded(photo.height * scale))};
  const small = photo.planes.map((plane) => toBytes(resized(plane, photo, size)));
  const garment = byBackdrop(small, size.width, size.height);
  if (share(garment) < 0.005) throw new Error("No garment stands out of the backdrop: take it on a plain, other colour.");
  return resized(Float32Array.from(garment, (x) => 255 * x), size, photo).map((x) => (x > 127 ? 255 : 0));
}

function byBackdrop(planes, width, height) {
  const {distance, noise} = distanceToBackdrop(lab(planes.map((p) => toBytes(convolved(p, width, height, [1, 2, 1], [1, 2, 1])))), width, height);
  const slope = slopes(distance, width, height), near = NEAR + 3 * noise;
  const clear = distance.map((d, i) => +(d > FAR + 3 * noise || (d > near && slope[i] > EDGE + noise)));
  const wall = distance.map((d, i) => +(clear[i] || (d > near && slope[i] > FAINT_EDGE + noise)));
  const inside = unreached(joined(clear, wall, width, height), width, height);
  return mainPieces(withoutHalo(inside, distance, width, height), width, height);
}

/** CIE76 distances of pixels to a plane of Lab colours fitted to the border, and the border's own scatter. */
function distanceToBackdrop(colours, width, height) {
  const margin = Math.max(1, rounded(0.02 * Math.min(width, height))), border = [];
  const plane = (i) => [1, ((i % width) * 2) / Math.max(1, width - 1) - 1, (Math.floor(i / width) * 2) / Math.max(1, height - 1) - 1];
  for (let i = 0; i < width * height; i++) {
    const x = i % width, y = Math.floor(i / width);
    if (x < margin || y < margin || x >= width - margin || y >= height - margin) border.push(i);
  }
  const middle = colours.map((c) => median(border.map((i) => c[i])));
  const off = (i, colour) => Math.hypot(...colours.map((c, k) => c[i] - colour[k]));
  let kept = border.filter((i) => off(i, middle) < 4 * FAR), fits, noise; // not a sleeve cut off
  if (kept.length < 0.3 * border.length) kept = border; // a border of many colours
  const backdrop = (i) => fits.map((fit) => plane(i).reduce((sum, p, k) => sum + p * fit[k], 0));
  for (let round = 0; round < 3; round++) {
    fits = colours.map((c) => leastSquares(kept.map(plane), kept.map((i) => c[i])));
    noise = median(kept.map((i) => off(i, backdrop(i))));
    kept = border.filter((i) => off(i, backdrop(i)) < 3 + 4 * noise);
  }
  return {distance: Float32Array.from({length: width * height}, (_, i) => off(i, backdrop(i))), noise: Math.min(noise, 6)};
}

/** Pieces of `wall` that hold something clear and are no specks. */
function joined(clear, wall, width, height) {
  const {labels, areas} = components(wall, width, height, true), holds = new Set();
  clear.forEach((x, i) => x && holds.add(labels[i]));
  return wall.map((x, i) => +(x && holds.has(labels[i]) && areas[labels[i]] >= 1e-3 * wall.length));
}

/** What a flood from the border does not reach. */
function unreached(wall, width, height) {
  const open = new Uint8Array((width + 2) * (height + 2)).fill(1);
  const at = (i) => (Math.floor(i / width) + 1) * (width + 2) + (i % width) + 1;
  wall.forEach((x, i) => { open[at(i)] = 1 - x; });
  const {labels} = components(open, width + 2, height + 2, false);
  return Uint8Array.from(wall, (_, i) => +(labels[at(i)] !== labels[0]));
}

/** The outline at a third of its edge's height: blur and slope see an edge one pixel early. */
function withoutHalo(garment, distance, width, height) {
  const square = (r) => Array.from({length: (2 * r + 1) ** 2}, (_, i) => [(i % (2 * r + 1)) - r, Math.floor(i / (2 * r + 1)) - r]);
  const core = eroded(garment, width, height, square(1)), height5 = dilated(distance, width, height, square(2));
  return garment.map((x, i) => +(x && (core[i] || distance[i] >= 0.35 * height5[i])));
}

/** The largest piece, smoothed, and what is a tenth of it. */
function mainPieces(garment, width, height) {
  const smooth = convolved(garment, width, height, [1, 1, 1], [1, 1, 1]).map((x) => +(x > 0.5));
  const {labels, areas} = components(smooth, width, height, false), largest = areas.reduce((a, b) => Math.max(a, b));
  return smooth.map((x, i) => +(x && areas[labels[i]] >= 0.1 * largest));
}

function slopes(distance, width, height) {
  const across = (first, second, step) => alongAxis(alongAxis(distance, width, height, first, step), width, height, second, step === 1 ? width : 1);
  const x = across([-1, 0, 1], [3, 10, 3], 1), y = across([-1, 0, 1], [3, 10, 3], width);
  return x.map((dx, i) => Math.hypot(dx, y[i]) / 32);
}

/** sRGB planes of 0..255 to CIE L, a, b (D65). */
function lab(planes) {
  const linear = Float32Array.from({length: 256}, (_, i) => (i / 255 <= 0.04045 ? i / 255 / 12.92 : ((i / 255 + 0.055) / 1.055) ** 2.4));
  const curve = (t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const out = [0, 1, 2].map(() => new Float32Array(planes[0].length));
  for (let i = 0; i < planes[0].length; i++) {
    const [r, g, b] = planes.map((plane) => linear[plane[i]]);
    const x = curve((0.412453 * r + 0.35758 * g + 0.180423 * b) / 0.950456);
    const y = curve(0.212671 * r + 0.71516 * g + 0.072169 * b);
    const z = curve((0.019334 * r + 0.119193 * g + 0.950227 * b) / 1.088754);
    [out[0][i], out[1][i], out[2][i]] = [116 * y - 16, 500 * (x - y), 200 * (y - z)];
  }
  return out;
}

/** The three factors by which the rows (of three numbers) come closest to the values. */
function leastSquares(rows, values) {
  const m = [0, 1, 2].map((a) => [...[0, 1, 2].map((b) => sum(rows.map((r) => r[a] * r[b]))), sum(rows.map((r, i) => r[a] * values[i]))]);
  for (let k = 0; k < 3; k++) {
    const pivot = m[k][k] || 1;
    m[k] = m[k].map((x) => x / pivot);
    for (let r = 0; r < 3; r++) if (r !== k) m[r] = m[r].map((x, c, row) => x - row[k] * m[k][c]);
  }
  return m.map((row) => row[3]);
}

function sum(values) {
  return values.reduce((a, b) => a + b, 0);
}

function share(mask) {
  return sum(mask) / mask.length;
}

function median(values) {
  const sorted = Float32Array.from(values).sort(), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
