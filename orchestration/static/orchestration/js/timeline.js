// Every DAG's runs over the same stretch of time.
import { duration, el, legend, moment, poll, stateClass, stateWords } from "./desk.js";

const place = document.querySelector("[data-timeline]");
const find = document.querySelector("[data-timeline-find]");
let latest = null;

const link = (pattern, dag, run = "") => pattern.replace("~dag~", () => encodeURIComponent(dag)).replace("~run~", () => encodeURIComponent(run));

function row(dag, runs, first, last) {
    const share = (time) => (100 * (time - first)) / (last - first);
    const lanes = [];
    for (const run of runs) {
        const begin = Math.max(first, new Date(run.start_date).getTime());
        const end = Math.min(last, run.end_date ? new Date(run.end_date).getTime() : last);
        let lane = lanes.findIndex((until) => until <= begin);
        if (lane < 0) lane = lanes.length < 4 ? lanes.push(0) - 1 : 3;
        lanes[lane] = end;
        run.place = { left: share(begin), width: share(end) - share(begin), lane };
    }
    const track = el("div", { class: "timeline-track" });
    track.style.height = `${Math.max(1, lanes.length) * 16 + 6}px`;
    for (const run of runs) {
        const took = (new Date(run.end_date ?? Date.now()) - new Date(run.start_date)) / 1000;
        const words = `${run.run_id}: ${stateWords(run.state)}, ${duration(took)}`;
        const bar = el("a", { class: `timeline-run ${stateClass(run.state)}`, href: link(place.dataset.run, dag, run.run_id), title: `${dag}\n${words}\n${moment(run.start_date)}`, "aria-label": `${dag} ${words}` });
        bar.style.left = `${run.place.left}%`;
        bar.style.width = `max(5px, ${run.place.width}%)`;
        bar.style.top = `${4 + run.place.lane * 16}px`;
        track.append(bar);
    }
    return el("tr", {}, el("th", { scope: "row" }, el("a", { href: link(place.dataset.dag, dag), text: dag })), el("td", {}, track));
}

function draw() {
    if (!latest) return;
    const last = latest.until ? new Date(latest.until).getTime() : Date.now();
    const first = last - latest.hours * 3600000;
    const word = find.value.trim().toLowerCase();
    const dags = Object.entries(latest.dags).filter(([dag]) => dag.toLowerCase().includes(word));
    legend(Object.values(latest.dags).flat().map((run) => run.state));
    if (!dags.length) {
        place.replaceChildren(el("div", { class: "desk-empty" }, el("p", { text: word ? "No DAG of this name ran then." : "No run was at work in this time. Look further back, or trigger a DAG." })));
        return;
    }
    const ticks = el("div", { class: "timeline-track timeline-ticks" });
    for (let number = 0; number <= 6; number += 1) {
        const tick = el("span", { text: moment(new Date(first + ((last - first) * number) / 6).toISOString()).slice(11, 16) });
        tick.style.left = `${(100 * number) / 6}%`;
        if (number === 6) tick.classList.add("is-last");
        ticks.append(tick);
    }
    place.replaceChildren(
        el("table", { class: "timeline" }, el("thead", {}, el("tr", {}, el("td", { class: "desk-muted desk-small", text: moment(new Date(first).toISOString()).slice(0, 10) }), el("td", {}, ticks))),
            el("tbody", {}, ...dags.map(([dag, runs]) => row(dag, runs, first, last)))),
        latest.is_cut ? el("p", { class: "desk-muted", text: "There are more runs than are shown. Choose a shorter time." }) : "");
}

find.addEventListener("input", draw);
poll(place.dataset.timeline, (data) => { latest = data; draw(); }, 5);
