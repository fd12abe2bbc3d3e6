// How long the runs took, and each task in them: bars, with their numbers for those who cannot see them.
import { duration, el, poll, stateClass } from "./desk.js";
import { address } from "./cells.js";

const place = document.querySelector("[data-durations]");

function chart(title, points) {
    const known = points.filter((point) => point.seconds !== null);
    const longest = Math.max(0.1, ...known.map((point) => point.seconds));
    const mean = known.length ? known.reduce((sum, point) => sum + point.seconds, 0) / known.length : null;
    const bars = points.map((point) => {
        const words = `${point.run_id}: ${point.seconds === null ? "no time yet" : duration(point.seconds)}`;
        const bar = el("a", { class: stateClass(point.state), href: point.url, title: words, "aria-label": words });
        bar.style.height = `${Math.max(3, (100 * (point.seconds ?? 0)) / longest)}%`;
        return bar;
    });
    return el("section", { class: "desk-card" }, el("h2", { text: title }),
        el("div", { class: "durations-bars" }, ...bars),
        el("div", { class: "desk-muted desk-small", text: known.length ? `mean ${duration(mean)}, longest ${duration(longest)}` : "no time yet" }));
}

function show({ runs, tasks }) {
    if (!runs.length) {
        place.replaceChildren(el("p", { class: "desk-muted", text: "No run matches." }));
        return;
    }
    const url = (run) => address(place.dataset.run, run.run_id);
    const whole = chart("Runs", runs.map((run) => ({ run_id: run.run_id, seconds: run.seconds, state: run.state, url: url(run) })));
    const each = Object.entries(tasks).slice(0, 100).map(([task, byRun]) =>
        chart(task, runs.map((run) => ({ run_id: run.run_id, seconds: byRun[run.pk] ?? null, state: "scheduled", url: url(run) }))));
    place.replaceChildren(whole, el("div", { class: "desk-columns desk-gap" }, ...each));
}

poll(place.dataset.durations, show, 10);
