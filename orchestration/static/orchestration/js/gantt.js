// The gantt: when each instance of a run waited (pale) and ran, earlier tries (striped) before the present one.
import { duration, el, legend, moment, poll, stateClass, stateMark, stateWords } from "./desk.js";
import { address } from "./cells.js";

const place = document.querySelector("[data-gantt]");
const at = (text) => new Date(text).getTime();

/** What a try did: waits, begin and end as milliseconds; null for one that has not even been queued. */
function times(attempt, now) {
    if (!attempt.start_date && !attempt.queued_at) return null;
    const begin = attempt.start_date ? at(attempt.start_date) : now;
    const end = attempt.start_date && attempt.end_date ? at(attempt.end_date) : now;
    const waits = attempt.queued_at && at(attempt.queued_at) < begin ? at(attempt.queued_at) : begin;
    return { waits, begin, end, state: attempt.state, number: attempt.try_number };
}

function show({ run, bars }) {
    const now = Date.now();
    const rows = bars.map((bar) => ({ bar, tries: [...bar.tries, bar].map((attempt) => times(attempt, now)).filter(Boolean) })).filter((row) => row.tries.length);
    if (!run || !rows.length) {
        place.replaceChildren(el("div", { class: "desk-empty" }, el("p", { text: run ? "No task of this run has started yet." : "This DAG has no run yet. Trigger one to see when its tasks work." })));
        return;
    }
    const all = rows.flatMap((row) => row.tries);
    const first = Math.min(...all.map((each) => each.waits));
    const last = Math.max(first + 1000, ...all.map((each) => each.end));
    legend(rows.map((row) => row.bar.state));
    const share = (time) => `${(100 * (time - first)) / (last - first)}%`;
    const drawn = rows.map(({ bar, tries }) => {
        const name = bar.map_index >= 0 ? `${bar.task_id}[${bar.map_index}]` : bar.task_id;
        const pieces = tries.flatMap((each, number) => {
            const isEarlier = number < tries.length - 1;
            const words = `${tries.length > 1 ? `try ${each.number}: ` : ""}${stateWords(each.state)}, waited ${duration((each.begin - each.waits) / 1000)}, ran ${duration((each.end - each.begin) / 1000)}`;
            const wait = el("span", { class: "gantt-wait" });
            wait.style.left = share(each.waits);
            wait.style.width = `calc(${share(each.begin)} - ${share(each.waits)})`;
            const work = el("span", { class: `gantt-work ${stateClass(each.state)}${isEarlier ? " is-earlier" : ""}`, title: words });
            work.style.left = share(each.begin);
            work.style.width = `max(3px, calc(${share(each.end)} - ${share(each.begin)}))`;
            return [wait, work, el("span", { class: "desk-hidden", text: words })];
        });
        const link = address(place.dataset.task, run.run_id, bar.task_id) + (bar.map_index >= 0 ? `?map_index=${bar.map_index}` : "");
        const present = tries.at(-1);
        return el("tr", {}, el("th", { scope: "row" }, el("a", { href: link, text: name })), el("td", {}, stateMark(bar.state)),
            el("td", { class: "gantt-track" }, ...pieces), el("td", { class: "is-number", text: tries.length > 1 ? String(tries.length) : "" }),
            el("td", { class: "is-number", text: duration((present.end - present.begin) / 1000) }));
    });
    const head = ["Task", "State", "Time", "Tries", "Ran"].map((text) => el("th", { text, class: ["Tries", "Ran"].includes(text) ? "is-number" : null }));
    place.replaceChildren(
        el("div", { class: "desk-row desk-small desk-muted" }, el("span", { text: moment(new Date(first).toISOString()) }), el("span", { text: `${duration((last - first) / 1000)} in all` }), el("span", { class: "desk-right", text: moment(new Date(last).toISOString()) })),
        el("table", { class: "desk-table gantt" }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...drawn)));
}

poll(place.dataset.gantt, show, 3);
