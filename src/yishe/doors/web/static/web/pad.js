// The pad one signs on: what the pen draws becomes path data of moves and lines in the hidden field named by data-pad.
// Without a pen the typed name signs; the pad shows itself only where scripts run.
(() => {
  "use strict";
  const MOST = 19000;
  document.querySelectorAll("[data-pad]").forEach((pad) => {
    const field = document.getElementById(pad.dataset.pad);
    const svg = pad.querySelector("svg");
    const path = pad.querySelector("path");
    let drawing = false;
    const draw = (text) => { field.value = text; path.setAttribute("d", text); };
    const point = (event) => {
      const box = svg.getBoundingClientRect();
      const at = (value, from, size, whole) => Math.round(Math.min(Math.max((value - from) / size, 0), 1) * whole);
      return `${at(event.clientX, box.left, box.width, 600)} ${at(event.clientY, box.top, box.height, 200)}`;
    };
    const add = (letter, event) => { if (field.value.length < MOST) draw(`${field.value}${letter}${point(event)} `); };
    svg.addEventListener("pointerdown", (event) => {
      drawing = true;
      svg.setPointerCapture(event.pointerId);
      add("M", event);
      event.preventDefault();
    });
    svg.addEventListener("pointermove", (event) => { if (drawing) add("L", event); });
    ["pointerup", "pointercancel"].forEach((name) => svg.addEventListener(name, () => { drawing = false; }));
    pad.querySelector("[data-clear]").addEventListener("click", () => draw(""));
    path.setAttribute("d", field.value);
    pad.hidden = false;
  });
})();
