// Everything the browser does by itself: keys, live changes, running clocks, the dialog, toasts.
// No state lives here; the server renders, this only asks it again. No inline handlers, no eval.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const root = document.documentElement;
  const skew = root.dataset.now ? Date.parse(root.dataset.now) - Date.now() : 0;
  const now = () => Date.now() + skew;
  // Before the browser's own autofocus, which waits for the first painting: who types ahead loses no character.
  $("[autofocus]")?.focus();

  // -- Clocks: <yishe-clock due="ISO" step="接单">; the server's words stand until the first tick.
  const spoken = (ms) => {
    const minutes = Math.floor(Math.abs(ms) / 60000);
    const hours = Math.floor(minutes / 60);
    if (minutes < 1) return "不到 1 分钟";
    if (hours < 1) return `${minutes} 分钟`;
    if (hours < 12) return minutes % 60 && hours < 4 ? `${hours} 小时 ${minutes % 60} 分` : `${hours} 小时`;
    if (hours < 48) return `${hours} 小时`;
    return `${Math.floor(hours / 24)} 天`;
  };
  class Clock extends HTMLElement {
    connectedCallback() { this.timer = setInterval(() => this.tick(), 20000); }
    disconnectedCallback() { clearInterval(this.timer); }
    tick() {
      const left = Date.parse(this.getAttribute("due")) - now();
      const words = left < 0 ? `${this.getAttribute("step") || ""}逾期 ${spoken(left)}` : `还剩 ${spoken(left)}`;
      if (this.textContent !== words) this.textContent = words;
      if (left < 0) this.closest(".chip, .turn")?.classList.replace("orange", "red");
    }
  }
  customElements.define("yishe-clock", Clock);

  // -- Keys: "/" searches, j and k walk the rows, Enter opens, Escape leaves, "?" lists them all.
  const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  const rows = () => $$("[data-row]", $("dialog[open]") || document).filter((row) => row.offsetParent);
  const walk = (step) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(document.activeElement?.closest("[data-row]"));
    const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step))];
    $(".open", next)?.focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const walkPicker = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !event.target.closest("[data-picker] [data-row]")) return;
    event.preventDefault();
    const first = rows()[0] === event.target.closest("[data-row]");
    if (first && step < 0) focusSearch(); else walk(step);
  };
  const showKeys = () => {
    const keys = $("#keys");
    if (!keys || $("dialog[open]")) return;
    $("#dialog-body").replaceChildren(keys.content.cloneNode(true));
    $("#dialog").showModal();
  };
  const focusSearch = () => {
    const box = $$("input[type=search]").find((input) => input.offsetParent);
    if (box) { box.focus(); box.select(); } else location.assign(root.dataset.search || "/residents");
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      if (event.key === "ArrowDown" && event.target.type === "search") { event.preventDefault(); walk(1); }
      if (event.key === "Enter" && event.target.closest("[data-picker] > .find")) { event.preventDefault(); $(".open", rows()[0])?.click(); }
      return;
    }
    walkPicker(event);
    if (event.key === "?") showKeys();
    if (event.key === "/") { event.preventDefault(); focusSearch(); }
    if (event.key === "j") walk(1);
    if (event.key === "k") walk(-1);
    if (event.key === "x") $("[data-pick]", document.activeElement?.closest("[data-row]") || document.createElement("i"))?.click();
    if (event.key === "Escape") $$("details.me[open]").forEach((menu) => menu.removeAttribute("open"));
  });
  document.addEventListener("click", (event) => {
    $$("details.me[open]").forEach((menu) => menu.contains(event.target) || menu.removeAttribute("open"));
    if (event.target.closest("[data-close]")) $("#dialog")?.close();
    if (event.target.closest("[data-print]")) window.print();
    if (event.target.closest("[data-back]")) { event.preventDefault(); history.back(); }
    if (event.target.closest("[data-again]")) location.reload();
    if (event.target.closest("[data-aloud]")) aloud();
    if (event.target.id === "dialog") event.target.close();
  });

  // -- Rows are ticked one by one, or the page at once; how many are is said.
  document.addEventListener("change", (event) => {
    const picks = $$("[data-pick]");
    if (event.target.matches("[data-pick-all]")) picks.forEach((one) => { one.checked = event.target.checked; });
    else if (!event.target.matches("[data-pick]")) return;
    const ticked = picks.filter((one) => one.checked).length;
    const said = $("[data-pick-count]");
    if (said) said.textContent = ticked ? `已勾选 ${ticked} 位` : "";
  });

  // -- 长辈模式: the page read aloud, once; pressed again it stops.
  const aloud = () => {
    const voice = window.speechSynthesis;
    if (!voice) return toast("这台设备不能朗读");
    if (voice.speaking) return voice.cancel();
    const speech = new SpeechSynthesisUtterance($("#main").innerText.slice(0, 2000));
    speech.lang = "zh-CN";
    speech.rate = 0.9;
    voice.speak(speech);
  };

  // -- Toasts
  const toast = (words, undo) => {
    const note = document.createElement("div");
    note.className = "toast";
    note.append(words);
    if (undo) {
      const button = document.createElement("button");
      button.className = "btn";
      button.textContent = undo.words;
      button.addEventListener("click", () => { htmx.ajax("POST", undo.url, { swap: "none" }); note.remove(); });
      note.append(button);
    }
    $("#toasts")?.append(note);
    setTimeout(() => note.remove(), undo ? 9000 : 5000);
  };
  setTimeout(() => $$("#toasts .toast").forEach((note) => note.remove()), 6000);

  // -- htmx: answers land in fragments; a form may open in the dialog; a refusal shows where the person is.
  const refresh = (match = () => true) => $$("[data-live]").filter(match).forEach((el) => htmx.trigger(el, "refresh"));
  // -- A fragment that is drawn anew takes nobody's place away: the same thing is focused, else the row that came there.
  let kept = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const focused = document.activeElement;
    if (!event.target.matches?.("[data-live]") || !event.target.contains(focused)) return;
    kept = { id: focused.id, place: rows().indexOf(focused.closest("[data-row]")) };
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (!kept) return;
    const { id, place } = kept;
    kept = null;
    if (document.activeElement !== document.body) return;
    const all = rows();
    const there = (id && document.getElementById(id)) || (place >= 0 && $(".open", all[Math.min(place, all.length - 1)])) || $("#main");
    there?.focus({ preventScroll: true });
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const token = $("meta[name=csrf]")?.content;
    if (token) event.detail.headers["X-CSRFToken"] = token;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "dialog-body" && !$("#dialog").open) $("#dialog").showModal();
    if (event.target.id === "dialog-body") ($(".bad input, .bad textarea, .bad select", event.target) || $("input:not([type=hidden]), select, textarea", event.target) || $(".btn.go", event.target))?.focus();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (!event.target.id.startsWith("refused")) return;
    $(".banner", event.target)?.focus();
    event.target.scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("htmx:sendError", () => toast("没有送达：网络断开。内容还在，联通后请再按一次。"));
  document.addEventListener("acted", (event) => {
    $("#dialog")?.close();
    if (event.detail.words) toast(event.detail.words, event.detail.undo);
    refresh();
  });

  // -- On a narrow screen the list comes before its filters, unless some are set.
  if (innerWidth <= 760) $$("[data-fold]:not([data-keep])").forEach((fold) => fold.removeAttribute("open"));

  // -- Plain forms: one press is one press; filters apply when changed. While one is on its way, nothing reloads the page.
  let leaving = false;
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[hx-post]") || event.target.method === "get") return;
    leaving = true;
    setTimeout(() => $$("button", event.target).forEach((button) => { button.disabled = true; }), 0);
    setTimeout(() => { leaving = false; $$("button", event.target).forEach((button) => { button.disabled = false; }); }, 8000);
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest("form[data-auto]")) event.target.form.requestSubmit();
    if (event.target.matches(".drop input[type=file]")) $("output", event.target.closest(".drop")).textContent = event.target.files[0]?.name || "";
  });

  // -- Reason picker: words, code, pinyin or its initials.
  document.addEventListener("input", (event) => {
    const picker = event.target.closest("[data-picker]");
    if (!picker) return;
    const asked = event.target.value.trim().toLowerCase().replace(/\s+/g, "");
    let shown = 0;
    $$("[data-words]", picker).forEach((row) => {
      row.hidden = Boolean(asked) && !row.dataset.words.includes(asked);
      shown += row.hidden ? 0 : 1;
    });
    $$("[data-heading]", picker).forEach((heading) => { heading.hidden = Boolean(asked); });
    $$("[data-often]", picker).forEach((row) => { row.hidden = Boolean(asked); });
    $("[data-none]", picker).hidden = shown > 0;
    const count = $("[data-count]", picker);
    if (count) count.textContent = asked ? count.dataset.count.replace("#", shown) : "";
  });

  // -- A look that ends at its time: the minutes left, and at the end the page is asked for anew and says that it is over.
  $$("[data-left]").forEach((el) => {
    const ends = performance.now() + 1000 * Number(el.dataset.left);
    const tick = () => {
      const left = ends - performance.now();
      if (left <= 0) { location.reload(); return; }
      $("[data-minutes]", el).textContent = Math.ceil(left / 60000);
      setTimeout(tick, Math.min(left + 500, 15000));
    };
    tick();
  });

  // -- 评估: a question that an answer calls for appears, one that falls away is hidden; what was not saved says so.
  document.addEventListener("htmx:afterSwap", () => {
    const asked = $("#assessment-state")?.dataset.asked;
    if (asked === undefined) return;
    const codes = new Set(asked.split(" "));
    $$("fieldset[data-item]").forEach((item) => { item.hidden = !codes.has(item.dataset.item); });
    const { refused, words } = $("#assessment-state").dataset;
    $$(".followup fieldset[data-item]").forEach((item) => {
      const bad = item.dataset.item === refused;
      item.classList.toggle("bad", bad);
      const error = $(".error", item);
      error.hidden = !bad;
      error.textContent = bad ? words : "";
    });
  });
  // -- 随访: a digit chooses, Enter goes to the next question, Ctrl+Enter submits; an unusual value asks for its repeat at its place.
  const onward = (item) => {
    const all = $$("fieldset[data-item]", item.form).filter((one) => !one.hidden);
    const next = all[all.indexOf(item) + 1];
    const to = next ? $("input:checked, input:not([type=hidden])", next) : $(".btn.go", item.form);
    to?.focus();
    if (to?.matches(".figure[type=text]")) to.select();
  };
  document.addEventListener("keydown", (event) => {
    const item = event.target.closest?.(".followup fieldset[data-item]");
    if (!item || event.isComposing || event.altKey) return;
    if (event.key === "Enter") {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) item.form.requestSubmit($(".btn.go", item.form)); else onward(item);
      return;
    }
    const choices = $$(".options input", item);
    const chosen = choices.includes(event.target) && choices[Number(event.key) - 1];
    if (!chosen) return;
    event.preventDefault();
    const turns = !chosen.checked;
    if (chosen.type === "radio") item.dataset.onward = "";
    chosen.focus();
    chosen.click();
    if (!turns && chosen.type === "radio") { delete item.dataset.onward; onward(item); }
  });
  // Not before the answer is back: it may call for a question in between.
  document.addEventListener("htmx:afterRequest", (event) => {
    const item = event.target.closest?.("fieldset[data-onward]");
    if (!item) return;
    delete item.dataset.onward;
    if (item.contains(document.activeElement)) onward(item);
  });
  document.addEventListener("input", (event) => {
    const item = event.target.closest(".followup fieldset[data-soft]");
    if (!item || !event.target.matches(".figure")) return;
    const [low, high] = item.dataset.soft.split(" ").map(Number);
    const value = event.target.value.trim() === "" ? NaN : Number(event.target.value);
    $(".again", item).hidden = Number.isNaN(value) || (value >= low && value <= high);
    $(".again input", item).checked = false;
  });
  const saving = (words) => { const state = $("#assessment-state .saved"); if (state) state.textContent = words; };
  document.addEventListener("htmx:beforeRequest", (event) => event.target.dataset?.item && saving("正在存…"));
  document.addEventListener("htmx:sendError", () => saving("没有存下：网络断开，联通后请按“存草稿”"));

  // -- 今日电话: a digit says what came of the call and moves to what it asks for; Enter is the form's own.
  document.addEventListener("keydown", (event) => {
    const form = $("form.calling");
    if (!form || $("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.matches("input:not([type=radio], [type=checkbox]), textarea, select")) return;
    const chosen = $(`[data-digit="${event.key}"]`, form);
    if (!chosen) return;
    event.preventDefault();
    chosen.checked = true;
    ((chosen.dataset.then && document.getElementById(chosen.dataset.then)) || chosen).focus();
  });

  // -- Live: what changed elsewhere appears here without a reload.
  const usual = $("#offline div")?.innerHTML;
  const banner = (shown) => { const el = $("#offline"); if (el) el.hidden = !shown; if (el && !shown) $("div", el).innerHTML = usual; };
  // Refused for another reason than a broken line (too many pages open): in the server's words.
  const ask = async () => {
    const leave = new AbortController();
    try {
      const answer = await fetch(root.dataset.live, { signal: leave.signal });
      if (answer.status === 429) { $("#offline div").textContent = (await answer.json()).title; banner(true); }
      return answer.status === 429 ? 30000 : 8000;
    } catch { return 8000; } finally { leave.abort(); }
  };
  const listen = () => {
    const source = new EventSource(root.dataset.live);
    let lost = false;
    let waiting;
    const due = new Set();
    const flush = () => {
      const loops = new Set(due);
      due.clear();
      refresh((el) => !el.dataset.loop || loops.has(el.dataset.loop) || loops.has("*"));
    };
    const heard = (event) => {
      let data = {};
      try { data = JSON.parse(event.data); } catch { data = {}; }
      due.add(data.loop || "*");
      clearTimeout(waiting);
      waiting = setTimeout(flush, 150);
    };
    // What someone may see changed: a page about that resident is asked for anew, and says so if it is closed now.
    source.addEventListener("access", (event) => {
      let about = "";
      try { about = JSON.parse(event.data).subject; } catch { about = ""; }
      if (about && !leaving && $(`[data-about="${about}"]`)) location.reload();
    });
    ["loop", "notice", "timeline"].forEach((name) => source.addEventListener(name, heard));
    source.onopen = () => { banner(false); if (lost) refresh(); lost = false; root.dataset.connected = "yes"; };
    source.onerror = () => {
      lost = true;
      root.dataset.connected = "no";
      setTimeout(() => lost && banner(true), 4000);
      if (source.readyState === EventSource.CLOSED) { source.close(); ask().then((wait) => setTimeout(listen, wait)); }
    };
  };
  if (root.dataset.live && window.EventSource) listen();
  window.addEventListener("offline", () => banner(true));
  window.addEventListener("online", () => banner(false));
})();
