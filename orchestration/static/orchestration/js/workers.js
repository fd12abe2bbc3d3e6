// Celery workers: a part of the page that the server asks the broker for, and the dialog that changes one of them.
import { complain, el, isRefreshing, send } from "./desk.js";

const SECONDS = 5;
const place = document.querySelector("[data-celery]");

async function load() {
    const answer = await fetch(place.dataset.celery, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(`The list of workers answered ${answer.status}`);
    if (hasFailed) document.querySelector("[data-desk-status]").textContent = "";
    hasFailed = false;
    const there = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (isBusy()) return;
    const held = place.contains(document.activeElement) ? document.activeElement.closest("[data-worker]")?.dataset.worker : null;
    place.replaceChildren(...there.body.childNodes);
    if (held) [...place.querySelectorAll("[data-worker]")].find((row) => row.dataset.worker === held)?.querySelector("button, a")?.focus();
}

let hasFailed = false;
const fail = (error) => { hasFailed = true; complain(error); };
const isBusy = () => Boolean(document.querySelector("dialog[open]"));

async function turn() {
    if (isRefreshing() && !document.hidden && !isBusy()) await load().catch(fail);
    setTimeout(turn, SECONDS * 1000);
}

/** What can be changed of the worker of this row: name, label, what is written for it, and how it is now. */
function choices(row) {
    const { size, rate, limit } = row.dataset;
    const queues = [...row.querySelectorAll("[data-queue]")].map((chip) => chip.dataset.queue);
    return [
        { verb: "resize", label: "Run more or fewer tries at once", field: "Tries at once", type: "number", value: size, min: 1 },
        { verb: "consume", label: "Take tries from one more queue", field: "Queue", type: "text", value: "" },
        ...(queues.length ? [{ verb: "leave", label: "Take no more tries from a queue", field: "Queue", type: "select", values: queues, value: queues[0] }] : []),
        { verb: "rate", label: "Begin only so many tries a minute", field: "Tries a minute (0: as they come)", type: "number", value: rate, min: 0 },
        { verb: "limit", label: "End tries that take too long", field: "Seconds a try (0: never)", type: "number", value: limit, min: 0 },
        { verb: "stop", label: "Shut down when its tries have ended", danger: true },
    ];
}

function change(row) {
    const worker = row.dataset.worker;
    const all = choices(row);
    const error = el("div", { class: "desk-banner is-error", role: "alert", hidden: true });
    const told = el("p", { "aria-live": "polite", "data-celery-told": true });
    const inputs = el("div", {});
    const go = el("button", { class: "desk-button is-primary", type: "button", text: "Do it", disabled: true });
    const pick = el("select", { id: "celery-verb" }, ...all.map(({ verb, label }) => el("option", { value: verb, text: label })));
    const dialog = el("dialog", { "aria-label": `Change ${worker}` }, el("h2", { text: `Change ${worker}` }),
        el("div", { class: "desk-field" }, el("label", { for: "celery-verb", text: "What" }), pick), inputs, error, told,
        el("div", { class: "desk-row desk-dialog-end" },
            el("button", { class: "desk-button", type: "button", text: "Cancel", onclick: () => dialog.close() }), go));
    let [field, seen, asked, timer] = [null, null, 0, 0];
    const chosen = () => all.find(({ verb }) => verb === pick.value);
    const value = () => (field === null ? null : chosen().type === "number" ? (field.value === "" ? null : Number(field.value)) : field.value.trim());
    const body = () => ({ worker, verb: pick.value, value: value() });
    const refuse = (problem) => { error.hidden = false; error.textContent = problem.message; };

    async function preview() {
        const mine = ++asked;
        const isAsked = field === null || (field.value.trim() !== "" && field.value !== field.dataset.first);
        go.disabled = true;
        error.hidden = true;
        told.textContent = isAsked ? "Looking …" : "Say what it shall be.";
        if (!isAsked) return;
        const answer = await send(place.dataset.change, { ...body(), dry_run: true }).catch((problem) => { if (mine === asked) refuse(problem); });
        if (mine !== asked) return;
        told.textContent = answer ? answer.told : "";
        seen = answer?.seen;
        go.disabled = !answer;
    }

    function later() {
        go.disabled = true; // until the preview has told of what is written now
        asked += 1;
        clearTimeout(timer);
        timer = setTimeout(preview, 300);
    }

    function draw() {
        const about = chosen();
        const attributes = { id: "celery-value", "data-first": about.type === "number" ? about.value : null };
        field = !about.type ? null : about.type === "select"
            ? el("select", attributes, ...about.values.map((name) => el("option", { value: name, text: name })))
            : el("input", { ...attributes, type: about.type, min: about.min, autocomplete: "off" });
        if (field) {
            field.value = about.value;
            field.addEventListener("input", later);
        }
        inputs.replaceChildren(...(field ? [el("div", { class: "desk-field" }, el("label", { for: "celery-value", text: about.field }), field)] : []));
        go.classList.toggle("is-danger", Boolean(about.danger));
        go.classList.toggle("is-primary", !about.danger);
        clearTimeout(timer);
        preview();
    }

    go.addEventListener("click", async () => {
        go.disabled = true;
        const answer = await send(place.dataset.change, { ...body(), seen }).catch(refuse);
        if (!answer) return;
        dialog.close();
        await load().catch(fail);
    });
    pick.addEventListener("change", draw);
    dialog.addEventListener("close", () => dialog.remove());
    document.querySelector("[data-desk]").append(dialog);
    dialog.showModal();
    draw();
}

place.addEventListener("click", (event) => {
    const button = event.target.closest("[data-celery-change]");
    if (button) change(button.closest("tr"));
});
load().catch(fail);
setTimeout(turn, SECONDS * 1000);
