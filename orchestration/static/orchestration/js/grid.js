// The grid: a column for each run, a row for each task; groups and mapped tasks fold.
import { duration, el, poll, stateClass, stateLetter } from "./desk.js";
import { address, merged, told, total, worst } from "./cells.js";

const place = document.querySelector("[data-grid]");
const KEY = `desk_open_${place.dataset.dag}`;
const open = new Set(JSON.parse(localStorage.getItem(KEY) ?? "[]"));
const mapped = new Map();
let latest = null;

function toggle(id, isMapped) {
    if (open.has(id)) open.delete(id);
    else open.add(id);
    localStorage.setItem(KEY, JSON.stringify([...open]));
    if (isMapped && open.has(id)) fetchMapped(id);
    draw();
}

async function fetchMapped(id) {
    const url = new URL(place.dataset.grid, window.location.href);
    url.searchParams.set("mapped", id);
    const answer = await fetch(url, { credentials: "same-origin" });
    if (answer.ok) {
        mapped.set(id, (await answer.json()).indexes);
        draw();
    }
}

function leaves(node) {
    return node.kind === "group" ? node.children.flatMap(leaves) : [node.id];
}

function square(run, state, count, title, href) {
    const content = el("span", { class: `grid-cell ${stateClass(state ?? "")}`, "aria-hidden": "true", text: count > 1 ? (count > 99 ? "99+" : count) : stateLetter(state) });
    return el("td", {}, state === null ? null : href
        ? el("a", { href, title, "aria-label": title.replaceAll("\n", ", ") }, content)
        : el("span", { title, role: "img", "aria-label": title.replaceAll("\n", ", ") }, content));
}

function rowsOf(node, depth, data) {
    const name = el("th", { scope: "row" });
    name.style.paddingLeft = `${0.5 + depth * 1.1}rem`;
    const canFold = node.kind === "group" || node.is_mapped;
    const isOpen = open.has(node.id);
    const label = node.is_mapped ? `${node.label} [ ]` : node.label;
    if (canFold) {
        name.append(el("button", { type: "button", class: "grid-fold", "aria-expanded": String(isOpen), onclick: () => toggle(node.id, node.is_mapped && node.kind === "task"), text: `${isOpen ? "▾" : "▸"} ${label}`, title: node.tooltip || node.operator || "" }));
    } else {
        name.append(el("span", { text: label, title: [node.id, node.operator, node.trigger_rule].filter(Boolean).join("\n") }));
        if (node.is_setup) name.append(el("span", { class: "desk-muted desk-small", text: " setup" }));
        if (node.is_teardown) name.append(el("span", { class: "desk-muted desk-small", text: " teardown" }));
        if (node.is_gone) name.append(el("span", { class: "desk-muted desk-small", text: " no longer in the DAG" }));
    }
    const ids = leaves(node);
    const cells = data.runs.map((run) => {
        const found = ids.map((id) => data.cells[id]?.[run.pk]).filter(Boolean);
        if (!found.length) return square(run, null, 0, "", null);
        const states = merged(found);
        const whole = { states, start: found.map((cell) => cell.start).filter(Boolean).sort()[0] ?? null, end: found.map((cell) => cell.end).filter(Boolean).sort().at(-1) ?? null,
            tries: Math.max(...found.map((cell) => cell.tries)), notes: found.reduce((sum, cell) => sum + cell.notes, 0) };
        const href = node.kind === "group" ? null : address(place.dataset.task, run.run_id, node.id);
        return square(run, worst(states), total(states), told(node.label, run.run_id, whole), href);
    });
    const listed = [el("tr", {}, name, ...cells)];
    if (isOpen && node.kind === "group") listed.push(...node.children.flatMap((child) => rowsOf(child, depth + 1, data)));
    else if (isOpen && node.is_mapped) {
        for (const [index, byRun] of Object.entries(mapped.get(node.id) ?? {})) {
            const head = el("th", { scope: "row", text: `[${index}]` });
            head.style.paddingLeft = `${1.6 + depth * 1.1}rem`;
            listed.push(el("tr", {}, head, ...data.runs.map((run) => square(run, byRun[run.pk] ?? null, 1, `${node.label}[${index}]\n${run.run_id}\n${byRun[run.pk] ?? ""}`,
                `${address(place.dataset.task, run.run_id, node.id)}?map_index=${index}`))));
        }
    }
    return listed;
}

function draw() {
    const data = latest;
    if (!data) return;
    const focused = document.activeElement?.closest?.("[data-grid] a, [data-grid] button");
    const key = focused ? (focused.getAttribute("href") ?? focused.textContent.slice(2)) : null;
    const scroll = place.scrollLeft;
    const longest = Math.max(1, ...data.runs.map((run) => run.seconds ?? 0));
    const heads = data.runs.map((run) => {
        const bar = el("span", { class: `grid-bar ${stateClass(run.state)}` });
        bar.style.height = `${8 + 52 * (run.seconds ?? 0) / longest}px`;
        const words = [run.run_id, run.run_type, run.state, run.seconds === null ? null : duration(run.seconds), run.note].filter(Boolean).join("\n");
        const mark = { manual: "▸", backfill: "↺", dataset_triggered: "◆" }[run.run_type] ?? "";
        return el("th", { scope: "col" }, el("a", { class: "grid-run", href: address(place.dataset.run, run.run_id), title: words, "aria-label": `${run.run_id}: ${run.state}` }, bar, el("span", { class: "grid-mark", "aria-hidden": "true", text: mark })));
    });
    const isFirst = !place.querySelector("table");
    place.replaceChildren(data.runs.length
        ? el("table", { class: "runs-grid" }, el("thead", {}, el("tr", {}, el("td", { class: "grid-corner", text: `${data.runs.length} runs, longest ${duration(longest)}` }), ...heads)),
            el("tbody", {}, ...data.tree.flatMap((node) => rowsOf(node, 0, data))))
        : el("p", { class: "desk-muted", text: "No run matches. Trigger one, or take a filter away." }));
    place.scrollLeft = isFirst ? place.scrollWidth : scroll;
    if (key) [...place.querySelectorAll("a, button")].find((each) => (each.getAttribute("href") ?? each.textContent.slice(2)) === key)?.focus();
}

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
