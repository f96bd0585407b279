// The network in the browser, and the page around it. Nothing is sent anywhere: pictures stay in this tab.

const MAX_SIDE = 2048; // pixels of a photo's longer side: telephones refuse larger canvases
const BUILDS = {webgpu: "ort.webgpu.min.mjs", wasm: "ort.wasm.min.mjs"};

/** The content of check.bin: a drawn pair in the network's size, and torch's answer to it. */
export function checkPair(buffer, [height, width]) {
  const area = height * width, answer = new Float32Array(buffer, 0, 3 * area);
  const plane = (index) => Float32Array.from(new Uint8Array(buffer, 12 * area + index * area, area));
  const picture = (first) => ({width, height, planes: [0, 1, 2].map((c) => plane(first + c))});
  return {person: picture(0), cloth: picture(3), edge: plane(6).map((x) => 255 * x), answer};
}

/** The network on a provider, "webgpu" or "wasm"; the threads are those of WASM. */
export async function openNetwork(provider, threads, model, size) {
  const folder = new URL("onnxruntime-web/", import.meta.url).href;
  const ort = await import(folder + BUILDS[provider]);
  Object.assign(ort.env.wasm, {numThreads: threads, wasmPaths: folder});
  const session = await ort.InferenceSession.create(new Uint8Array(model), {executionProviders: [provider]});
  const tensor = (planes, scale) => {
    const values = new Float32Array(planes.length * size[0] * size[1]);
    planes.forEach((plane, c) => plane.forEach((x, i) => { values[c * plane.length + i] = scale(x); }));
    return new ort.Tensor("float32", values, [1, planes.length, ...size]);
  };
  return async (person, cloth, edge) => {
    const signed = (x) => Math.fround(x / 127.5) - 1;
    const inputs = {
      person: tensor(person.planes, signed),
      cloth: tensor(cloth.planes, signed),
      cloth_edge: tensor([edge], (x) => +(x > 127)),
    };
    return (await session.run(inputs, ["image"])).image.data;
  };
}

/** How far an answer is from the stored one, and whether that is within the tolerance ({max} or {mean}). */
export function compared(answer, expected, tolerance) {
  let max = 0, total = 0;
  for (let i = 0; i < expected.length; i++) {
    const off = Math.abs(answer[i] - expected[i]);
    if (off > max) max = off;
    total += off; // a NaN stays, and is not fine
  }
  const mean = total / expected.length;
  return {max, mean, fine: max <= (tolerance.max ?? 2) && mean <= (tolerance.mean ?? 2)};
}

/** A network that gives the stored answer: on WebGPU where there is one, else on WASM; `say` is told what differed. */
export async function openChecked(manifest, model, check, threads, webgpu, say) {
  const pair = checkPair(check, manifest.size);
  for (const provider of webgpu ? ["webgpu", "wasm"] : ["wasm"]) {
    let fault;
    try {
      const run = await openNetwork(provider, threads, model, manifest.size);
      const off = compared(await run(pair.person, pair.cloth, pair.edge), pair.answer, manifest.tolerance);
      if (off.fine) return {run, provider, off};
      fault = `answers otherwise than the network (off by ${off.max.toPrecision(2)})`;
    } catch (error) {
      fault = `does not run the network (${String(error.message ?? error).split("\n")[0]})`;
    }
    if (provider === "wasm") throw new Error(`WASM ${fault}: this browser cannot be used.`);
    say(`WebGPU ${fault}, so WASM is used. `);
  }
}

/** A person's photo and a garment's, with its mask, to the person in the garment, and the network's milliseconds. */
export async function tryOn(run, size, person, garment, mask) {
  const box = letterbox(person, size, true), clothBox = letterbox(garment, size, false);
  const inputs = [fit(person, box), fit(garment, clothBox), fitMask(mask, garment, clothBox)];
  const start = performance.now();
  const answer = await run(...inputs);
  const ms = performance.now() - start, area = size[0] * size[1];
  const bytes = toBytes(Float32Array.from(answer, (x) => (Math.fround(x) + 1) * 127.5));
  const planes = [0, 1, 2].map((c) => bytes.slice(c * area, (c + 1) * area));
  return {picture: restore(person, box, {width: size[1], height: size[0], planes}), ms};
}

/** Canvas pixels as a picture, transparency laid on white, and their transparency. */
export function fromPixels({data, width, height}) {
  const alpha = Float32Array.from({length: width * height}, (_, i) => data[4 * i + 3]);
  const planes = [0, 1, 2].map((c) => alpha.map((a, i) => rounded((data[4 * i + c] * a + 255 * (255 - a)) / 255)));
  return {picture: {width, height, planes}, alpha};
}

