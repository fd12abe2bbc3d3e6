// The graph: tasks in their groups, what follows what, the states of one run.
import { el, poll, stateColour, stateWords } from "./desk.js";
import { address, total, words, worst } from "./cells.js";

const place = document.querySelector("[data-graph]");
const direction = document.querySelector("[data-direction]");
let graph = null;
let shown = null;
let latest = null;
const folded = new Set();

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

function elements(data) {
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
    graph?.destroy();
    graph = window.cytoscape({ container: place, elements: items, style: style(), layout: layout(), minZoom: 0.1, maxZoom: 2.5, wheelSensitivity: 0.3 });
    if (graph.zoom() > 1.2) { graph.zoom(1.2); graph.center(); }
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

const start = () => poll(place.dataset.graph, (data) => {
    const isFirst = latest === null;
    latest = data;
    if (isFirst) direction.value = data.orientation === "TB" || data.orientation === "BT" ? "TB" : "LR";
    draw(false);
}, 4);
if (window.cytoscape) start(); else window.addEventListener("DOMContentLoaded", start);

direction.addEventListener("change", () => draw(true));
document.querySelector("[data-fit]").addEventListener("click", () => graph?.fit(undefined, 24));
document.querySelector("[data-fold]").addEventListener("click", (event) => {
    if (!latest) return;
    if (folded.size) folded.clear(); else for (const group of latest.groups) folded.add(group.id);
    event.target.textContent = folded.size ? "Unfold groups" : "Fold groups";
    draw(true);
});
document.querySelector("[data-find]").addEventListener("input", (event) => {
    const word = event.target.value.trim().toLowerCase();
    graph?.nodes().removeClass("is-found");
    if (!word || !graph) return;
    const found = graph.nodes().filter((node) => node.data("name").toLowerCase().includes(word));
    found.addClass("is-found");
    if (found.length) graph.animate({ center: { eles: found }, duration: 150 });
});
new MutationObserver(() => { if (latest) draw(true); }).observe(document.documentElement, { attributeFilter: ["class"] });
