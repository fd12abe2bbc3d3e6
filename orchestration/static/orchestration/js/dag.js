// What all tabs of a DAG share: the switch, reparse, delete, the filters that submit themselves, the legend.
import "./delete.js";
import { refuse, send } from "./desk.js";

const input = document.querySelector("[data-pause]");
input?.addEventListener("change", async () => {
    try {
        await send(input.dataset.pause, { is_paused: !input.checked });
    } catch (error) {
        input.checked = !input.checked;
        refuse(error);
    }
});
for (const select of document.querySelectorAll("[data-submit]")) select.addEventListener("change", () => select.form.submit());

const status = document.querySelector("[data-desk-status]");
document.querySelector("[data-reparse]")?.addEventListener("click", async (event) => {
    try {
        const answer = await send(event.target.dataset.reparse, {});
        status.textContent = answer.message;
    } catch (error) {
        refuse(error);
    }
});
