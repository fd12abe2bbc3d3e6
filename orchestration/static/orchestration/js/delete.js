// Deleting a DAG: asked with what goes with it, then done.
import { el, refuse, send } from "./desk.js";

async function ask(url) {
    const preview = await send(url, { dry_run: true }).catch(refuse);
    if (!preview) return;
    const error = el("div", { class: "desk-banner is-error", role: "alert", hidden: true });
    const go = el("button", { type: "button", class: "desk-button is-danger", text: "Delete" });
    const dialog = el("dialog", { "aria-label": "Delete the DAG" }, el("h2", { text: "Delete the DAG" }),
        el("p", { text: `${preview.runs === 1 ? "Its run is" : `Its ${preview.runs.toLocaleString("en")} runs are`} deleted, with their task instances and what is recorded of them. While its file is there, the next parse makes the DAG again, without history.` }),
        error, el("div", { class: "desk-row desk-dialog-end" },
            el("button", { type: "button", class: "desk-button", text: "Cancel", onclick: () => dialog.close() }), go));
    go.addEventListener("click", async () => {
        go.disabled = true;
        try {
            window.location.assign((await send(url, {})).url);
        } catch (problem) {
            go.disabled = false;
            error.hidden = false;
            error.textContent = problem.message;
        }
    });
    dialog.addEventListener("close", () => dialog.remove());
    document.querySelector("[data-desk]").append(dialog);
    dialog.showModal();
}

for (const button of document.querySelectorAll("[data-delete-dag]")) button.addEventListener("click", () => ask(button.dataset.deleteDag));
