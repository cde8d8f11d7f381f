/**
 * Runs a model on tiles of an image and blends them into a map.
 *
 * The arithmetic of `keras_rsseg.predict_scene`: the same tiles, the same
 * weights and the same grids, and therefore the same map.
 */

/** The id of pixels without data. */
export const NO_DATA = 255;

// Pixel sizes within this factor of the model's are not resampled.
const RESAMPLING_FACTOR = 1.25;
// Pixels longer than the model's by more than this factor are refused.
const DOUBTFUL_FACTOR = 4;
// The most pixels of an image, or of the model's grid.
const MOST_PIXELS = 25e6;

/** An error that the user can do something about. */
export class MapError extends Error {}

/**
 * Where tiles start along one axis.
 *
 * @param {number} length length of the axis, in pixels.
 * @param {number} tile length of a tile.
 * @param {number} stride distance between starts.
 * @returns {number[]} ascending; the last tile ends flush with the border.
 */
export function tileStarts(length, tile, stride) {
  if (length <= tile) return [0];
  const starts = [];
  for (let start = 0; start <= length - tile; start += stride) {
    starts.push(start);
  }
  if (starts.at(-1) !== length - tile) starts.push(length - tile);
  return starts;
}

/**
 * Weights of a tile along one axis, a Hann window, nowhere zero.
 *
 * @param {number} size length of the tile.
 * @returns {Float32Array}
 */
export function tileWeights(size) {
  return Float32Array.from(
    { length: size },
    (_, index) => Math.sin(((index + 0.5) * Math.PI) / size) ** 2,
  );
}

/**
 * Size of the model's grid.
 *
 * @param {{width: number, height: number}} image
 * @param {?number} pixelSize pixel size in metres, `null` if unknown.
 * @param {?number} wanted pixel size that the model was trained at.
 * @returns {{width: number, height: number}} the image's own size if its
 *   pixels are about as large, or of unknown size.
 */
export function modelGrid(image, pixelSize, wanted) {
  const { width, height } = image;
  let grid = { width, height };
  if (pixelSize && wanted) {
    const factor = wanted / pixelSize;
    if (1 / factor > DOUBTFUL_FACTOR) {
      throw new MapError(
        `Pixels of ${pixelSize} m are too coarse: the network was trained ` +
          `at ${wanted} m. Leave the pixel size empty to map without resampling.`,
      );
    }
    if (Math.max(factor, 1 / factor) > RESAMPLING_FACTOR) {
      grid = { width: scaled(width, factor), height: scaled(height, factor) };
    }
  }
  const pixels = Math.max(width * height, grid.width * grid.height);
  if (pixels > MOST_PIXELS) {
    throw new MapError(
      `This would take ${(pixels / 1e6).toFixed(0)} million pixels in ` +
        `memory, but the page maps at most ${MOST_PIXELS / 1e6} million. ` +
        "Cut the image into parts, or use keras-rsseg predict.",
    );
  }
  return grid;
}

function scaled(length, factor) {
  const exact = length / factor;
  // Halves round to the even number, as in Python.
  const down = Math.floor(exact);
  const half = exact - down === 0.5;
  return Math.max(1, half ? down + (down % 2) : Math.round(exact));
}

/**
 * The inputs of each output of a resampled axis: the two nearest, or all
 * within an output's length if there are fewer outputs.
 *
 * @param {number} inLength length of the axis.
 * @param {number} outLength its new length.
 * @returns {{first: number, weights: number[]}[]} for each output; inputs
 *   before the first and after the last repeat the border.
 */
export function linearTaps(inLength, outLength) {
  if (inLength === outLength) return identityTaps(inLength);
  const scale = inLength / outLength;
  const reach = Math.max(1, scale);
  return Array.from({ length: outLength }, (_, output) => {
    const center = (output + 0.5) * scale - 0.5;
    const first = Math.floor(center - reach) + 1;
    const weights = Array.from({ length: Math.ceil(2 * reach) }, (_, tap) =>
      Math.max(0, 1 - Math.abs(first + tap - center) / reach),
    );
    return { first, weights: normalised(weights) };
  });
}

