// The graph: tasks in their groups, what follows what, the states of one run.
import { legend, poll, stateColour, stateWords } from "./desk.js";
import { address, total, words, worst } from "./cells.js";

const place = document.querySelector("[data-graph]");
const direction = document.querySelector("[data-direction]");
const find = document.querySelector("[data-find]");
const around = document.querySelector("[data-around]");
const map = document.querySelector("[data-map]");
const folder = document.querySelector("[data-fold]");
let graph = null;
let shown = null;
let latest = null;
const folded = new Set();
/** Tasks from which groups are folded at first: so many are quick to lay out and can be read. */
const MANY_TASKS = 100;
/** The zoom below which names cannot be read: the graph's beginning is shown then, and the map tells where it is. */
const READABLE = 0.45;

const isDark = () => document.documentElement.classList.contains("dark");
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A CSS colour as rgb(), which is what the canvas library understands. */
function plain(colour) {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
    return `rgb(${r},${g},${b})`;
}

function style() {
    const ink = isDark() ? "#e5e7eb" : "#1f2937";
    const paper = isDark() ? "#1f2733" : "#ffffff";
    return [
        { selector: "node", style: { shape: "round-rectangle", label: "data(shown)", "text-wrap": "wrap", "text-valign": "center", color: ink, "font-size": 12, "background-color": paper, "border-width": 3, "border-color": "data(colour)", width: "data(width)", height: 44 } },
        { selector: "node[kind = 'dataset']", style: { shape: "barrel", "border-color": plain(token("--color-primary-600")), "border-width": 1.5, "font-size": 11 } },
        { selector: "node:parent", style: { label: "data(shown)", "text-valign": "top", "text-margin-y": -4, "background-color": isDark() ? "#2b3646" : "#eef2f7", "background-opacity": 0.55, "border-width": 1.5, "border-color": "data(colour)", padding: 16, "font-weight": 600 } },
        { selector: "node.is-found", style: { "overlay-color": plain(token("--color-primary-500")), "overlay-opacity": 0.25, "overlay-padding": 6 } },
        { selector: "edge", style: { width: 1.5, "line-color": isDark() ? "#8a94a3" : "#8b95a5", "target-arrow-color": isDark() ? "#8a94a3" : "#8b95a5", "target-arrow-shape": "triangle", "curve-style": "bezier", label: "data(label)", "font-size": 11, color: ink, "text-background-color": paper, "text-background-opacity": 0.9, "text-background-padding": 2 } },
    ];
}

function visibleParent(id, parents) {
    let found = id;
    for (let at = parents.get(id); at; at = parents.get(at)) if (folded.has(at)) found = at;
    return found;
}

/** The tasks whose names hold the word, with what lies before and after them where asked; null is all tasks. */
function wanted(data) {
    const word = find.value.trim().toLowerCase();
    if (!word || around.value === "all") return null;
    const kept = new Set(data.tasks.filter((task) => task.id.toLowerCase().includes(word) || task.label.toLowerCase().includes(word)).map((task) => task.id));
    const follow = (from, to) => {
        const ahead = [...kept].filter((id) => started.has(id));
        for (let id = ahead.pop(); id !== undefined; id = ahead.pop()) {
            for (const edge of data.edges) if (edge[from] === id && !kept.has(edge[to])) { kept.add(edge[to]); ahead.push(edge[to]); }
        }
    };
    const started = new Set(kept);
    if (around.value === "up" || around.value === "both") follow("target", "source");
    const before = new Set(kept);
    if (around.value === "down" || around.value === "both") {
        kept.clear();
        for (const id of started) kept.add(id);
        follow("source", "target");
        for (const id of before) kept.add(id);
    }
    return kept.size ? kept : null;
}

function narrowed(data) {
    const kept = wanted(data);
    if (!kept) return data;
    const tasks = data.tasks.filter((task) => kept.has(task.id));
    const parents = new Map(data.groups.map((group) => [group.id, group.parent]));
    const groups = new Set();
    for (const task of tasks) for (let at = task.parent; at; at = parents.get(at)) groups.add(at);
    return { ...data, tasks, groups: data.groups.filter((group) => groups.has(group.id)), datasets: data.datasets.filter((dataset) => kept.has(dataset.id)),
        edges: data.edges.filter((edge) => kept.has(edge.source) && kept.has(edge.target)) };
}

