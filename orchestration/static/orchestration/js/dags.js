// The list of DAGs: the switches, and the bars brought up to date.
import "./delete.js";
import { duration, el, poll, refuse, send, stateClass, stateWords, timeMark } from "./desk.js";

const table = document.querySelector("[data-dags]");
const rows = new Map([...table.querySelectorAll("tr[data-dag]")].map((row) => [row.dataset.dag, row]));

for (const input of table.querySelectorAll("[data-pause]")) {
    input.addEventListener("change", async () => {
        try {
            await send(input.dataset.pause, { is_paused: !input.checked });
        } catch (error) {
            input.checked = !input.checked;
            refuse(error);
        }
    });
}
for (const select of document.querySelectorAll("[data-submit]")) select.addEventListener("change", () => select.form.submit());

function bar(run) {
    const words = `${run.run_id}: ${run.state}`;
    const link = el("a", { class: stateClass(run.state), href: run.url, title: `${words}, ${duration(run.seconds)}`, "aria-label": words });
    link.style.height = `${run.height}%`;
    return link;
}

function show(states) {
    for (const [dagId, state] of Object.entries(states)) {
        const row = rows.get(dagId);
        if (!row || row.contains(document.activeElement)) continue;
        row.querySelector("[data-pause]").checked = !state.is_paused;
        row.querySelector("[data-runs]").replaceChildren(...state.runs.map(bar));
        row.querySelector("[data-tasks]").replaceChildren(...state.tasks.map(([name, number]) =>
            el("span", { class: `desk-count ${stateClass(name)}`, title: `${number} ${stateWords(name)}`, text: number },
                el("span", { class: "desk-hidden", text: ` ${stateWords(name)}` }))));
        const last = state.runs.at(-1);
        if (last) row.querySelector("[data-last]").replaceChildren(el("a", { href: last.url }, timeMark(last.logical_date)));
    }
}

if (rows.size) {
    const query = new URLSearchParams([...rows.keys()].map((dagId) => ["dag_id", dagId]));
    poll(`${table.dataset.states}?${query}`, show, 5);
}
