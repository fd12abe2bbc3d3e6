// DAGs and what stands between them: datasets, triggers, sensors. The list below the graph says the same in words.
import { el, poll } from "./desk.js";

const place = document.querySelector("[data-network]");
const direction = document.querySelector("[data-direction]");
const KINDS = {
    dag: { words: "DAG", light: "#1d6fd1", dark: "#60b8fa", shape: "round-rectangle" },
    dataset: { words: "dataset", light: "#0f766e", dark: "#5eead4", shape: "barrel" },
    trigger: { words: "task that triggers", light: "#b45309", dark: "#fbbf24", shape: "cut-rectangle" },
    sensor: { words: "sensor that waits", light: "#7e22ce", dark: "#d8b4fe", shape: "rhomboid" },
};
let graph = null;
let latest = null;

const isDark = () => document.documentElement.classList.contains("dark");
const colour = (kind) => KINDS[kind][isDark() ? "dark" : "light"];

function style() {
    const ink = isDark() ? "#e5e7eb" : "#1f2937";
    const paper = isDark() ? "#1f2733" : "#ffffff";
    const line = isDark() ? "#8a94a3" : "#8b95a5";
    return [
        { selector: "node", style: { shape: "data(shape)", label: "data(label)", "text-valign": "center", color: ink, "font-size": 12, "background-color": paper, "border-width": 2, "border-color": "data(colour)", width: "data(width)", height: 34 } },
        { selector: "edge", style: { width: 1.5, "line-color": line, "target-arrow-color": line, "target-arrow-shape": "triangle", "curve-style": "bezier", label: "data(label)", "font-size": 10, color: ink, "text-background-color": paper, "text-background-opacity": 0.9, "text-background-padding": 2 } },
        { selector: ".is-far", style: { opacity: 0.25 } },
    ];
}

function draw() {
    const width = (text) => Math.max(80, 26 + 7.1 * text.length);
    const nodes = latest.nodes.map((node) => ({ data: { ...node, colour: colour(node.kind), shape: KINDS[node.kind].shape, width: width(node.label) } }));
    graph?.destroy();
    graph = window.cytoscape({
        container: place, elements: [...nodes, ...latest.edges.map((edge) => ({ data: edge }))], style: style(),
        layout: { name: "dagre", rankDir: direction.value, nodeSep: 18, rankSep: 70, fit: true, padding: 24, animate: false },
        minZoom: 0.05, maxZoom: 2.5,
    });
    if (graph.zoom() > 1.2) { graph.zoom(1.2); graph.center(); }
    graph.on("tap", "node", (event) => window.location.assign(event.target.data("url")));
    graph.on("mouseover", "node", (event) => {
        place.style.cursor = "pointer";
        graph.elements().not(event.target.closedNeighborhood()).addClass("is-far");
    });
    graph.on("mouseout", "node", () => { place.style.cursor = ""; graph.elements().removeClass("is-far"); });
}

function show(data) {
    latest = data;
    document.querySelector("[data-network-cut]").hidden = !data.is_cut;
    document.querySelector("[data-network-none]").hidden = data.nodes.length > 0;
    place.closest(".desk-card").hidden = data.nodes.length === 0;
    const byId = new Map(data.nodes.map((node) => [node.id, node]));
    const link = (id) => el("td", {}, el("a", { href: byId.get(id).url, class: "desk-underlined", text: byId.get(id).label }), ` (${KINDS[byId.get(id).kind].words})`);
    document.querySelector("[data-network-list]").replaceChildren(...data.edges.map((edge) => el("tr", {}, link(edge.source), link(edge.target))));
    const kinds = [...new Set(data.nodes.map((node) => node.kind))];
    document.querySelector("[data-legend]").replaceChildren(...kinds.map((kind) => {
        const dot = el("span", { class: "state-dot", "aria-hidden": "true" });
        dot.style.background = colour(kind);
        return el("span", { class: "state" }, dot, KINDS[kind].words);
    }));
    if (data.nodes.length) draw();
}

const start = () => poll(place.dataset.network, show, 15);
if (window.cytoscape) start(); else window.addEventListener("DOMContentLoaded", start);
direction.addEventListener("change", () => latest && draw());
document.querySelector("[data-fit]").addEventListener("click", () => graph?.fit(undefined, 24));
new MutationObserver(() => { if (latest) show(latest); }).observe(document.documentElement, { attributeFilter: ["class"] });
