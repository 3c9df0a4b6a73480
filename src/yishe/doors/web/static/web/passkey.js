// Passkeys: asks the server for a challenge, the device for an answer, and sends it as an ordinary form.
// Forms: <form data-passkey="get|create" data-ask="URL">, hidden until this browser is known to be able to.
(() => {
  "use strict";
  const able = Boolean(window.PublicKeyCredential && window.isSecureContext);
  const reveal = () => document.querySelectorAll("form[data-passkey]").forEach((form) => { form.hidden = !able; });
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (keys) => (keys || []).map((key) => ({ ...key, id: bytes(key.id) }));

  const REASONS = {
    NotAllowedError: "没有完成：已取消，或时间太久。请再按一次。",
    InvalidStateError: "这台设备已经添加过通行密钥。",
    SecurityError: "这个网址不能用通行密钥：请用域名（或 localhost）打开。",
  };

  const ask = async (form) => {
    const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
    const answer = await fetch(form.dataset.ask, { method: "POST", headers: { "X-CSRFToken": token }, redirect: "error" });
    if (!answer.ok) throw new Error("ask");
    return answer.json();
  };
  const create = async (asked) => {
    const made = await navigator.credentials.create({ publicKey: {
      ...asked, challenge: bytes(asked.challenge), user: { ...asked.user, id: bytes(asked.user.id) }, excludeCredentials: listed(asked.excludeCredentials),
    } });
    return { id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: {},
      response: { clientDataJSON: text(made.response.clientDataJSON), attestationObject: text(made.response.attestationObject) } };
  };
  const get = async (asked) => {
    const options = { ...asked, challenge: bytes(asked.challenge) };
    if (asked.allowCredentials) options.allowCredentials = listed(asked.allowCredentials);
    const given = await navigator.credentials.get({ publicKey: options });
    return { id: given.id, rawId: text(given.rawId), type: given.type, clientExtensionResults: {},
      response: { clientDataJSON: text(given.response.clientDataJSON), authenticatorData: text(given.response.authenticatorData),
        signature: text(given.response.signature), userHandle: given.response.userHandle ? text(given.response.userHandle) : null } };
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-passkey]");
    if (!form || form.elements.answer.value) return;
    event.preventDefault();
    event.stopPropagation();
    const error = form.querySelector(".error");
    error.hidden = true;
    try {
      const asked = await ask(form);
      form.elements.challenge.value = asked.challenge;
      form.elements.answer.value = JSON.stringify(await (form.dataset.passkey === "create" ? create : get)(asked.publicKey));
      form.requestSubmit();
    } catch (fault) {
      error.textContent = REASONS[fault.name] || "现在用不了通行密钥：请稍后再试，或用密码。";
      error.hidden = false;
    }
  }, true);
  document.addEventListener("passkeys", reveal);
  reveal();
})();