/** Canvas pixels of a picture; where a mask is given, what lies off it is faint. */
function toPixels({width, height, planes}, mask) {
  const pixels = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = planes[c][i];
    pixels.data[4 * i + 3] = mask && mask[i] <= 127 ? 60 : 255;
  }
  return pixels;
}

function start(page) {
  const part = (id) => page.getElementById(id);
  const say = (text) => { part("status").textContent = text; };
  const chosen = {};
  let network, size;

  const show = (id, picture, mask) => {
    const canvas = part(id);
    [canvas.width, canvas.height] = [picture.width, picture.height];
    canvas.getContext("2d").putImageData(toPixels(picture, mask), 0, 0);
  };

  const pixelsOf = (source, width, height) => {
    const scale = Math.min(1, MAX_SIDE / Math.max(width, height)), canvas = page.createElement("canvas");
    [canvas.width, canvas.height] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
    const context = canvas.getContext("2d", {willReadFrequently: true});
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  };

  const choose = (kind, pixels) => {
    const {picture, alpha} = fromPixels(pixels);
    try {
      chosen[kind] = {picture, mask: kind === "garment" ? garmentMask(picture, alpha) : null};
      show(kind, picture, chosen[kind].mask);
      say("");
    } catch (error) {
      say(error.message);
    }
    part("go").disabled = !(network && chosen.person && chosen.garment);
  };

  const read = async (kind, blob) => {
    try {
      const bitmap = await createImageBitmap(blob);
      choose(kind, pixelsOf(bitmap, bitmap.width, bitmap.height));
    } catch {
      say("This file is no picture that the browser can read: take a JPEG, PNG or WebP.");
    }
  };

  const dress = async () => {
    part("go").disabled = true;
    say("Trying on …");
    await new Promise((done) => setTimeout(done, 30)); // lets the browser draw the line above
    try {
      const {person, garment} = chosen;
      const {picture, ms} = await tryOn(network.run, size, person.picture, garment.picture, garment.mask);
      show("before", person.picture);
      show("after", picture);
      part("result").hidden = false;
      part("ms").textContent = `${Math.round(ms)} ms in the network`;
      say("");
      part("after").toBlob((blob) => {
        URL.revokeObjectURL(part("save").href);
        part("save").href = URL.createObjectURL(blob);
      });
    } catch (error) {
      say(`The try-on failed: ${error.message}`);
    }
    part("go").disabled = false;
  };

  const film = async (kind) => {
    const dialog = part("camera"), video = dialog.querySelector("video");
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({video: {width: {ideal: 1280}}});
    } catch (error) {
      return say(`No camera: ${error.message}`);
    }
    await video.play();
    dialog.returnValue = "";
    dialog.onclose = () => {
      if (dialog.returnValue === "take") choose(kind, pixelsOf(video, video.videoWidth, video.videoHeight));
      video.srcObject.getTracks().forEach((track) => track.stop());
    };
    dialog.showModal();
  };

  for (const kind of ["person", "garment"]) {
    part(`${kind}-file`).onchange = (event) => event.target.files[0] && read(kind, event.target.files[0]);
    part(`${kind}-camera`).hidden = !navigator.mediaDevices?.getUserMedia;
    part(`${kind}-camera`).onclick = () => film(kind);
    page.querySelectorAll(`#${kind}-examples button`).forEach((button) => {
      const image = button.firstElementChild;
      button.onclick = () => choose(kind, pixelsOf(image, image.naturalWidth, image.naturalHeight));
    });
  }
  part("go").onclick = dress;
  part("slider").oninput = (event) => part("before").style.setProperty("--shown", `${event.target.value}%`);

  const load = async () => {
    const fetched = async (name, kind) => {
      const answer = await fetch(name);
      if (!answer.ok) throw new Error(`${name} could not be loaded (${answer.status}).`);
      return answer[kind]();
    };
    const [manifest, model, check] = await Promise.all([
      fetched("model.json", "json"), fetched("model.onnx", "arrayBuffer"), fetched("check.bin", "arrayBuffer"),
    ]);
    size = manifest.size;
    const threads = globalThis.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
    const webgpu = Boolean(await navigator.gpu?.requestAdapter().catch(() => null));
    let differs = "";
    network = await openChecked(manifest, model, check, threads, webgpu, (text) => { differs = text; });
    const how = network.provider === "webgpu" ? "WebGPU" : `WASM, ${threads} thread${threads > 1 ? "s" : ""}`;
    part("runtime").textContent = `${differs}Ready: ${how}; a stored try-on came out right (off by ${network.off.max.toPrecision(2)}).`;
    part("go").disabled = !(chosen.person && chosen.garment);
  };
  load().catch((error) => { part("runtime").textContent = error.message; });
}

if (typeof document !== "undefined") start(document);
