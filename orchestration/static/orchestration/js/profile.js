// One's own account: names, password, sessions, tokens.
import { complain, send } from "./desk.js";

const values = (form) => Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));

for (const form of document.querySelectorAll("[data-own]")) {
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const said = form.querySelector("[data-own-said]");
        const body = values(form);
        if ("ownRepeat" in form.dataset && body.new_password !== body.repeat) {
            said.textContent = "The two new passwords differ.";
            return;
        }
        try {
            const answer = await send(form.dataset.own, body);
            if (answer.url) window.location.assign(answer.url);
            else said.textContent = answer.message;
        } catch (error) {
            said.textContent = error.message;
        }
    });
}

for (const button of document.querySelectorAll("[data-revoke]")) {
    button.addEventListener("click", async () => {
        if (button.textContent !== "Really revoke?") {
            button.textContent = "Really revoke?";
            return;
        }
        await send(button.dataset.revoke, {}).then(() => window.location.reload(), complain);
    });
    button.addEventListener("blur", () => { button.textContent = "Revoke"; });
}

const form = document.querySelector("[data-token]");
if (form) {
    const dialog = document.querySelector("[data-token-shown]");
    const text = dialog.querySelector("[data-token-text]");
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        try {
            text.textContent = (await send(form.dataset.token, values(form))).token;
            dialog.showModal();
        } catch (error) {
            form.querySelector("[data-own-said]").textContent = error.message;
        }
    });
    dialog.querySelector("[data-token-copy]").addEventListener("click", async (event) => {
        const selection = window.getSelection();
        selection.selectAllChildren(text);
        await navigator.clipboard?.writeText(text.textContent).catch(() => {});
        event.target.textContent = "Copied";
    });
    dialog.querySelector("[data-token-close]").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => { text.textContent = ""; window.location.reload(); });
}
