// What grid and graph share: the state that stands for several instances, and the addresses of their pages.
import { duration, stateWords } from "./desk.js";

/** The first of these states that any instance has stands for all of them. */
const WEIGHT = ["failed", "upstream_failed", "up_for_retry", "up_for_reschedule", "restarting", "running", "queued", "deferred", "scheduled", "", "success", "skipped", "removed"];

export const total = (states) => Object.values(states).reduce((sum, number) => sum + number, 0);
export const worst = (states) => WEIGHT.find((state) => state in states) ?? null;

/** Add up the states of several cells. */
export function merged(cells) {
    const states = {};
    for (const cell of cells) for (const [state, number] of Object.entries(cell.states)) states[state] = (states[state] ?? 0) + number;
    return states;
}

/** "3 success, 1 failed", or the state of a single instance. */
export function words(states) {
    const parts = Object.entries(states);
    if (parts.length === 1 && parts[0][1] === 1) return stateWords(parts[0][0]);
    return parts.map(([state, number]) => `${number} ${stateWords(state)}`).join(", ");
}

export function seconds(cell) {
    if (!cell.start) return null;
    return ((cell.end ? new Date(cell.end) : new Date()) - new Date(cell.start)) / 1000;
}

/** What a cell says when pointed at. */
export function told(label, run, cell) {
    const took = seconds(cell);
    return [`${label}`, run, words(cell.states), took === null ? null : duration(took), cell.tries > 1 ? `try ${cell.tries}` : null, cell.notes ? "has a note" : null]
        .filter(Boolean).join("\n");
}

/** An address made from a pattern with ~run~ and ~task~ in it; no DAG id can hold these. */
export const address = (pattern, run, task = "") =>
    pattern.replace("~run~", () => encodeURIComponent(run)).replace("~task~", () => encodeURIComponent(task));
