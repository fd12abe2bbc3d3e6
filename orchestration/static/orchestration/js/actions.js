// The verbs of runs and task instances: asked with a preview, then done.
import { confirmVerb, given, isRefreshing, poll, refuse, send, sendBy } from "./desk.js";

for (const button of document.querySelectorAll("[data-verb]")) {
    button.addEventListener("click", () => confirmVerb({
        title: button.dataset.title,
        url: button.dataset.verb,
        body: JSON.parse(button.dataset.body),
        options: JSON.parse(button.dataset.options ?? "{}"),
        danger: "danger" in button.dataset,
        mayBeEmpty: "empty" in button.dataset,
        done: (answer) => (answer.url ? window.location.assign(answer.url) : window.location.reload()),
    }));
}
for (const form of document.querySelectorAll("[data-note]")) {
    sendBy(form, async () => {
        await send(form.dataset.note, { note: form.querySelector("textarea").value });
        form.querySelector("button").textContent = "Saved";
    }, refuse);
}

// The page is drawn by the server; it is loaded again when the run or the instance moved.
const live = document.querySelector("[data-live]");
if (live) {
    const shown = JSON.stringify(given("live-state"));
    let hasMoved = false;
    const isBusy = () => document.querySelector("dialog[open]") || document.activeElement?.closest("textarea, input, select");
    const reload = () => { if (hasMoved && isRefreshing() && !isBusy()) window.location.reload(); };
    poll(live.dataset.live, (data) => {
        hasMoved = JSON.stringify(data) !== shown;
        reload();
    }, 2);
    setInterval(reload, 1000);
}
