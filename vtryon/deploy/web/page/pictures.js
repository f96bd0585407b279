// Pictures and what vtryon/deploy/letterbox.py does with them. A picture is {width, height, planes}: planes of 0..255,
// red, green, blue; a mask is one plane.

const SMOOTH = 1.5, CHANGED = 12, ISLAND = 0.02, FEATHER = 1.5; // as in letterbox.py

/** To the nearest whole number, halves to the even one, as Python and OpenCV round. */
export function rounded(x) {
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

function toBytes(plane) {
  return plane.map((x) => Math.min(255, Math.max(0, rounded(x))));
}

/** Where a photo lies in a picture of `size` = [height, width]: a person stands on the bottom, a garment in the middle. */
export function letterbox(photo, size, stand) {
  const scale = Math.min(size[0] / photo.height, size[1] / photo.width);
  const fitted = (length, side) => Math.min(side, Math.max(1, rounded(length * scale)));
  const height = fitted(photo.height, size[0]), width = fitted(photo.width, size[1]);
  const free = size[0] - height;
  return {size, height, width, top: stand ? free : free >> 1, left: (size[1] - width) >> 1};
}

/** A photo in the network's size; padding repeats its border. */
export function fit(photo, box) {
  const planes = photo.planes.map((plane) => padded(toBytes(resized(plane, photo, box)), box, true));
  return {width: box.size[1], height: box.size[0], planes};
}

/** A mask in the network's size, 0 or 255; padding is 0. */
export function fitMask(mask, photo, box) {
  return padded(toBytes(resized(mask, photo, box)).map((x) => (x > 127 ? 255 : 0)), box, false);
}

/** The photo with the changes of `tryOn`, whose own pixels stay where the network changed nothing. */
export function restore(photo, box, tryOn) {
  if (photo.height === box.size[0] && photo.width === box.size[1]) return tryOn;
  const {height, width} = box;
  const inner = tryOn.planes.map((plane) => cropped(plane, box));
  const before = photo.planes.map((plane) => toBytes(resized(plane, photo, box)));
  const weight = resized(changes(before, inner, width, height), box, photo);
  const planes = photo.planes.map((plane, c) => {
    const after = toBytes(resized(inner[c], box, photo));
    return toBytes(plane.map((x, i) => x + (after[i] - x) * Math.min(1, Math.max(0, weight[i]))));
  });
  return {width: photo.width, height: photo.height, planes};
}

/** 1 where the network changed the person, and on islands within; 0 elsewhere; a soft seam outside. */
function changes(before, after, width, height) {
  const smooth = (plane) => toBytes(blurred(plane, width, height, SMOOTH, 5));
  const differs = new Uint8Array(width * height);
  before.forEach((plane, c) => {
    const [a, b] = [smooth(plane), smooth(after[c])];
    for (let i = 0; i < a.length; i++) if (Math.abs(a[i] - b[i]) > CHANGED) differs[i] = 1;
  });
  const changed = eroded(dilated(differs, width, height, disc(4)), width, height, disc(4));
  const {labels, areas} = components(changed.map((x) => 1 - x), width, height, false);
  for (let i = 0; i < changed.length; i++) if (labels[i] && areas[labels[i]] < ISLAND * changed.length) changed[i] = 1;
  return blurred(Float32Array.from(dilated(changed, width, height, disc(3))), width, height, FEATHER, 6);
}

/** A plane in another size: by areas where it shrinks, by cubics where it grows (OpenCV's INTER_AREA, INTER_CUBIC). */
export function resized(plane, from, to) {
  if (from.width === to.width && from.height === to.height) return plane;
  const columns = taps(from.width, to.width), rows = taps(from.height, to.height);
  const narrow = new Float32Array(to.width * from.height), out = new Float32Array(to.width * to.height);
  for (let y = 0; y < from.height; y++)
    columns.forEach((tap, x) => {
      let sum = 0;
      for (const [index, share] of tap) sum += plane[y * from.width + index] * share;
      narrow[y * to.width + x] = sum;
    });
  rows.forEach((tap, y) => {
    for (const [index, share] of tap)
      for (let x = 0; x < to.width; x++) out[y * to.width + x] += narrow[index * to.width + x] * share;
  });
  return out;
}

/** For each of `to` places along a side the places of `from` that it is made of, and their shares. */
function taps(from, to) {
  const scale = from / to;
  return Array.from({length: to}, (_, place) => (scale >= 1 ? areaTaps(place, scale, from) : cubicTaps(place, scale, from)));
}

function areaTaps(place, scale, from) {
  const start = place * scale, end = Math.min(from, start + scale), found = [];
  for (let i = Math.floor(start + 1e-6); i < end - 1e-6; i++)
    found.push([i, (Math.min(i + 1, end) - Math.max(i, start)) / (end - start)]);
  return found;
}

function cubicTaps(place, scale, from) {
  const centre = (place + 0.5) * scale - 0.5, first = Math.floor(centre), x = centre - first, a = -0.75;
  const far = (t) => ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
  const near = (t) => ((a + 2) * t - (a + 3)) * t * t + 1;
  const shares = [far(x + 1), near(x), near(1 - x), far(2 - x)];
  return shares.map((share, i) => [Math.min(from - 1, Math.max(0, first - 1 + i)), share]);
}

function padded(plane, box, repeat) {
  const [height, width] = box.size, out = new Float32Array(height * width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [row, column] = [y - box.top, x - box.left];
      const inside = row >= 0 && row < box.height && column >= 0 && column < box.width;
      if (inside || repeat)
        out[y * width + x] = plane[within(row, box.height) * box.width + within(column, box.width)];
    }
  return out;
}

function cropped(plane, box) {
  const out = new Float32Array(box.height * box.width);
  for (let y = 0; y < box.height; y++) {
    const start = (y + box.top) * box.size[1] + box.left;
    out.set(plane.subarray(start, start + box.width), y * box.width);
  }
  return out;
}

/** A Gaussian of 2 reach + 1 pixels along each axis; the picture is mirrored at its border. */
export function blurred(plane, width, height, sigma, reach) {
  const kernel = Array.from({length: 2 * reach + 1}, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)));
  return convolved(plane, width, height, kernel, kernel);
}

