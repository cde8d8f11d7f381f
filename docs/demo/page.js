/** The page's contents and controls. */

import { NO_DATA, countClasses } from "./map.js";

const element = (id) => document.getElementById(id);

// Colours of classes if the model states none.
const SPARE_HUE = 137.5;

const state = {
  worker: null,
  facts: null,
  name: "image",
  image: null, // RGBA, of the image that is shown.
  waiting: false, // For the network to be loaded.
};

function startWorker() {
  state.worker?.terminate();
  state.facts = null;
  state.worker = new Worker("worker.js", { type: "module" });
  state.worker.onmessage = ({ data }) => answers[data.kind](data);
  state.worker.onerror = (event) =>
    answers.error({ message: `The network could not be loaded. ${event.message ?? ""}` });
}

const answers = {
  ready({ facts, threads }) {
    state.facts = facts;
    element("about").textContent =
      `${facts.preset ?? facts.system}, ${facts.system} of keras_rsseg ` +
      `${facts.version}, run by ONNX Runtime Web on ${threads} ` +
      `thread${threads > 1 ? "s" : ""}.`;
    const distance = facts.ground_sample_distance;
    element("wanted-size").textContent = distance
      ? ` The network was trained at ${distance} m.`
      : "";
    if (state.waiting) mapIt();
    else if (!state.image) say("Ready.");
  },
  progress({ done, total }) {
    const bar = element("progress");
    bar.max = total;
    bar.value = done;
    say(`Mapping: ${done} of ${total} tiles.`);
  },
  map({ map, seconds }) {
    busy(false);
    show(map);
    say(`Mapped in ${seconds.toFixed(1)} s.`);
  },
  error({ message }) {
    busy(false);
    complain(message);
  },
};

function say(text) {
  element("status").textContent = text;
}

function complain(message) {
  say("");
  element("error").textContent = message;
  element("error").hidden = false;
}

function busy(yes) {
  element("progress").hidden = !yes;
  element("stop").hidden = !yes;
  element("again").disabled = yes || !state.image;
  element("sample").disabled = yes;
  element("file").disabled = yes;
}

/** The given pixel size in metres, `null` if none. */
function pixelSize() {
  const text = element("pixel-size").value;
  return text === "" ? null : Number(text);
}

async function openImage(blob, name) {
  element("error").hidden = true;
  let bitmap;
  try {
    // Values as in the file, whatever its colour profile says.
    bitmap = await createImageBitmap(blob, {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
    });
  } catch {
    complain(
      `This browser cannot read ${name} as an image. Use JPEG, PNG or WebP; ` +
        "map GeoTIFFs with keras-rsseg predict.",
    );
    return;
  }
  const { width, height } = bitmap;
  const canvas = element("image");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  state.image = context.getImageData(0, 0, width, height);
  state.name = name.replace(/\.[^.]*$/, "");
  Object.assign(element("map"), { width, height });
  mapIt();
}

function mapIt() {
  element("error").hidden = true;
  if (!element("form").reportValidity()) {
    element("again").disabled = false;
    return;
  }
  busy(true);
  state.waiting = !state.facts;
  if (state.waiting) {
    say("Loading the network…");
    return;
  }
  const { data, width, height } = state.image;
  state.worker.postMessage({
    image: { data, width, height },
    pixelSize: pixelSize(),
  });
}

function colorOf(index) {
  const { display_palette: shown, palette } = state.facts;
  const color = (shown ?? palette)?.[index];
  return color ?? spareColor(index);
}

function spareColor(index) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d");
  context.fillStyle = `hsl(${index * SPARE_HUE} 70% 50%)`;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

function show(map) {
  const { width, height } = state.image;
  const colors = Array.from({ length: state.facts.num_classes }, (_, index) =>
    colorOf(index),
  );
  const pixels = new ImageData(width, height);
  map.forEach((value, pixel) => {
    if (value !== NO_DATA) pixels.data.set([...colors[value], 255], 4 * pixel);
  });
  element("map").getContext("2d").putImageData(pixels, 0, 0);
  showLegend(countClasses(map, state.facts.num_classes), colors);
  element("result").hidden = false;
  showOpacity();
}

function showLegend(counts, colors) {
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  const size = pixelSize();
  element("area-head").hidden = !size;
  const found = counts.map((count, index) => ({ count, index }));
  found.sort((one, other) => other.count - one.count);
  const rows = found.map(({ count, index }) => {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.append(swatch(colors[index]), className(index));
    row.append(head, cell(`${((100 * count) / total).toFixed(1)} %`));
    if (size) row.append(cell(`${area(count * size * size)}`));
    return row;
  });
  element("legend").replaceChildren(...rows);
  const said = found
    .filter(({ count }) => count)
    .map(({ count, index }) => `${className(index)} ${((100 * count) / total).toFixed(0)} %`);
  element("map").setAttribute("aria-label", `Its map: ${said.join(", ")}`);
}

function className(index) {
  return state.facts.class_names?.[index] ?? `class ${index}`;
}

function swatch(color) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 16;
  canvas.className = "color";
  canvas.setAttribute("aria-hidden", "true");
  const context = canvas.getContext("2d");
  context.fillStyle = `rgb(${color.join(" ")})`;
  context.fillRect(0, 0, 16, 16);
  return canvas;
}

function cell(text) {
  const made = document.createElement("td");
  made.textContent = text;
  return made;
}

function area(squareMetres) {
  return squareMetres < 10_000
    ? `${squareMetres.toFixed(0)} m²`
    : `${(squareMetres / 10_000).toFixed(1)} ha`;
}

function showOpacity() {
  const { value } = element("opacity");
  element("map").style.opacity = value / 100;
  element("opacity-value").textContent = `${value} %`;
}

function save() {
  element("map").toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${state.name}_map.png`;
    link.click();
    URL.revokeObjectURL(link.href);
  }, "image/png");
}

function listen() {
  const drop = element("drop");
  const allowed = (event) => {
    event.preventDefault();
    drop.classList.toggle("over", !element("file").disabled);
  };
  // Anywhere on the page, or the browser would open the file instead.
  document.addEventListener("dragover", allowed);
  document.addEventListener("dragleave", () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file && !element("file").disabled) openImage(file, file.name);
  });
  element("file").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    // So that the same file can be chosen again.
    target.value = "";
    if (file) openImage(file, file.name);
  });
  element("sample").addEventListener("click", async () => {
    const sample = await fetch("sample.json").then((answer) => answer.json());
    const image = await fetch(sample.file).then((answer) => answer.blob());
    element("pixel-size").value = sample.pixel_size;
    openImage(image, sample.file);
  });
  element("form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (state.image) mapIt();
  });
  element("stop").addEventListener("click", () => {
    startWorker();
    state.waiting = false;
    busy(false);
    say("Stopped.");
  });
  element("opacity").addEventListener("input", showOpacity);
  element("save").addEventListener("click", save);
}

listen();
startWorker();
