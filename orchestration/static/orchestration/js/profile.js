// One's own account: names, password, sessions, tokens.
import { refuse, send, sendBy } from "./desk.js";

const values = (form) => Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));

for (const form of document.querySelectorAll("[data-own]")) {
    const say = ({ message }) => { form.querySelector("[data-own-said]").textContent = message; };
    sendBy(form, async () => {
        const body = values(form);
        if ("ownRepeat" in form.dataset && body.new_password !== body.repeat) throw new Error("The two new passwords differ.");
        const answer = await send(form.dataset.own, body);
        if (!answer.url) say(answer);
        return answer.url;
    }, say);
}

for (const button of document.querySelectorAll("[data-revoke]")) {
    button.addEventListener("click", async () => {
        if (button.textContent !== "Really revoke?") {
            button.textContent = "Really revoke?";
            return;
        }
        await send(button.dataset.revoke, {}).then(() => window.location.reload(), refuse);
    });
    button.addEventListener("blur", () => { button.textContent = "Revoke"; });
}

const form = document.querySelector("[data-token]");
if (form) {
    const dialog = document.querySelector("[data-token-shown]");
    const text = dialog.querySelector("[data-token-text]");
    sendBy(form, async () => {
        text.textContent = (await send(form.dataset.token, values(form))).token;
        dialog.showModal();
    }, (error) => { form.querySelector("[data-own-said]").textContent = error.message; });
    dialog.querySelector("[data-token-copy]").addEventListener("click", async (event) => {
        const selection = window.getSelection();
        selection.selectAllChildren(text);
        await navigator.clipboard?.writeText(text.textContent).catch(() => {});
        event.target.textContent = "Copied";
    });
    dialog.querySelector("[data-token-close]").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => { text.textContent = ""; window.location.reload(); });
}