function elements(whole) {
    const data = narrowed(whole);
    const parents = new Map([...data.groups, ...data.tasks].map((node) => [node.id, node.parent]));
    const inGroup = (group) => data.tasks.filter((task) => { for (let at = task.parent; at; at = parents.get(at)) if (at === group) return true; return false; });
    const node = (item, kind, states) => {
        const state = Object.keys(states).length ? worst(states) : "";
        const number = total(states);
        const second = kind === "dataset" ? "dataset" : data.run ? (number > 1 ? words(states) : stateWords(state)) : (item.operator ?? "");
        const text = kind === "open" ? item.label : `${item.label}${item.is_mapped ? " [ ]" : ""}\n${second}`;
        const width = Math.max(90, 14 + 7.2 * Math.max(...text.split("\n").map((line) => line.length)));
        const parent = item.parent && visibleParent(item.parent, parents) === item.parent ? item.parent : undefined;
        return { data: { id: item.id, parent, kind, shown: text, colour: plain(stateColour(data.run ? state : "")), width, name: item.label } };
    };
    const nodes = [];
    for (const group of data.groups) {
        if (visibleParent(group.id, parents) !== group.id) continue;
        const states = {};
        for (const task of inGroup(group.id)) for (const [state, n] of Object.entries(data.cells[task.id]?.states ?? {})) states[state] = (states[state] ?? 0) + n;
        nodes.push(node(group, folded.has(group.id) ? "folded" : "open", states));
    }
    for (const task of data.tasks) if (visibleParent(task.id, parents) === task.id) nodes.push(node(task, "task", data.cells[task.id]?.states ?? {}));
    for (const dataset of data.datasets) nodes.push(node(dataset, "dataset", {}));
    const edges = new Map();
    for (const edge of data.edges) {
        const [source, target] = [visibleParent(edge.source, parents), visibleParent(edge.target, parents)];
        if (source !== target) edges.set(JSON.stringify([source, target]), { data: { source, target, label: edge.label } });
    }
    return [...nodes, ...edges.values()];
}

const layout = () => ({ name: "dagre", rankDir: direction.value, nodeSep: 26, rankSep: 60, edgeSep: 12, fit: true, padding: 24, animate: false });

function draw(isNew) {
    const items = elements(latest);
    const shape = JSON.stringify([items.map((item) => item.data.id ?? [item.data.source, item.data.target]), direction.value]);
    if (graph && !isNew && shape === shown) {
        for (const item of items) if (item.data.id) graph.getElementById(item.data.id).data(item.data);
        return;
    }
    shown = shape;
    place.dataset.nodes = items.filter((item) => item.data.id).map((item) => item.data.name).join(" ");
    graph?.destroy();
    graph = window.cytoscape({ container: place, elements: items, style: style(), layout: layout(), minZoom: 0.1, maxZoom: 2.5 });
    if (graph.zoom() > 1.2) { graph.zoom(1.2); graph.center(); }
    if (graph.zoom() < READABLE) showStart();
    graph.on("pan zoom resize", drawMap);
    drawMap();
    mark();
    graph.on("tap", "node", (event) => {
        const { id, kind } = event.target.data();
        if (kind === "task" && latest.run) window.location.assign(address(place.dataset.task, latest.run.run_id, id));
        else if (kind === "open" || kind === "folded") {
            if (kind === "open") folded.add(id); else folded.delete(id);
            draw(true);
        }
    });
    graph.on("mouseover", "node", () => { place.style.cursor = "pointer"; });
    graph.on("mouseout", "node", () => { place.style.cursor = ""; });
}

function showStart() {
    graph.zoom(READABLE);
    const box = graph.elements().boundingBox();
    const isAcross = direction.value !== "TB";
    graph.pan({
        x: isAcross ? 24 - box.x1 * READABLE : graph.width() / 2 - ((box.x1 + box.x2) / 2) * READABLE,
        y: isAcross ? graph.height() / 2 - ((box.y1 + box.y2) / 2) * READABLE : 24 - box.y1 * READABLE,
    });
}

