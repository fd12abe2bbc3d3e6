// A year of days, coloured by how their runs ended; a day leads to its runs.
import { el, legend, poll, stateColour, stateWords } from "./desk.js";

const place = document.querySelector("[data-calendar]");
const SIZE = 15;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function colour(states) {
    const all = Object.values(states).reduce((sum, number) => sum + number, 0);
    if (!all) return stateColour("");
    if (states.running) return stateColour("running");
    if (states.queued) return stateColour("queued");
    const failed = (states.failed ?? 0) / all;
    if (!failed) return stateColour("success");
    return `color-mix(in srgb, ${stateColour("failed")} ${Math.round(40 + 60 * failed)}%, ${stateColour("success")})`;
}

function show({ year, days }) {
    const first = new Date(Date.UTC(year, 0, 1));
    const offset = (first.getUTCDay() + 6) % 7;
    const svg = el("svg", { width: 54 * SIZE + 30, height: 7 * SIZE + 26, role: "group", "aria-label": `Runs of ${year} by day` });
    ["Mon", "Wed", "Fri"].forEach((name, number) => svg.append(el("text", { x: 0, y: 30 + number * 2 * SIZE, class: "calendar-text", text: name })));
    for (let day = 0; ; day += 1) {
        const date = new Date(first.getTime() + day * 86400000);
        if (date.getUTCFullYear() !== year) break;
        const key = date.toISOString().slice(0, 10);
        const week = Math.floor((day + offset) / 7);
        if (date.getUTCDate() === 1) svg.append(el("text", { x: 30 + week * SIZE, y: 10, class: "calendar-text", text: MONTHS[date.getUTCMonth()] }));
        const states = days[key];
        const words = states ? Object.entries(states).map(([state, number]) => `${number} ${stateWords(state)}`).join(", ") : "no run";
        const rect = el("rect", { x: 30 + week * SIZE, y: 18 + ((day + offset) % 7) * SIZE, width: SIZE - 3, height: SIZE - 3, rx: 2 }, el("title", { text: `${key}: ${words}` }));
        rect.style.fill = states ? colour(states) : stateColour("");
        if (states) {
            const link = document.createElementNS("http://www.w3.org/2000/svg", "a");
            link.setAttribute("href", `${place.dataset.runs}?base=${key}T23:59`);
            link.setAttribute("aria-label", `${key}: ${words}`);
            link.append(rect);
            svg.append(link);
        } else svg.append(rect);
    }
    legend(Object.values(days).flatMap(Object.keys));
    place.replaceChildren(svg);
}

poll(place.dataset.calendar, show, 15);
