// The screen of someone who went away: hides everything after a while, asks for a proof, and gives the page back as it
// was, unsaved text included. Tells the server that a person is here, which what a page asks by itself does not.
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
      if (form.elements.password) form.elements.password.value = "";
    } catch {
      document.getElementById("lock-error").textContent = "网络断开：联通后再按一次。";
    }
  });
})();