/**
 * The same for the mean of all inputs that an output covers.
 *
 * @param {number} inLength length of the axis.
 * @param {number} outLength its new length.
 * @returns {{first: number, weights: number[]}[]}
 */
export function averageTaps(inLength, outLength) {
  if (inLength === outLength) return identityTaps(inLength);
  const scale = inLength / outLength;
  return Array.from({ length: outLength }, (_, output) => {
    const start = output * scale;
    const end = start + scale;
    const first = Math.floor(start + 1e-10);
    const count = Math.ceil(end - 1e-10) - first;
    const weights = Array.from(
      { length: count },
      (_, tap) =>
        Math.min(end, first + tap + 1) - Math.max(start, first + tap),
    );
    return { first, weights: normalised(weights) };
  });
}

function identityTaps(length) {
  return Array.from({ length }, (_, first) => ({ first, weights: [1] }));
}

function normalised(weights) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** Mixes row `output` of rows of `count` values each. */
function mixRows(rows, taps, height, count) {
  const mixed = new Float32Array(count);
  taps.weights.forEach((weight, tap) => {
    const row = Math.min(Math.max(taps.first + tap, 0), height - 1);
    const offset = row * count;
    for (let index = 0; index < count; index++) {
      mixed[index] += rows[offset + index] * weight;
    }
  });
  return mixed;
}

/** Mixes the pixels of one row, of `channels` values each. */
function mixColumns(row, taps, width, channels, into, offset) {
  taps.forEach(({ first, weights }, output) => {
    for (let channel = 0; channel < channels; channel++) {
      let total = 0;
      for (let tap = 0; tap < weights.length; tap++) {
        const column = Math.min(Math.max(first + tap, 0), width - 1);
        total += row[column * channels + channel] * weights[tap];
      }
      into[offset + output * channels + channel] = total;
    }
  });
}

/**
 * Red, green and blue of an image on the model's grid.
 *
 * @param {{data: Uint8ClampedArray, width: number, height: number}} image
 *   RGBA.
 * @param {{width: number, height: number}} grid
 * @returns {Float32Array} `(height, width, 3)`, integers.
 */
export function gridPixels(image, grid) {
  const { width, height } = image;
  const own = new Float32Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let band = 0; band < 3; band++) {
      own[3 * pixel + band] = image.data[4 * pixel + band];
    }
  }
  if (grid.width === width && grid.height === height) return own;
  const taps = grid.width < width ? averageTaps : linearTaps;
  const columns = taps(width, grid.width);
  const values = new Float32Array(grid.width * grid.height * 3);
  taps(height, grid.height).forEach((rowTaps, row) => {
    const mixed = mixRows(own, rowTaps, height, width * 3);
    mixColumns(mixed, columns, width, 3, values, row * grid.width * 3);
  });
  return values.map((value) => Math.floor(value + 0.5));
}

/** The pixel that a tile reads beyond the last of `length`: mirrored. */
function reflected(index, length) {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const place = index % period;
  return place < length ? place : period - place;
}

function cutTile(pixels, grid, row, column, size) {
  const tile = new Float32Array(size * size * 3);
  let target = 0;
  for (let y = 0; y < size; y++) {
    const source = reflected(row + y, grid.height) * grid.width;
    for (let x = 0; x < size; x++) {
      const from = 3 * (source + reflected(column + x, grid.width));
      tile[target++] = pixels[from];
      tile[target++] = pixels[from + 1];
      tile[target++] = pixels[from + 2];
    }
  }
  return tile;
}

