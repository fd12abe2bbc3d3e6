// A verb on all rows that match: its preview, then step by step until the server says that it is done.
import { el, given, send, stateMark } from "./desk.js";

const place = document.querySelector("[data-bulk]");
if (place) {
    const data = given("bulk-data");
    const part = (name) => place.querySelector(`[data-bulk-${name}]`);
    const [options, error, preview, guard, number, go, stop, progress, told, refused] =
        ["options", "error", "preview", "guard", "number", "go", "stop", "progress", "told", "refused"].map(part);
    const many = (count) => `${count.toLocaleString("en")} ${data.noun}${count === 1 ? "" : "s"}`;
    let isStopped = false;
    let asked = 0;

    const verb = () => place.querySelector("input[name=verb]:checked").value;
    const chosen = () => ({
        verb: verb(), through: data.through,
        options: Object.fromEntries([...options.querySelectorAll("input")].map((box) => [box.name, box.checked])),
    });
    const complain = (problem) => { error.hidden = false; error.textContent = problem.message; };
    const isNumberGiven = () => guard.hidden || Number(number.value.replaceAll(",", "").trim()) === data.count;
    const allow = (isAllowed) => { go.disabled = !(isAllowed && isNumberGiven()); };

    function listRefused(several) {
        refused.append(...several.map((each) => el("li", { text: `${each.name}: ${each.detail}` })));
    }

    async function show() {
        const turn = ++asked;
        error.hidden = true;
        go.disabled = true;
        refused.replaceChildren();
        preview.replaceChildren(el("p", { class: "desk-muted", text: "Looking …" }));
        const answer = await send(place.dataset.preview, chosen()).catch(complain);
        if (!answer || turn !== asked) return;
        const changes = `${answer.count.toLocaleString("en")} task instance${answer.count === 1 ? "" : "s"}`;
        const sentence = answer.is_all ? `${changes} would be changed.` : `The first ${many(answer.rows)} would change ${changes}; the others are not shown.`;
        const rows = answer.affected.map((row) => el("tr", {}, el("td", {}, stateMark(row.state)),
            el("td", { text: row.map_index >= 0 ? `${row.task_id}[${row.map_index}]` : row.task_id }), el("td", { class: "desk-mono", text: row.run_id })));
        preview.replaceChildren(el("p", { class: "desk-below", text: sentence }), rows.length ? el("table", { class: "desk-table" },
            el("thead", {}, el("tr", {}, ...["State", "Task", "Run"].map((text) => el("th", { text })))), el("tbody", {}, ...rows)) : "");
        listRefused(answer.refused);
        guard.hidden = data.count < data.asks_number_from;
        allow(true);
    }

    function draw() {
        const about = data.verbs[verb()];
        options.replaceChildren(...Object.entries(about.options).map(([name, label]) =>
            el("label", { class: "desk-switch" }, el("input", { type: "checkbox", role: "switch", name, onchange: show }), label)));
        go.textContent = `${about.label}: ${many(data.count)}`;
        go.classList.toggle("is-danger", about.is_danger);
        go.classList.toggle("is-primary", !about.is_danger);
        show();
    }

    async function run() {
        const body = { ...chosen(), expected: data.count };
        const inputs = place.querySelectorAll("input");
        let [after, rows, changed, failed] = [0, 0, 0, 0];
        isStopped = false;
        error.hidden = true;
        refused.replaceChildren();
        progress.hidden = stop.hidden = false;
        go.disabled = true;
        for (const input of inputs) input.disabled = true;
        while (after !== null && !isStopped) {
            const answer = await send(place.dataset.step, { ...body, after }).catch(complain);
            if (!answer) break;
            after = answer.after;
            rows += answer.rows;
            changed += answer.changed;
            failed += answer.refused.length;
            listRefused(answer.refused);
            progress.value = rows;
            told.textContent = `${many(rows)} of ${data.count.toLocaleString("en")}, ${changed.toLocaleString("en")} task instances changed`;
        }
        stop.hidden = true;
        for (const input of inputs) input.disabled = false;
        const end = after === null ? "Done" : isStopped ? "Stopped" : "Broken off";
        told.replaceChildren(`${end}: ${many(rows)}, ${changed.toLocaleString("en")} task instances changed, ${failed} refused. `, el("a", { href: place.dataset.list, text: "Back to the list" }));
    }

    for (const radio of place.querySelectorAll("input[name=verb]")) radio.addEventListener("change", draw);
    number.addEventListener("input", () => allow(true));
    go.addEventListener("click", run);
    stop.addEventListener("click", () => { isStopped = true; });
    draw();
}