/** The whole graph, small, with the part that is seen; only where not all of it is seen. */
function drawMap() {
    const box = graph.elements().boundingBox();
    const seen = graph.extent();
    map.hidden = seen.x1 <= box.x1 && seen.y1 <= box.y1 && seen.x2 >= box.x2 && seen.y2 >= box.y2;
    if (map.hidden || !box.w || !box.h) return;
    const scale = Math.min(map.width / box.w, map.height / box.h);
    const [left, top] = [(map.width - box.w * scale) / 2, (map.height - box.h * scale) / 2];
    const context = map.getContext("2d");
    context.clearRect(0, 0, map.width, map.height);
    for (const node of graph.nodes().toArray()) {
        const at = node.boundingBox({ includeLabels: false });
        context.fillStyle = node.data("colour");
        context.globalAlpha = node.isParent() ? 0.18 : 0.9;
        context.fillRect(left + (at.x1 - box.x1) * scale, top + (at.y1 - box.y1) * scale, Math.max(2, at.w * scale), Math.max(2, at.h * scale));
    }
    context.globalAlpha = 1;
    context.strokeStyle = isDark() ? "#ffffff" : "#10151c";
    context.lineWidth = 2;
    context.strokeRect(left + (seen.x1 - box.x1) * scale, top + (seen.y1 - box.y1) * scale, seen.w * scale, seen.h * scale);
    map.dataset.box = JSON.stringify({ x: box.x1 - left / scale, y: box.y1 - top / scale, scale });
}

map.addEventListener("click", (event) => {
    const { x, y, scale } = JSON.parse(map.dataset.box);
    const ratio = map.width / map.clientWidth;
    const [to, zoom] = [{ x: x + (event.offsetX * ratio) / scale, y: y + (event.offsetY * ratio) / scale }, graph.zoom()];
    graph.pan({ x: graph.width() / 2 - to.x * zoom, y: graph.height() / 2 - to.y * zoom });
});

function foldAll() {
    for (const group of latest.groups) folded.add(group.id);
    tellFolded();
}

function tellFolded() {
    folder.textContent = folded.size ? "Unfold groups" : "Fold groups";
}

/** Open the groups that hold a task with the word in its name; whether any was folded. */
function unfoldTo(word) {
    const parents = new Map([...latest.groups, ...latest.tasks].map((node) => [node.id, node.parent]));
    const before = folded.size;
    for (const task of latest.tasks) {
        if (!task.id.toLowerCase().includes(word) && !task.label.toLowerCase().includes(word)) continue;
        for (let at = task.parent; at; at = parents.get(at)) folded.delete(at);
    }
    tellFolded();
    return folded.size < before;
}

const start = () => poll(place.dataset.graph, (data) => {
    const isFirst = latest === null;
    latest = data;
    if (isFirst && data.tasks.length > MANY_TASKS && data.groups.length) foldAll();
    if (isFirst) direction.value = data.orientation === "TB" || data.orientation === "BT" ? "TB" : "LR";
    legend(Object.values(data.cells).flatMap((cell) => Object.keys(cell.states)));
    draw(false);
}, 4);
if (window.cytoscape) start(); else window.addEventListener("DOMContentLoaded", start);

direction.addEventListener("change", () => draw(true));
document.querySelector("[data-fit]").addEventListener("click", () => graph?.fit(undefined, 24));
folder.addEventListener("click", () => {
    if (!latest) return;
    if (folded.size) folded.clear(); else foldAll();
    tellFolded();
    draw(true);
});
function mark() {
    const word = find.value.trim().toLowerCase();
    graph.nodes().removeClass("is-found");
    if (!word) return;
    const found = graph.nodes().filter((node) => node.data("name").toLowerCase().includes(word) || node.id().toLowerCase().includes(word));
    found.addClass("is-found");
    if (found.length && around.value === "all") graph.animate({ center: { eles: found }, duration: 150 });
}

function search() {
    if (!graph) return;
    const word = find.value.trim().toLowerCase();
    if (word.length > 2 && unfoldTo(word)) draw(true);
    if (around.value === "all" && !graph.scratch("narrowed")) mark();
    else { draw(true); graph.scratch("narrowed", around.value !== "all"); }
}
find.addEventListener("input", search);
around.addEventListener("change", search);
new MutationObserver(() => { if (latest) draw(true); }).observe(document.documentElement, { attributeFilter: ["class"] });
