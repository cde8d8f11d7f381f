/** Runs the network, so that the page stays responsive. */

import * as ort from "./ort/ort.wasm.min.mjs";
import { MapError, mapImage } from "./map.js";

// More threads would wait for each other.
const MOST_THREADS = 8;

ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;
// Threads share memory, which browsers allow only on isolated pages.
ort.env.wasm.numThreads = self.crossOriginIsolated
  ? Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS)
  : 1;

async function load() {
  const [facts, session] = await Promise.all([
    fetch("model.json").then((answer) => {
      if (!answer.ok) throw new Error("Its file is not beside the page.");
      return answer.json();
    }),
    ort.InferenceSession.create("model.onnx", {
      executionProviders: ["wasm"],
    }),
  ]);
  self.postMessage({
    kind: "ready",
    facts,
    threads: ort.env.wasm.numThreads,
  });
  return { facts, session };
}

async function run({ facts, session }, tile) {
  const size = facts.tile_size;
  const tensor = new ort.Tensor("float32", tile, [1, size, size, 3]);
  const answers = await session.run({ [session.inputNames[0]]: tensor });
  const answer = answers[session.outputNames[0]];
  const logits = answer.data;
  tensor.dispose();
  answer.dispose();
  return logits;
}

function report(error) {
  const message =
    error instanceof MapError
      ? error.message
      : `The network could not be run. ${error.message ?? error}`;
  self.postMessage({ kind: "error", message });
}

const loaded = load();
loaded.catch(report);

self.onmessage = async ({ data: { image, pixelSize } }) => {
  try {
    const model = await loaded;
    const start = performance.now();
    const map = await mapImage(
      image,
      pixelSize,
      model.facts,
      (tile) => run(model, tile),
      (done, total) => self.postMessage({ kind: "progress", done, total }),
    );
    const seconds = (performance.now() - start) / 1000;
    self.postMessage({ kind: "map", map, seconds }, [map.buffer]);
  } catch (error) {
    report(error);
  }
};
