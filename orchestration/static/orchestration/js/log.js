// A try's log: follows while the task runs, keeps the last lines only, searches and filters among them.
import { complain, el, isRefreshing } from "./desk.js";

const place = document.querySelector("[data-log]");
const MOST_LINES = 20000;
const LEVEL = /\b(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b/;
const WEIGHT = { DEBUG: 0, INFO: 1, WARNING: 2, ERROR: 3, CRITICAL: 3 };

if (place && Number(place.dataset.try) > 0) {
    const box = place.querySelector("[data-log-lines]");
    const about = place.querySelector("[data-log-about]");
    const search = place.querySelector("[data-log-search]");
    const level = place.querySelector("[data-log-level]");
    const follow = place.querySelector("[data-log-follow]");
    const lines = [];
    let at = null;
    let skipped = 0;
    let cut = 0;

    const address = () => {
        const url = new URL(place.dataset.log + place.dataset.query, window.location.href);
        url.searchParams.set("try", place.dataset.try);
        if (at) url.searchParams.set("at", at);
        return url;
    };

    function lineElement(line, word) {
        const classes = { ERROR: "is-error", CRITICAL: "is-error", WARNING: "is-warning", DEBUG: "is-debug" };
        const element = el("span", { class: classes[line.level] ?? "" });
        const place = word ? line.text.toLowerCase().indexOf(word) : -1;
        if (place < 0) element.textContent = `${line.text}\n`;
        else element.append(line.text.slice(0, place), el("mark", { text: line.text.slice(place, place + word.length) }), `${line.text.slice(place + word.length)}\n`);
        return element;
    }

    function wanted(line, word) {
        return (!level.value || (WEIGHT[line.level] ?? 1) >= WEIGHT[level.value]) && (!word || line.text.toLowerCase().includes(word));
    }

    function add(text) {
        const fresh = [];
        let last = lines.at(-1)?.level ?? "INFO";
        for (const part of text.split("\n").slice(0, text.endsWith("\n") ? -1 : undefined)) {
            last = part.startsWith("[") ? (LEVEL.exec(part.slice(0, 300))?.[1] ?? last) : last;
            fresh.push({ text: part, level: last });
        }
        lines.push(...fresh);
        const over = Math.max(0, lines.length - MOST_LINES);
        if (over) { cut += over; lines.splice(0, over); }
        const word = search.value.trim().toLowerCase();
        box.append(...fresh.filter((line) => wanted(line, word)).map((line) => lineElement(line, word)));
        while (box.childElementCount > MOST_LINES) box.firstElementChild.remove();
        if (follow.checked) box.scrollTop = box.scrollHeight;
    }

    function redraw() {
        const word = search.value.trim().toLowerCase();
        box.replaceChildren(...lines.filter((line) => wanted(line, word)).map((line) => lineElement(line, word)));
        if (follow.checked) box.scrollTop = box.scrollHeight;
    }

    function tell(data) {
        const left = skipped || cut ? " The beginning is left out; download the log for all of it." : "";
        about.textContent = (data.is_running ? "The task is at work; new lines appear here." : lines.length ? "" : "There is no log of this try here: it wrote none, or ran elsewhere.") + left;
    }

    async function turn() {
        let wait = 1000;
        try {
            if (at === null || (isRefreshing() && !document.hidden)) {
                const answer = await fetch(address(), { credentials: "same-origin" });
                if (!answer.ok) throw new Error(`The log answered ${answer.status}`);
                const data = await answer.json();
                at = data.at;
                skipped ||= data.skipped;
                if (data.text) add(data.text);
                tell(data);
                if (!data.is_end) wait = 30;
                else if (!data.is_running) wait = 5000;
            }
        } catch (error) {
            complain(error);
            wait = 5000;
        }
        setTimeout(turn, wait);
    }

    search.addEventListener("input", redraw);
    level.addEventListener("change", redraw);
    place.querySelector("[data-log-wrap]").addEventListener("change", (event) => box.classList.toggle("is-wrapped", event.target.checked));
    turn();
}