/** Adds a tile's probabilities, weighted, to the sums of the grid. */
function addTile(sums, grid, row, column, logits, size, weights, classes) {
  const height = Math.min(size, grid.height);
  const width = Math.min(size, grid.width);
  const shares = new Float32Array(classes);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * size + x) * classes;
      let largest = -Infinity;
      for (let k = 0; k < classes; k++) {
        largest = Math.max(largest, logits[from + k]);
      }
      let total = 0;
      for (let k = 0; k < classes; k++) {
        shares[k] = Math.exp(logits[from + k] - largest);
        total += shares[k];
      }
      if (!Number.isFinite(total)) {
        throw new MapError("The network's output is not a number.");
      }
      const weight = (weights[y] * weights[x]) / total;
      const to = ((row + y) * grid.width + column + x) * classes;
      for (let k = 0; k < classes; k++) sums[to + k] += shares[k] * weight;
    }
  }
}

/** Divides the classes' sums by their total, the sum of the weights. */
function normalise(sums, classes) {
  for (let from = 0; from < sums.length; from += classes) {
    let total = 0;
    for (let k = 0; k < classes; k++) total += sums[from + k];
    for (let k = 0; k < classes; k++) sums[from + k] /= total;
  }
}

/** The likeliest class of each pixel of the image, from a grid's sums. */
function likeliest(probabilities, grid, image, classes) {
  const { width, height, data } = image;
  const map = new Uint8Array(width * height);
  const columns = linearTaps(grid.width, width);
  const line = new Float32Array(width * classes);
  linearTaps(grid.height, height).forEach((taps, row) => {
    const count = grid.width * classes;
    const mixed = mixRows(probabilities, taps, grid.height, count);
    mixColumns(mixed, columns, grid.width, classes, line, 0);
    for (let column = 0; column < width; column++) {
      const pixel = row * width + column;
      let best = 0;
      for (let k = 1; k < classes; k++) {
        const from = column * classes;
        if (line[from + k] > line[from + best]) best = k;
      }
      // Transparent pixels have no data.
      map[pixel] = data[4 * pixel + 3] === 0 ? NO_DATA : best;
    }
  });
  return map;
}

/**
 * Maps an image.
 *
 * @param {{data: Uint8ClampedArray, width: number, height: number}} image
 *   RGBA.
 * @param {?number} pixelSize pixel size in metres, `null` if unknown.
 * @param {{tile_size: number, overlap: number, num_classes: number,
 *   ground_sample_distance: ?number}} facts of the model.
 * @param {function(Float32Array): Promise<Float32Array>} run the model: a tile
 *   `(tile, tile, 3)` to logits `(tile, tile, classes)`.
 * @param {function(number, number): void} progress gets the number of tiles
 *   done, and of all.
 * @returns {Promise<Uint8Array>} the class of each pixel, `NO_DATA` where the
 *   image is transparent.
 */
export async function mapImage(image, pixelSize, facts, run, progress) {
  const size = facts.tile_size;
  const stride = size - facts.overlap;
  const classes = facts.num_classes;
  const grid = modelGrid(image, pixelSize, facts.ground_sample_distance);
  const pixels = gridPixels(image, grid);
  const rows = tileStarts(grid.height, size, stride);
  const columns = tileStarts(grid.width, size, stride);
  const weights = tileWeights(size);
  const sums = new Float32Array(grid.width * grid.height * classes);
  const total = rows.length * columns.length;
  let done = 0;
  progress(done, total);
  for (const row of rows) {
    for (const column of columns) {
      const tile = cutTile(pixels, grid, row, column, size);
      const logits = await run(tile);
      addTile(sums, grid, row, column, logits, size, weights, classes);
      progress(++done, total);
    }
  }
  normalise(sums, classes);
  return likeliest(sums, grid, image, classes);
}

/**
 * Number of pixels of each class.
 *
 * @param {Uint8Array} map
 * @param {number} classes number of classes.
 * @returns {number[]}
 */
export function countClasses(map, classes) {
  const counts = new Array(NO_DATA + 1).fill(0);
  for (const value of map) counts[value]++;
  return counts.slice(0, classes);
}
