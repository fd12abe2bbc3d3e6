// What all tabs of a DAG share: the switch, reparse, delete, the filters that submit themselves, the legend.
import { complain, el, send } from "./desk.js";

const input = document.querySelector("[data-pause]");
input?.addEventListener("change", async () => {
    try {
        await send(input.dataset.pause, { is_paused: !input.checked });
    } catch (error) {
        input.checked = !input.checked;
        complain(error);
    }
});
for (const select of document.querySelectorAll("[data-submit]")) select.addEventListener("change", () => select.form.submit());

const status = document.querySelector("[data-desk-status]");
document.querySelector("[data-reparse]")?.addEventListener("click", async (event) => {
    try {
        const answer = await send(event.target.dataset.reparse, {});
        status.textContent = answer.message;
    } catch (error) {
        complain(error);
    }
});

document.querySelector("[data-delete-dag]")?.addEventListener("click", async (event) => {
    const url = event.target.dataset.deleteDag;
    const preview = await send(url, { dry_run: true }).catch(complain);
    if (!preview) return;
    const error = el("div", { class: "desk-banner is-error", role: "alert", hidden: true });
    const go = el("button", { type: "button", class: "desk-button is-danger", text: "Delete" });
    const dialog = el("dialog", { "aria-label": "Delete the DAG" }, el("h2", { text: "Delete the DAG" }),
        el("p", { text: `Its ${preview.runs} runs with their task instances and logs' records are deleted. While its file is there, the next parse makes the DAG again, without history.` }),
        error, el("div", { class: "desk-row desk-dialog-end" },
            el("button", { type: "button", class: "desk-button", text: "Cancel", onclick: () => dialog.close() }), go));
    go.addEventListener("click", async () => {
        try {
            window.location.assign((await send(url, {})).url);
        } catch (problem) {
            error.hidden = false;
            error.textContent = problem.message;
        }
    });
    dialog.addEventListener("close", () => dialog.remove());
    document.querySelector("[data-desk]").append(dialog);
    dialog.showModal();
});
