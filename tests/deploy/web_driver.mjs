// Runs functions of an exported tryon.mjs on arrays from python: node web_driver.mjs FOLDER TASK.json, answers in files.

import fs from "node:fs";
import path from "node:path";
import {pathToFileURL} from "node:url";

const [folder, taskFile] = process.argv.slice(2);
const page = await import(pathToFileURL(path.join(folder, "tryon.mjs")).href);
const task = JSON.parse(fs.readFileSync(taskFile, "utf8"));
const near = (name) => path.join(path.dirname(taskFile), name);
const bytes = (name) => Float32Array.from(fs.readFileSync(near(name)));
const picture = ({file, height, width}) => { // (3, height, width)
  const all = bytes(file), area = height * width;
  return {height, width, planes: [0, 1, 2].map((c) => all.slice(c * area, (c + 1) * area))};
};
const write = (name, planes) => fs.writeFileSync(near(name), Buffer.concat(planes.map((p) => Buffer.from(Uint8Array.from(p)))));

const jobs = {
  prepare({person, cloth, mask, size}) {
    const photo = picture(person), garment = picture(cloth);
    const edge = mask ? bytes(mask) : page.clothMask(garment);
    const box = page.letterbox(photo, size, true), clothBox = page.letterbox(garment, size, false);
    write("person.out", page.fit(photo, box).planes);
    write("cloth.out", page.fit(garment, clothBox).planes);
    write("edge.out", [page.fitMask(edge, garment, clothBox)]);
    write("mask.out", [edge]);
  },
  restore({person, answer, size}) {
    const photo = picture(person);
    write("restored.out", page.restore(photo, page.letterbox(photo, size, true), picture(answer)).planes);
  },
  async answer({threads}) { // the stored pair, by onnxruntime-web
    const read = (name) => new Uint8Array(fs.readFileSync(path.join(folder, name)));
    const manifest = JSON.parse(fs.readFileSync(path.join(folder, "model.json"), "utf8"));
    const model = read("model.onnx"), check = read("check.bin").buffer, told = [];
    const {run, provider, off} = await page.openChecked(manifest, model, check, threads, false, (text) => told.push(text));
    const {person, cloth, edge} = page.checkPair(check, manifest.size);
    const times = [];
    for (let i = 0; i < (task.repeat ?? 1); i++) {
      const start = performance.now();
      await run(person, cloth, edge);
      times.push(performance.now() - start);
    }
    fs.writeFileSync(near("answer.out"), JSON.stringify({provider, off, told, times}));
  },
};

await jobs[task.job](task);
process.exit(0); // threads of the runtime would keep it alive
