// A dataset's page: an event made by hand.
import { send, sendBy } from "./desk.js";

/** The event's extra as it was written; null for nothing. */
function written(text) {
    try {
        return text.trim() ? JSON.parse(text) : null;
    } catch {
        throw new Error('That is no JSON. Write an object, for instance {"rows": 12}.');
    }
}

const dialog = document.querySelector("[data-event]");
if (dialog) {
    const form = dialog.querySelector("form");
    const error = dialog.querySelector("[data-event-error]");
    const say = (text) => { error.hidden = !text; error.textContent = text; };
    document.querySelector("[data-event-open]").addEventListener("click", () => { say(""); dialog.showModal(); });
    dialog.querySelector("[data-event-close]").addEventListener("click", () => dialog.close());
    sendBy(form, async () => (await send(form.dataset.eventForm, { extra: written(form.querySelector("textarea").value) })).url,
        (problem) => say(problem.message));
}
