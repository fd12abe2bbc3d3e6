// The grid: a column for each run, a row for each task; groups and mapped tasks fold. Arrow keys lead from cell to cell,
// and what is pointed at or focused is told beside it.
import { ask, complain, duration, el, legend, poll, stateClass, stateLetter, stateMark, timeMark } from "./desk.js";
import { address, merged, seconds, told, total, worst } from "./cells.js";

const place = document.querySelector("[data-grid]");
const panel = document.querySelector("[data-grid-panel]");
const KEY = `desk_open_${place.dataset.dag}`;
const open = new Set(JSON.parse(localStorage.getItem(KEY) ?? "[]"));
const mapped = new Map();
let latest = null;
let shown = null;

function toggle(id, isMapped) {
    if (open.has(id)) open.delete(id);
    else open.add(id);
    localStorage.setItem(KEY, JSON.stringify([...open]));
    if (isMapped && open.has(id)) fetchMapped(id);
    draw();
}

const foldable = (nodes) => nodes.flatMap((node) => (node.kind === "group" ? [node.id, ...foldable(node.children)] : []));

document.querySelector("[data-grid-fold]")?.addEventListener("click", () => {
    if (!latest) return;
    const groups = foldable(latest.tree);
    const isAnyOpen = groups.some((id) => open.has(id));
    for (const id of groups) if (isAnyOpen) open.delete(id); else open.add(id);
    localStorage.setItem(KEY, JSON.stringify([...open]));
    draw();
});

async function fetchMapped(id) {
    const url = new URL(place.dataset.grid, window.location.href);
    url.searchParams.set("mapped", id);
    const answer = await ask(url).catch(complain);
    if (answer?.ok) {
        mapped.set(id, (await answer.json()).indexes);
        draw();
    }
}

function leaves(node) {
    return node.kind === "group" ? node.children.flatMap(leaves) : [node.id];
}

/** Tell a run, or a cell of it, in the panel. */
function tell(run, label, cell, href) {
    if (!panel) return;
    shown = { run: run.pk, label };
    const facts = [];
    const add = (name, value) => { if (value !== null && value !== undefined && value !== "") facts.push(el("dt", { text: name }), el("dd", {}, value)); };
    if (cell) {
        add("States", el("span", { class: "desk-row" }, ...Object.entries(cell.states).map(([state, number]) => el("span", {}, stateMark(state), number > 1 ? ` ${number}` : ""))));
        add("Started", timeMark(cell.start));
        add("Ended", timeMark(cell.end));
        const took = seconds(cell);
        add("Took", took === null ? null : duration(took));
        add("Tries", cell.tries > 1 ? String(cell.tries) : null);
        add("Note", cell.notes ? "has a note" : null);
    } else {
        add("State", stateMark(run.state));
        add("Kind", run.run_type.replaceAll("_", " "));
        add("Logical date", timeMark(run.logical_date));
        add("Started", timeMark(run.start_date));
        add("Took", run.seconds === null ? null : duration(run.seconds));
        add("Version", run.version ? `v${run.version}` : null);
        add("Note", run.note);
    }
    panel.replaceChildren(
        el("h2", { text: cell ? label : run.run_id }),
        cell ? el("p", { class: "desk-muted desk-small desk-wrap", text: run.run_id }) : "",
        el("dl", { class: "desk-facts" }, ...facts),
        href ? el("a", { class: "desk-button", href, text: cell ? "Open the task" : "Open the run" }) : el("p", { class: "desk-muted", text: "Unfold the group to open a task." }));
}

function watch(element, run, label, cell, href) {
    const say = () => tell(run, label, cell, href);
    element.addEventListener("mouseenter", say);
    element.addEventListener("focus", say);
    if (shown && shown.run === run.pk && shown.label === label) say();
    return element;
}

function square(run, label, cell, href) {
    if (!cell) return el("td", {});
    const state = worst(cell.states);
    const count = total(cell.states);
    const content = el("span", { class: `grid-cell ${stateClass(state)}`, "aria-hidden": "true", "data-mark": count > 1 ? (count > 99 ? "99+" : count) : stateLetter(state) });
    const title = told(label, run.run_id, cell);
    const name = title.replaceAll("\n", ", ");
    const inner = href ? el("a", { href, "aria-label": name }, content) : el("span", { role: "img", "aria-label": name, tabindex: "-1" }, content);
    return el("td", {}, watch(inner, run, label, cell, href));
}

