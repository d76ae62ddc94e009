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

// Light or dark, as the reader's system asks for.
const darkness = matchMedia("(prefers-color-scheme: dark)");
let palette = [];
function dress() {
  const scheme = darkness.matches ? "dark" : "light";
  palette = setup.palettes[scheme];
  const {text, back, line: soft, wave: colour} = setup.schemes[scheme];
  for (const each of [plot, wave]) {
    each.setv({background_fill_color: back, border_fill_color: back, outline_line_color: soft});
    for (const axis of [...each.below, ...each.left].filter(one => "axis_label" in one)) {
      axis.setv({axis_label_text_color: text, major_label_text_color: text, axis_line_color: text,
        major_tick_line_color: text, minor_tick_line_color: text});
    }
    for (const grid of each.center.filter(one => "grid_line_color" in one)) grid.grid_line_color = soft;
  }
  wave.title.text_color = text;
  line.line_color = colour;
  bar.setv({background_fill_color: back, major_label_text_color: text, major_tick_line_color: text});
}

function paint(pixels, layer, values) {
  const last = palette.length - 1;
  const limit = layer.limit * reach.value / layer.step;
  const logarithm = Math.log1p(10);
  values.forEach((value, n) => {
    let part = Math.min(1, Math.abs(value) / limit);
    if (scale.active === 1) part = Math.log1p(10 * part) / logarithm;
    pixels[n] = palette[Math.round((1 + Math.sign(value) * part) * last / 2)];
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
  showRange(layer);
  paint(pixels, layer, pooled(samples[layer.name], across, down));
  for (const n of outlines.active) {
    const other = layerOf[setup.outlined[n]];
    outline(pixels, other, pooled(samples[other.name], across, down), width);
  }
  source.data = {
    image: [pixels], x: [left], y: [bottom], dw: [right - left], dh: [top - bottom],
  };
}

// The colour bar is linear in the value; a signed logarithm changes its colours. A probability, which
// has no unit, begins at 0.
function showRange(layer) {
  const limit = layer.limit * reach.value;
  const low = layer.unit ? -limit : 0;
  const last = palette.length - 1;
  const hex = n => "#" + [0, 8, 16].map(bits =>
    (palette[n] >>> bits & 255).toString(16).padStart(2, "0")).join("");
  mapper.palette = palette.map((_, n) => {
    const place = (low + (limit - low) * n / last) / limit;
    let part = Math.abs(place);
    if (scale.active === 1) part = Math.log1p(10 * part) / Math.log1p(10);
    return hex(Math.round((1 + Math.sign(place) * part) * last / 2));
  });
  mapper.low = low;
  mapper.high = limit;
}

// Waveform of one channel, of the chosen layer, where it is in view.
function showWave(r) {
  const layer = layerOf[chosen.value];
  const numbers = samples[layer.name].subarray(r * columns, (r + 1) * columns);
  const x = Array.from(numbers, (_, n) => firstTime + n * perColumn);
  wave_source.data = {x, y: Array.from(numbers, value => value * layer.step)};
  wave.title.text = `${layer.name}, channel ${setup.channels[0] + r}` + (layer.unit ? ` [${layer.unit}]` : "");
}

// Row with the largest sum of the first layer in the region that the page opens on.
function fullestRow() {
  const first = samples[setup.layers[0].name];
  const [left, right, bottom, top] = setup.opening;
  const [from, to] = [Math.floor(column(left)), Math.floor(column(right))];
  const sum = r => first.subarray(r * columns + from, r * columns + to).reduce((a, b) => a + b, 0);
  let fullest = Math.floor(row(bottom));
  for (let r = fullest + 1; r < Math.floor(row(top)); r++) if (sum(r) > sum(fullest)) fullest = r;
  return fullest;
}

// Shows a range of times and of channels: left, right, bottom, top.
function show([left, right, bottom, top]) {
  plot.x_range.setv({start: left, end: right});
  plot.y_range.setv({start: bottom, end: top});
}
const showAll = () => show([...plot.x_range.bounds, ...plot.y_range.bounds]);
const showSignal = () => show(setup.opening);

// Keys on the plane: arrows move by a fifth of the view, + and - zoom, 0 shows all, 1 the signal.
function press(event) {
  const move = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[event.key];
  const zoom = {"+": 0.7, "=": 0.7, "-": 1 / 0.7}[event.key];
  const region = {"0": showAll, "1": showSignal}[event.key];
  if (!move && !zoom && !region) return;
  event.preventDefault();
  if (region) return region();
  for (const [n, range] of [plot.x_range, plot.y_range].entries()) {
    const [low, high] = range.bounds;
    const middle = (range.start + range.end) / 2 + (move ? move[n] * (range.end - range.start) / 5 : 0);
    const half = Math.min((range.end - range.start) * (zoom ?? 1), high - low) / 2;
    const centre = Math.min(high - half, Math.max(low + half, middle));
    [range.start, range.end] = [centre - half, centre + half];
  }
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
  showWave(r);
  values.text = `<b>channel ${channel}, tick ${tick}</b>, ${time} us<table>${lines.join("")}</table>`;
}

const escaped = text => text.replace(/[&<>]/g, c => ({"&": "&amp;", "<": "&lt;", ">": "&gt;"})[c]);

Promise.all(setup.layers.map(unpack)).then(() => {
  window.roilab = {redraw, hover, draw, valuesAt, showAll, showSignal, plot, source, precision: setup.layers.map(l => [l.name, l.step])};
  dress();
  darkness.addEventListener("change", () => { dress(); redraw(); });
  draw();
  showWave(fullestRow());
  document.documentElement.lang = "en";
  document.body.tabIndex = 0;
  document.addEventListener("keydown", event => {
    if (event.composedPath()[0] === document.body) press(event);
  });
  document.documentElement.dataset.roilab = "ready";
});
