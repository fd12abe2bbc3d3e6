// Deleting a DAG: asked with what goes with it, then done.
import { complain, el, send } from "./desk.js";

async function ask(url) {
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
}

for (const button of document.querySelectorAll("[data-delete-dag]")) button.addEventListener("click", () => ask(button.dataset.deleteDag));
