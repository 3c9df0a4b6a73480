// The screen of someone who went away: hides everything after a while, asks for a proof, and gives the page back as it
// was, unsaved text included. On a device used in turns it goes to the lock screen of all of them instead, and the server
// keeps what was being written for its person. Tells the server that a person is here, which what a page asks by itself does not.
(() => {
  "use strict";
  const root = document.documentElement;
  const idle = Number(root.dataset.idle) * 1000;
  const dialog = document.getElementById("lock");
  if (!idle || !dialog) return;
  const body = document.getElementById("lock-body");
  const token = () => document.querySelector("meta[name=csrf]")?.content || "";
  const heads = () => ({ "X-CSRFToken": token(), "X-In-Place": "1", "X-Person": root.dataset.person });
  const others = "BroadcastChannel" in window ? new BroadcastChannel("yishe-lock") : null;
  let last = Date.now();
  let told = Date.now();

  // -- Signs of a person, in this tab or another of the same browser.
  const here = () => {
    if (dialog.open) return;
    const now = Date.now();
    if (now - last > 2000) others?.postMessage({ person: root.dataset.person, here: now });
    last = now;
    if (now - told < Math.min(60000, idle / 3)) return;
    told = now;
    fetch("/awake", { method: "POST", headers: heads() }).then((answer) => { if (answer.status === 423) show(); }).catch(() => {});
  };
  ["pointerdown", "keydown", "wheel", "touchstart"].forEach((name) => document.addEventListener(name, here, { passive: true }));
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-Person"] = root.dataset.person;
    if (!event.detail.triggeringEvent?.isTrusted) event.detail.headers["X-By-Itself"] = "1";
  });

  // -- Locking
  const show = async () => {
    if (dialog.open) return;
    root.dataset.locked = "yes";
    if (root.dataset.turns) return leave();
    dialog.showModal();
    await fetch("/lock", { method: "POST", headers: heads() }).catch(() => {});
    others?.postMessage({ person: root.dataset.person, locked: true });
    try {
      const answer = await fetch("/unlock", { headers: heads() });
      if (answer.redirected) return location.assign("/sign-in");
      body.innerHTML = await answer.text();
      document.dispatchEvent(new Event("passkeys"));
      body.querySelector("input[autofocus]")?.focus();
    } catch {
      body.textContent = "网络断开：联通后刷新页面再解锁。";
    }
  };

  // -- A device used in turns: what was being written, and away.
  const written = () => {
    const inside = document.querySelector("#dialog[open] form[action]");
    const forms = inside ? [inside] : [...document.querySelectorAll("main form[method=post][action]")];
    const form = forms.find((one) => fields(one).some(([, , changed]) => changed));
    const at = inside && form ? form.getAttribute("action") : location.pathname + location.search;
    return { at, action: form?.getAttribute("action"), fields: form ? fields(form).map(([name, value]) => [name, value]) : [] };
  };
  const fields = (form) => [...form.elements].filter((el) => el.name && !["hidden", "password", "file", "submit", "button"].includes(el.type)).flatMap((el) => {
    const choice = el.type === "checkbox" || el.type === "radio";
    if (choice) return el.checked ? [[el.name, el.value, el.checked !== el.defaultChecked]] : [];
    if (el.tagName === "SELECT") return [...el.selectedOptions].map((one) => [el.name, one.value, !one.defaultSelected && el.selectedIndex > 0]);
    return el.value ? [[el.name, el.value, el.value !== el.defaultValue]] : [];
  });
  let leaving = false;
  const leave = async () => {
    if (leaving) return;
    leaving = true;
    const body = new FormData();
    body.set("draft", JSON.stringify(written()));
    await fetch("/switch", { method: "POST", headers: heads(), body }).catch(() => {});
    others?.postMessage({ person: root.dataset.person, locked: true });
    location.replace("/switch");
  };
  const give = async () => {
    history.replaceState(null, "", location.pathname + location.search);
    const answer = await fetch("/draft", { method: "POST", headers: heads() }).catch(() => null);
    const draft = answer?.ok ? await answer.json() : {};
    const form = draft.action && [...document.forms].find((one) => one.getAttribute("action") === draft.action);
    if (!form) return;
    (draft.fields || []).forEach(([name, value]) => [...form.elements].filter((el) => el.name === name).forEach((el) => {
      if (el.type === "checkbox" || el.type === "radio") { if (el.value === value) el.checked = true; }
      else if (el.tagName === "SELECT") [...el.options].filter((one) => one.value === value).forEach((one) => { one.selected = true; });
      else if (el.type !== "hidden") el.value = value;
    }));
  };
  if (location.hash === "#draft") give();
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  const open = () => {
    last = told = Date.now();
    dialog.close();
    body.replaceChildren();
    delete root.dataset.locked;
  };
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  document.addEventListener("locked", show);
  document.addEventListener("click", (event) => { if (event.target.closest("[data-lock]")) { event.preventDefault(); show(); } });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && Date.now() - last >= idle) show(); });
  setInterval(() => { if (Date.now() - last >= idle) show(); }, Math.min(5000, idle / 4));
  others?.addEventListener("message", ({ data }) => {
    if (data.person !== root.dataset.person) return location.reload();
    if (data.here) last = Math.max(last, data.here);
    if (data.locked) show();
    if (data.opened && dialog.open) open();
  });

  // -- Unlocking in place
  body.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.getAttribute("action") !== "/unlock") return;
    event.preventDefault();
    try {
      const answer = await fetch("/unlock", { method: "POST", headers: heads(), body: new FormData(form) });
      if (answer.redirected) return location.assign("/sign-in");
      if (answer.status === 204) { others?.postMessage({ person: root.dataset.person, opened: true }); return open(); }
      const said = await answer.json();
      const banner = document.createElement("div");
      banner.className = "banner red";
      banner.textContent = said.title;
      document.getElementById("lock-error").replaceChildren(banner);
      if (form.elements.answer) form.elements.answer.value = "";
      ["password", "pin"].forEach((name) => { if (form.elements[name]) form.elements[name].value = ""; });
    } catch {
      document.getElementById("lock-error").textContent = "网络断开：联通后再按一次。";
    }
  });
})();
