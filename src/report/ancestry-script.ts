import { createHash } from "node:crypto";

/**
 * The one script of our pages, for eyes that want a picture larger: keys + − 0 and the arrows, buttons, the wheel with Ctrl, and dragging. It
 * reads nothing but the picture's size, asks nobody for anything, and without it the picture is whole, and scrolls.
 */
export const ANCESTRY_SCRIPT = `"use strict";
for (const box of document.querySelectorAll("[data-picture]")) {
  const svg = box.querySelector("svg");
  if (svg === null) continue;
  const width = Number(svg.getAttribute("width"));
  const height = Number(svg.getAttribute("height"));
  let scale = 1;
  const zoom = (to, x = box.clientWidth / 2, y = box.clientHeight / 2) => {
    const next = Math.min(4, Math.max(0.1, to));
    const ratio = next / scale;
    const left = (box.scrollLeft + x) * ratio - x;
    const top = (box.scrollTop + y) * ratio - y;
    scale = next;
    svg.setAttribute("width", String(width * scale));
    svg.setAttribute("height", String(height * scale));
    box.scrollLeft = left;
    box.scrollTop = top;
    for (const shown of bar.querySelectorAll("output")) shown.textContent = Math.round(scale * 100) + " %";
  };
  const fit = () => zoom(Math.min(1, box.clientWidth / width));
  const bar = document.createElement("p");
  bar.className = "zoom";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Size of the picture");
  const button = (text, label, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    bar.append(made);
  };
  button("+", "Larger", () => zoom(scale * 1.25));
  button("\\u2212", "Smaller", () => zoom(scale / 1.25));
  button("Fit", "Fit the width", fit);
  button("100 %", "100 %, as drawn", () => zoom(1));
  bar.append(document.createElement("output"));
  box.before(bar);
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 60;
    const acts = {
      "+": () => zoom(scale * 1.25), "=": () => zoom(scale * 1.25),
      "-": () => zoom(scale / 1.25), "0": fit,
      ArrowLeft: () => { box.scrollLeft -= step; }, ArrowRight: () => { box.scrollLeft += step; },
      ArrowUp: () => { box.scrollTop -= step; }, ArrowDown: () => { box.scrollTop += step; },
    };
    const act = acts[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  });
  box.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const place = box.getBoundingClientRect();
    zoom(scale * Math.exp(-event.deltaY / 300), event.clientX - place.left, event.clientY - place.top);
  }, { passive: false });
  let held;
  box.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && event.pointerType === "mouse") held = { x: event.clientX, y: event.clientY, moved: false };
  });
  box.addEventListener("pointermove", (event) => {
    if (held === undefined || event.buttons === 0) return;
    const [x, y] = [event.clientX - held.x, event.clientY - held.y];
    if (!held.moved && Math.abs(x) + Math.abs(y) < 6) return;
    held = { x: event.clientX, y: event.clientY, moved: true };
    box.scrollLeft -= x;
    box.scrollTop -= y;
  });
  box.addEventListener("click", (event) => {
    if (held?.moved) event.preventDefault();
    held = undefined;
  }, true);
  box.addEventListener("dragstart", (event) => event.preventDefault());
  zoom(Math.max(0.6, Math.min(1, box.clientWidth / width)));
  const [first] = svg.querySelectorAll(".node-box");
  if (first !== undefined) box.scrollLeft = (Number(first.getAttribute("x")) + Number(first.getAttribute("width")) / 2) * scale - box.clientWidth / 2;
}
`;

/** Where it is served: other content has another address, so that it may be kept for ever. */
export const ANCESTRY_SCRIPT_PATH = `/assets/ancestry-${createHash("sha256").update(ANCESTRY_SCRIPT).digest("hex").slice(0, 16)}.js`;