/** A plane under two one-dimensional kernels, each brought to the sum of 1, along x and along y. */
export function convolved(plane, width, height, alongX, alongY) {
  const [h, v] = [alongX, alongY].map((kernel) => kernel.map((x) => x / kernel.reduce((a, b) => a + b)));
  return alongAxis(alongAxis(plane, width, height, h, 1), width, height, v, width);
}

/** One kernel along x (step 1) or along y (step width). */
export function alongAxis(plane, width, height, kernel, step) {
  const out = new Float32Array(plane.length), reach = kernel.length >> 1, side = step === 1 ? width : height;
  const places = Array.from({length: side}, (_, p) => kernel.map((_, i) => mirrored(p + i - reach, side)));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = step === 1 ? places[x] : places[y], start = step === 1 ? y * width : x;
      let sum = 0;
      for (let i = 0; i < kernel.length; i++) sum += kernel[i] * plane[start + at[i] * step];
      out[y * width + x] = sum;
    }
  return out;
}

function within(place, side) {
  return Math.min(side - 1, Math.max(0, place));
}

function mirrored(place, side) {
  while (place < 0 || place >= side) place = side === 1 ? 0 : place < 0 ? -place : 2 * side - 2 - place;
  return place;
}

/** Offsets [dx, dy] of OpenCV's MORPH_ELLIPSE of 2 radius + 1 pixels. */
export function disc(radius) {
  const offsets = [];
  for (let dy = -radius; dy <= radius; dy++) {
    const reach = rounded(radius * Math.sqrt(1 - (dy * dy) / (radius * radius)));
    for (let dx = -reach; dx <= reach; dx++) offsets.push([dx, dy]);
  }
  return offsets;
}

/** The largest value that the shape, a list of offsets, covers at each place. */
export function dilated(plane, width, height, shape) {
  const out = plane.slice();
  for (const [dx, dy] of shape)
    for (let y = Math.max(0, -dy); y < Math.min(height, height - dy); y++)
      for (let x = Math.max(0, -dx), at = y * width + x, end = Math.min(width, width - dx); x < end; x++, at++) {
        const value = plane[at + dy * width + dx];
        if (value > out[at]) out[at] = value;
      }
  return out;
}

/** 1 where the whole shape lies on 1; outside of the picture nothing is asked. */
export function eroded(mask, width, height, shape) {
  return dilated(mask.map((x) => 1 - x), width, height, shape).map((x) => 1 - x);
}

/** Labels from 1 of the connected pieces of a mask (0 elsewhere), and the area of each label. */
export function components(mask, width, height, diagonal) {
  const labels = new Int32Array(mask.length), areas = [0], stack = [];
  const reach = (index) => {
    if (mask[index] && !labels[index]) { labels[index] = areas.length - 1; stack.push(index); }
  };
  for (let seed = 0; seed < mask.length; seed++) {
    if (!mask[seed] || labels[seed]) continue;
    areas.push(0);
    reach(seed);
    while (stack.length) {
      const index = stack.pop(), x = index % width;
      areas[labels[index]]++;
      for (const row of [index - width, index, index + width]) {
        if (row < 0 || row >= mask.length) continue;
        reach(row);
        if (row !== index && !diagonal) continue;
        if (x > 0) reach(row - 1);
        if (x < width - 1) reach(row + 1);
      }
    }
  }
  return {labels, areas};
}
