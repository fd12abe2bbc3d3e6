// The gantt: when each instance of a run waited (pale) and ran.
import { duration, el, moment, poll, stateClass, stateMark, stateWords } from "./desk.js";
import { address } from "./cells.js";

const place = document.querySelector("[data-gantt]");

function show({ run, bars }) {
    const started = bars.filter((bar) => bar.start_date || bar.queued_at);
    if (!run || !started.length) {
        place.replaceChildren(el("p", { class: "desk-muted", text: "No task of the run has started." }));
        return;
    }
    const at = (text) => new Date(text).getTime();
    const now = Date.now();
    const first = Math.min(...started.map((bar) => at(bar.queued_at && bar.start_date && bar.queued_at < bar.start_date ? bar.queued_at : bar.start_date ?? bar.queued_at)));
    const last = Math.max(first + 1000, ...started.map((bar) => (bar.end_date && bar.start_date ? at(bar.end_date) : now)));
    const share = (time) => `${(100 * (time - first)) / (last - first)}%`;
    const rows = started.map((bar) => {
        const name = bar.map_index >= 0 ? `${bar.task_id}[${bar.map_index}]` : bar.task_id;
        const begin = bar.start_date ? at(bar.start_date) : now;
        const end = bar.start_date && bar.end_date ? at(bar.end_date) : now;
        const waits = bar.queued_at && at(bar.queued_at) < begin ? at(bar.queued_at) : begin;
        const took = `${stateWords(bar.state)}, waited ${duration((begin - waits) / 1000)}, ran ${duration((end - begin) / 1000)}`;
        const wait = el("span", { class: "gantt-wait" });
        wait.style.left = share(waits);
        wait.style.width = `calc(${share(begin)} - ${share(waits)})`;
        const work = el("span", { class: `gantt-work ${stateClass(bar.state)}` });
        work.style.left = share(begin);
        work.style.width = `max(3px, calc(${share(end)} - ${share(begin)}))`;
        const link = address(place.dataset.task, run.run_id, bar.task_id) + (bar.map_index >= 0 ? `?map_index=${bar.map_index}` : "");
        return el("tr", {}, el("th", { scope: "row" }, el("a", { href: link, text: name })), el("td", {}, stateMark(bar.state)),
            el("td", { class: "gantt-track", title: took }, wait, work, el("span", { class: "desk-hidden", text: took })),
            el("td", { class: "is-number", text: duration((end - begin) / 1000) }));
    });
    place.replaceChildren(
        el("div", { class: "desk-row desk-small desk-muted" }, el("span", { text: moment(new Date(first).toISOString()) }), el("span", { text: `${duration((last - first) / 1000)} in all` }), el("span", { class: "desk-right", text: moment(new Date(last).toISOString()) })),
        el("table", { class: "desk-table gantt" }, el("thead", {}, el("tr", {}, ...["Task", "State", "Time", "Ran"].map((text) => el("th", { text })))), el("tbody", {}, ...rows)));
}

poll(place.dataset.gantt, show, 3);