function rowsOf(node, depth, data) {
    const name = el("th", { scope: "row" });
    name.style.paddingLeft = `${0.5 + depth * 1.1}rem`;
    const canFold = node.kind === "group" || node.is_mapped;
    const isOpen = open.has(node.id);
    const label = node.is_mapped ? `${node.label} [ ]` : node.label;
    if (canFold) {
        name.append(el("button", { type: "button", class: "grid-fold", "data-fold-id": node.id, "aria-expanded": String(isOpen), onclick: () => toggle(node.id, node.is_mapped && node.kind === "task"), text: `${isOpen ? "▾" : "▸"} ${label}`, title: node.tooltip || node.operator || "" }));
    } else {
        name.append(el("span", { text: label, title: [node.id, node.operator, node.trigger_rule].filter(Boolean).join("\n") }));
        if (node.is_setup) name.append(el("span", { class: "desk-muted desk-small", text: " setup" }));
        if (node.is_teardown) name.append(el("span", { class: "desk-muted desk-small", text: " teardown" }));
        if (node.is_gone) name.append(el("span", { class: "desk-muted desk-small", text: " no longer in the DAG" }));
    }
    const ids = leaves(node);
    const cells = data.runs.map((run) => {
        const found = ids.map((id) => data.cells[id]?.[run.pk]).filter(Boolean);
        if (!found.length) return square(run, node.label, null);
        const whole = { states: merged(found), start: found.map((cell) => cell.start).filter(Boolean).sort()[0] ?? null, end: found.map((cell) => cell.end).filter(Boolean).sort().at(-1) ?? null,
            tries: Math.max(...found.map((cell) => cell.tries)), notes: found.reduce((sum, cell) => sum + cell.notes, 0) };
        return square(run, node.label, whole, node.kind === "group" ? null : address(place.dataset.task, run.run_id, node.id));
    });
    const listed = [el("tr", {}, name, ...cells)];
    if (isOpen && node.kind === "group") listed.push(...node.children.flatMap((child) => rowsOf(child, depth + 1, data)));
    else if (isOpen && node.is_mapped) {
        for (const [index, byRun] of Object.entries(mapped.get(node.id) ?? {})) {
            const head = el("th", { scope: "row", text: `[${index}]` });
            head.style.paddingLeft = `${1.6 + depth * 1.1}rem`;
            listed.push(el("tr", {}, head, ...data.runs.map((run) => {
                const state = byRun[run.pk];
                const cell = state === undefined ? null : { states: { [state]: 1 }, start: null, end: null, tries: 0, notes: 0 };
                return square(run, `${node.label}[${index}]`, cell, `${address(place.dataset.task, run.run_id, node.id)}?map_index=${index}`);
            })));
        }
    }
    return listed;
}

/** What names the focused element across drawings. */
const nameOf = (element) => element.getAttribute("href") ?? element.dataset.foldId ?? element.getAttribute("aria-label");

function draw() {
    const data = latest;
    if (!data) return;
    const focused = document.activeElement?.closest?.("[data-grid] a, [data-grid] button, [data-grid] [tabindex]");
    const key = focused ? nameOf(focused) : null;
    const scroll = place.scrollLeft;
    const longest = Math.max(1, ...data.runs.map((run) => run.seconds ?? 0));
    legend([...data.runs.map((run) => run.state), ...Object.values(data.cells).flatMap((byRun) => Object.values(byRun).flatMap((cell) => Object.keys(cell.states)))]);
    const heads = data.runs.map((run) => {
        const bar = el("span", { class: `grid-bar ${stateClass(run.state)}` });
        bar.style.height = `${8 + 52 * (run.seconds ?? 0) / longest}px`;
        const mark = { manual: "▸", backfill: "↺", dataset_triggered: "◆" }[run.run_type] ?? "";
        const href = address(place.dataset.run, run.run_id);
        const link = el("a", { class: "grid-run", href, "aria-label": `${run.run_id}: ${run.state}` }, bar, el("span", { class: "grid-mark", "aria-hidden": "true", text: mark }));
        return el("th", { scope: "col" }, watch(link, run, "", null, href));
    });
    const isFirst = !place.querySelector("table");
    place.replaceChildren(data.runs.length
        ? el("table", { class: "runs-grid" }, el("thead", {}, el("tr", {}, el("td", { class: "grid-corner" }, el("span", { text: duration(longest) }), el("span", { text: duration(longest / 2) }), el("span", { text: `${data.runs.length} run${data.runs.length === 1 ? "" : "s"}` })), ...heads)),
            el("tbody", {}, ...data.tree.flatMap((node) => rowsOf(node, 0, data))))
        : el("div", { class: "desk-empty" }, el("p", { text: "No run matches. Trigger one, or take a filter away." })));
    place.scrollLeft = isFirst ? place.scrollWidth : scroll;
    if (key) [...place.querySelectorAll("a, button, [tabindex]")].find((each) => nameOf(each) === key)?.focus({ preventScroll: true });
    const newest = data.runs.at(-1);
    if (isFirst && newest) tell(newest, "", null, address(place.dataset.run, newest.run_id));
}

// Arrow keys: to the next cell that has something
place.addEventListener("keydown", (event) => {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    const here = event.target.closest("td, th");
    if (!step || !here || !place.contains(here)) return;
    event.preventDefault();
    const rows = [...place.querySelectorAll("tr")];
    let [row, column] = [rows.indexOf(here.parentElement), here.cellIndex];
    for (;;) {
        row += step[0];
        column += step[1];
        const cell = rows[row]?.cells[column];
        if (!cell) return;
        const target = cell.querySelector("a, button, [tabindex]");
        if (target) {
            target.focus();
            return;
        }
    }
});

poll(place.dataset.grid, (data) => {
    latest = data;
    for (const id of mapped.keys()) if (open.has(id)) fetchMapped(id);
    const unread = [...open].filter((id) => !mapped.has(id) && findMapped(data.tree, id));
    unread.forEach(fetchMapped);
    draw();
}, 3);

function findMapped(nodes, id) {
    return nodes.some((node) => (node.id === id && node.kind === "task" && node.is_mapped) || (node.children && findMapped(node.children, id)));
}
