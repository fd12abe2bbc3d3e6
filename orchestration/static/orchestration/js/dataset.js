// A dataset's page: an event made by hand.
import { send } from "./desk.js";

const dialog = document.querySelector("[data-event]");
if (dialog) {
    const form = dialog.querySelector("form");
    const error = dialog.querySelector("[data-event-error]");
    const say = (text) => { error.hidden = !text; error.textContent = text; };
    document.querySelector("[data-event-open]").addEventListener("click", () => { say(""); dialog.showModal(); });
    dialog.querySelector("[data-event-close]").addEventListener("click", () => dialog.close());
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const text = form.querySelector("textarea").value.trim();
        let extra = null;
        try {
            extra = text ? JSON.parse(text) : null;
        } catch {
            say('That is no JSON. Write an object, for instance {"rows": 12}.');
            return;
        }
        try {
            window.location.assign((await send(form.dataset.eventForm, { extra })).url);
        } catch (problem) {
            say(problem.message);
        }
    });
}
