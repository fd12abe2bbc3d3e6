// A try's log: follows while the task runs, keeps the last lines only, searches and filters among them; the server
// searches the rest.
import { ask, complain, el, isRefreshing } from "./desk.js";
import { coloured, hasCodes, withoutCodes } from "./ansi.js";

const place = document.querySelector("[data-log]");
const MOST_LINES = 20000;
const LEVEL = /\b(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b/;
const SOURCE = /^\[[^\]]*\] \{([^}:]+):\d+\}/;
const WEIGHT = { DEBUG: 0, INFO: 1, WARNING: 2, ERROR: 3, CRITICAL: 3 };
const CLASSES = { ERROR: "is-error", CRITICAL: "is-error", WARNING: "is-warning", DEBUG: "is-debug" };

if (place && Number(place.dataset.try) > 0) {
    const part = (name) => place.querySelector(`[data-log-${name}]`);
    const [box, about, search, level, source, follow, whole] = ["lines", "about", "search", "level", "source", "follow", "whole"].map(part);
    const lines = [];
    const sources = new Set();
    let at = null;
    let skipped = 0;
    let cut = 0;
    let isWhole = false;

    const address = (base, parameters) => {
        const url = new URL(base + place.dataset.query, window.location.href);
        url.searchParams.set("try", place.dataset.try);
        for (const [name, value] of Object.entries(parameters)) if (value) url.searchParams.set(name, value);
        return url;
    };

    function lineElement(line, word) {
        const element = el("span", { class: CLASSES[line.level] ?? "" });
        const found = word ? line.text.toLowerCase().indexOf(word) : -1;
        if (line.raw) element.append(...coloured(line.raw, found, word.length), "\n");
        else if (found < 0) element.textContent = `${line.text}\n`;
        else element.append(line.text.slice(0, found), el("mark", { text: line.text.slice(found, found + word.length) }), `${line.text.slice(found + word.length)}\n`);
        return element;
    }

    function wanted(line, word) {
        return (!level.value || (WEIGHT[line.level] ?? 1) >= WEIGHT[level.value]) && (!source.value || line.source === source.value) && (!word || line.text.toLowerCase().includes(word));
    }

    /** Texts as lines with their level and source; a line that begins no message has those of the message. */
    function parsed(texts, before) {
        let { level: lastLevel, source: lastSource } = before ?? { level: "INFO", source: "" };
        return texts.map((raw) => {
            const isCoded = hasCodes(raw);
            const text = isCoded ? withoutCodes(raw) : raw;
            if (text.startsWith("[")) {
                lastLevel = LEVEL.exec(text.slice(0, 300))?.[1] ?? lastLevel;
                lastSource = SOURCE.exec(text)?.[1] ?? lastSource;
            }
            return { text, level: lastLevel, source: lastSource, raw: isCoded ? raw : null };
        });
    }

    function add(text) {
        const fresh = parsed(text.split("\n").slice(0, text.endsWith("\n") ? -1 : undefined), lines.at(-1));
        for (const line of fresh) {
            if (!line.source || sources.has(line.source)) continue;
            sources.add(line.source);
            source.append(el("option", { value: line.source, text: line.source }));
        }
        lines.push(...fresh);
        const over = Math.max(0, lines.length - MOST_LINES);
        if (over) { cut += over; lines.splice(0, over); }
        if (isWhole) return;
        const word = search.value.trim().toLowerCase();
        box.append(...fresh.filter((line) => wanted(line, word)).map((line) => lineElement(line, word)));
        while (box.childElementCount > MOST_LINES) box.firstElementChild.remove();
        if (follow.checked) box.scrollTop = box.scrollHeight;
    }

    function redraw() {
        isWhole = false;
        const word = search.value.trim().toLowerCase();
        box.replaceChildren(...lines.filter((line) => wanted(line, word)).map((line) => lineElement(line, word)));
        if (follow.checked) box.scrollTop = box.scrollHeight;
        whole.hidden = !(skipped || cut) || (!word && !level.value);
    }

    function tell(data) {
        if (isWhole) return; // what the search found stands there
        const left = skipped || cut ? " The beginning is left out here: search all of it, or download it." : "";
        about.textContent = (data.is_running ? "The task is at work; new lines appear here." : lines.length ? "" : "There is no log of this try here: it wrote none, or ran elsewhere.") + left;
    }

    async function get(url) {
        const answer = await ask(url);
        if (!answer.ok) throw new Error(`The log answered ${answer.status}.`);
        return answer.json();
    }

    async function turn() {
        let wait = 1000;
        try {
            if (at === null || (isRefreshing() && !document.hidden)) {
                const data = await get(address(place.dataset.log, { at }));
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

    /** The server looks through the log from its start, piece by piece, until it has enough lines. */
    async function searchWhole() {
        isWhole = true;
        const word = search.value.trim().toLowerCase();
        const found = [];
        let [from, looked, isEnd] = [null, 0, false];
        box.replaceChildren();
        while (isWhole && !isEnd && found.length < MOST_LINES) {
            const data = await get(address(place.dataset.whole, { q: word, level: level.value, at: from })).catch(complain);
            if (!data || !isWhole) return;
            ({ at: from, is_end: isEnd } = data);
            looked += data.looked;
            const fresh = parsed(data.lines, found.at(-1));
            found.push(...fresh);
            box.append(...fresh.map((line) => lineElement(line, word)));
            about.textContent = `${found.length.toLocaleString("en")} line${found.length === 1 ? "" : "s"} found in ${Math.round(looked / 1e6)} of ${Math.round(data.size / 1e6)} MB.`;
            if (!data.looked) break;
        }
    }

    search.addEventListener("input", redraw);
    level.addEventListener("change", redraw);
    source.addEventListener("change", redraw);
    whole.addEventListener("click", searchWhole);
    part("wrap").addEventListener("change", (event) => box.classList.toggle("is-wrapped", event.target.checked));
    part("full").addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : place.requestFullscreen()));
    turn();
}
