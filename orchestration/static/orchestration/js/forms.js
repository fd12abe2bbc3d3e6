// Forms of tables: what was filled in is not sent into the page for logging in, where it would be lost.
import { refuse, renewToken } from "./desk.js";

for (const form of document.querySelectorAll("form[id$=_form][method=post]")) {
    let isSure = false;
    form.addEventListener("submit", async (event) => {
        if (isSure) return;
        event.preventDefault();
        try {
            await renewToken();
        } catch (error) {
            refuse(error);
            return;
        }
        isSure = true;
        form.requestSubmit(event.submitter);
        isSure = false;
    });
}
