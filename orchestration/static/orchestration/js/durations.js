// How long the runs took, how late they ended, how long they waited or how often they were tried; and each task in them.
import { duration, el, poll, stateClass } from "./desk.js";
import { address } from "./cells.js";

const place = document.querySelector("[data-durations]");
const WORDS = {
    duration: ["No run has ended yet.", "from start to end"],
    landing: ["No run has ended yet.", "from the end of the data interval to the end"],
    queued: ["No run has started yet.", "from queued to start"],
    tries: ["No task was tried yet.", "tries"],
};

function chart(title, points, unit) {
    const known = points.filter((point) => point.value !== null && point.value !== undefined);
    const shown = (value) => (unit === "tries" ? String(Math.round(10 * value) / 10) : `${value < 0 ? "−" : ""}${duration(Math.abs(value))}`);
    const most = Math.max(unit === "tries" ? 1 : 0.1, ...known.map((point) => point.value));
    const mean = known.length ? known.reduce((sum, point) => sum + point.value, 0) / known.length : null;
    const bars = points.map((point) => {
        const isKnown = point.value !== null && point.value !== undefined;
        const words = `${point.run_id}: ${isKnown ? shown(point.value) : "nothing yet"}`;
        const bar = el("a", { class: !isKnown ? "state-none" : point.state === "task" ? "is-task" : stateClass(point.state), href: point.url, title: words, "aria-label": words });
        bar.style.height = `${Math.max(3, (100 * Math.max(0, point.value ?? 0)) / most)}%`;
        return bar;
    });
    const scale = el("div", { class: "durations-scale desk-small desk-muted", "aria-hidden": "true" }, el("span", { text: shown(most) }), el("span", { text: shown(most / 2) }), el("span", { text: unit === "tries" ? "0" : "0 s" }));
    return el("section", { class: "desk-card" }, el("h2", { text: title }),
        el("div", { class: "durations-chart" }, scale, el("div", { class: "durations-bars" }, ...bars)),
        el("div", { class: "desk-muted desk-small", text: known.length ? `mean ${shown(mean)}, most ${shown(most)}` : "nothing yet" }));
}

function show({ measure, unit, runs, of_runs: ofRuns, tasks }) {
    if (!runs.length) {
        place.replaceChildren(el("div", { class: "desk-card desk-empty" }, el("p", { text: "No run matches. Trigger one, or take a filter away." })));
        return;
    }
    const url = (run) => address(place.dataset.run, run.run_id);
    const [none, words] = WORDS[measure];
    const whole = chart(`Runs: ${words}`, runs.map((run) => ({ run_id: run.run_id, value: ofRuns[run.pk], state: run.state, url: url(run) })), unit);
    const each = Object.entries(tasks).slice(0, 100).map(([task, byRun]) =>
        chart(task, runs.map((run) => ({ run_id: run.run_id, value: byRun[run.pk] ?? null, state: "task", url: url(run) })), unit));
    place.replaceChildren(whole, each.length ? el("div", { class: "desk-columns desk-gap" }, ...each) : el("p", { class: "desk-muted", text: none }));
}

poll(place.dataset.durations, show, 10);
