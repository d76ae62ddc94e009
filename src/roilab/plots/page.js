// Unpacks the layers once, then draws what is in view: for every pixel of the screen the sample
// that is largest in size.
const rows = setup.channels[1] - setup.channels[0];
const columns = setup.ticks[1] - setup.ticks[0];
const samples = {};
const layerOf = Object.fromEntries(setup.layers.map(layer => [layer.name, layer]));

async function unpack(layer) {
  const packed = Uint8Array.from(atob(layer.data), letter => letter.charCodeAt(0));
  layer.data = null;
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const numbers = new Int16Array(rows * columns);
  for (let row = 0, n = 0; row < rows; row++) {
    for (let column = 0, sum = 0; column < columns; column++, n++) {
      sum += bytes[n] | (bytes[n + rows * columns] << 8);
      numbers[n] = sum;
    }
  }
  samples[layer.name] = numbers;
}

// Time axis to column, and back.
const perColumn = setup.in_us ? setup.tick_us : 1;
const firstTime = setup.in_us ? setup.start_us + setup.ticks[0] * setup.tick_us : setup.ticks[0];
const column = time => (time - firstTime) / perColumn + 0.5;
const row = channel => channel - setup.channels[0] + 0.5;

// First and one past the last sample of every pixel.
function cells(from, to, count, length) {
  const cut = place => Math.min(length, Math.max(0, Math.floor(place)));
  return Array.from({length: count}, (_, n) => {
    const first = cut(from + (to - from) * n / count);
    return [first, Math.max(cut(from + (to - from) * (n + 1) / count), Math.min(first + 1, length))];
  });
}

function pooled(numbers, across, down) {
  const result = new Int16Array(across.length * down.length);
  down.forEach(([top, bottom], j) => across.forEach(([left, right], i) => {
    let largest = 0;
    for (let r = top; r < bottom; r++) {
      for (let n = r * columns + left, end = r * columns + right; n < end; n++) {
        if (Math.abs(numbers[n]) > Math.abs(largest)) largest = numbers[n];
      }
    }
    result[j * across.length + i] = largest;
  }));
  return result;
}

function paint(pixels, layer, values) {
  const last = setup.palette.length - 1;
  const limit = layer.limit * reach.value / layer.step;
  const logarithm = Math.log1p(10);
  values.forEach((value, n) => {
    let part = Math.min(1, Math.abs(value) / limit);
    if (scale.active === 1) part = Math.log1p(10 * part) / logarithm;
    pixels[n] = setup.palette[Math.round((1 + Math.sign(value) * part) * last / 2)];
  });
}

function outline(pixels, layer, values, width) {
  const [r, g, b] = [1, 3, 5].map(n => parseInt(layer.outline.slice(n, n + 2), 16));
  const colour = (255 << 24 | b << 16 | g << 8 | r) >>> 0;
  values.forEach((value, n) => {
    const x = n % width;
    const inside = m => m >= 0 && m < values.length && values[m] !== 0;
    const around = (x > 0 && inside(n - 1)) || (x < width - 1 && inside(n + 1))
      || inside(n - width) || inside(n + width);
    if (value === 0 && around) pixels[n] = colour;
  });
}

function draw() {
  const width = Math.max(2, Math.round(plot.inner_width || 900));
  const height = Math.max(2, Math.round(plot.inner_height || 500));
  const {start: left, end: right} = plot.x_range;
  const {start: bottom, end: top} = plot.y_range;
  const across = cells(column(left), column(right), width, columns);
  const down = cells(row(bottom), row(top), height, rows);
  // Not Uint32Array, but bokeh's own, which knows its shape.
  const Pixels = source.data.image[0].constructor;
  const pixels = new Pixels(width * height, [height, width]);
  const layer = layerOf[chosen.value];
  paint(pixels, layer, pooled(samples[layer.name], across, down));
  for (const n of outlines.active) {
    const other = layerOf[setup.outlined[n]];
    outline(pixels, other, pooled(samples[other.name], across, down), width);
  }
  source.data = {
    image: [pixels], x: [left], y: [bottom], dw: [right - left], dh: [top - bottom],
  };
}

let waiting = false;
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
}

function valuesAt(channel, tick) {
  const n = (channel - setup.channels[0]) * columns + tick - setup.ticks[0];
  return setup.layers.map(({name, unit, step}) =>
    [name, Number((samples[name][n] * step).toPrecision(5)), unit]);
}

function hover(x, y) {
  const c = Math.floor(column(x)), r = Math.floor(row(y));
  if (c < 0 || r < 0 || c >= columns || r >= rows) return;
  const [channel, tick] = [setup.channels[0] + r, setup.ticks[0] + c];
  const time = (setup.start_us + tick * setup.tick_us).toFixed(2);
  const lines = valuesAt(channel, tick).map(([name, value, unit]) =>
    `<tr><td>${escaped(name)}</td><td style="text-align:right">${value} ${unit}</td></tr>`);
  values.text = `<b>channel ${channel}, tick ${tick}</b>, ${time} us<table>${lines.join("")}</table>`;
}

const escaped = text => text.replace(/[&<>]/g, c => ({"&": "&amp;", "<": "&lt;", ">": "&gt;"})[c]);

Promise.all(setup.layers.map(unpack)).then(() => {
  window.roilab = {redraw, hover, draw, valuesAt, plot, source, precision: setup.layers.map(l => [l.name, l.step])};
  draw();
  document.documentElement.dataset.roilab = "ready";
});
