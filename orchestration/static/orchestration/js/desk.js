// What every page of the desk needs: moments in the operator's zone, polling with ETags, the auto-refresh switch, keys.

import "./frame.js";
import "./names.js";

const ZONE_COOKIE = "desk_zone";
const REFRESH_KEY = "desk_auto_refresh";

/** The operator's zone: the cookie, or the browser's own. */
export function zone() {
    const found = document.cookie.split("; ").find((part) => part.startsWith(`${ZONE_COOKIE}=`));
    return found ? decodeURIComponent(found.slice(ZONE_COOKIE.length + 1)) : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Remember a zone and show every moment of the page in it. */
export function setZone(name) {
    document.cookie = `${ZONE_COOKIE}=${encodeURIComponent(name)}; path=/; max-age=31536000; samesite=lax`;
    showMoments(document);
}

/** ISO 8601 text as date and time in the operator's zone; "" for null. */
export function moment(text) {
    if (!text) return "";
    const parts = new Intl.DateTimeFormat("sv-SE", {
        timeZone: zone(), year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    });
    return parts.format(new Date(text));
}

/** Seconds in words: 0.4 s, 12 s, 3 min 4 s, 2 h 5 min, 3 d 4 h. */
export function duration(seconds) {
    if (seconds === null || seconds === undefined) return "";
    if (seconds < 10) return `${seconds.toFixed(1)} s`;
    const whole = Math.round(seconds);
    const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
    const first = units.findIndex(([, size]) => whole >= size);
    const [unit, size] = units[first];
    const rest = whole % size;
    const next = units[first + 1];
    return `${Math.floor(whole / size)} ${unit}` + (next && rest >= next[1] ? ` ${Math.floor(rest / next[1])} ${next[0]}` : "");
}

/** Write each <time datetime> below root in the operator's zone. */
export function showMoments(root) {
    for (const element of root.querySelectorAll("time[datetime]")) {
        element.textContent = moment(element.getAttribute("datetime"));
        element.title = `${element.getAttribute("datetime")} (${zone()})`;
    }
}

/** Whether pages fetch their data again by themselves. */
export function isRefreshing() {
    return localStorage.getItem(REFRESH_KEY) !== "0";
}

export function setRefreshing(on) {
    localStorage.setItem(REFRESH_KEY, on ? "1" : "0");
}

const LOGIN = /\/login\/$/;

/** The desk's own answers; one that led to the page for logging in is an error: the session has ended. */
export async function ask(url, options = {}) {
    const answer = await fetch(url, { credentials: "same-origin", ...options }).catch(() => { throw new Error("The server cannot be reached."); });
    if (answer.redirected && LOGIN.test(new URL(answer.url).pathname)) {
        throw new Error("Your session has ended, and nothing was changed. Log in again in another tab, then go on here.");
    }
    return answer;
}

/**
 * Fetch JSON now and then every `seconds` while the switch is on and the page is seen; `show` gets it when it changed.
 * Returns a function that fetches at once.
 */
export function poll(url, show, seconds = 3) {
    let [tag, isGone] = [null, false];
    const fetchOnce = async () => {
        const address = typeof url === "function" ? url() : url;
        const answer = await ask(address, { headers: tag ? { "If-None-Match": tag } : {} });
        if (answer.status === 304) return calm();
        isGone = answer.status === 404;
        if (isGone) throw new Error("What this page shows is not there any more.");
        if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
        calm();
        tag = answer.headers.get("ETag");
        show(await answer.json());
    };
    const turn = async () => {
        if (isRefreshing() && !document.hidden) await fetchOnce().catch(complain);
        if (!isGone) setTimeout(turn, seconds * 1000);
    };
    fetchOnce().catch(complain);
    setTimeout(turn, seconds * 1000);
    return () => { tag = null; return fetchOnce().catch(complain); };
}

/** Tell the operator that the page could not be brought up to date. */
export function complain(error) {
    const place = document.querySelector("[data-desk-status]");
    if (place) place.textContent = `Not up to date: ${error.message}`;
}

/** The page is up to date again. */
function calm() {
    const place = document.querySelector("[data-desk-status]");
    if (place?.textContent.startsWith("Not up to date:")) place.textContent = "";
}

/** Tell the operator that what they asked for was not done. */
export function refuse(error) {
    const place = document.querySelector("[data-desk-status]");
    if (!place) return;
    place.textContent = `Not done: ${error.message}`;
    place.scrollIntoView({ block: "nearest" });
}

/** The page's token against forgery; a login since it was loaded gave another, which the page as it is now has. */
export async function renewToken() {
    const page = new DOMParser().parseFromString(await (await ask(window.location.href)).text(), "text/html");
    const token = page.querySelector("input[name=csrfmiddlewaretoken]")?.value;
    for (const here of token ? document.querySelectorAll("input[name=csrfmiddlewaretoken]") : []) here.value = token;
}

const isJson = (answer) => (answer.headers.get("Content-Type") ?? "").startsWith("application/json");

/** Send a verb with the CSRF token; the answer's JSON, or an error with the server's sentence. */
export async function send(url, body) {
    const post = () => ask(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "" },
        body: JSON.stringify(body),
    });
    let answer = await post();
    if (answer.status === 403 && !isJson(answer)) {
        await renewToken();
        answer = await post();
    }
    const content = isJson(answer) ? await answer.json() : {};
    if (answer.status === 403 && !isJson(answer)) throw new Error("You may not do this (any more). Load the page again.");
    if (answer.status === 404 && !content.detail) throw new Error("What this is about is not there any more. Load the page again.");
    if (!answer.ok) throw new Error(content.detail || content.title || `The server answered ${answer.status}.`);
    return content;
}

showMoments(document);

/** An element: el("a", {href, class, text, title, …}, ...children). Text is never markup. */
export function el(name, attributes = {}, ...children) {
    const svg = ["svg", "rect", "g", "line", "text", "title", "path", "circle"].includes(name) && attributes.svg !== false;
    const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false || key === "svg") continue;
        if (key === "text") element.textContent = value;
        else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
        else element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
}

const LETTERS = {
    success: "✓", failed: "✗", running: "▸", queued: "q", scheduled: "s", skipped: "–", up_for_retry: "r",
    up_for_reschedule: "w", upstream_failed: "u", deferred: "d", removed: "x", restarting: "↻",
};

/** A state's style class; unknown states look like none. */
export const stateClass = (state) => (state in LETTERS ? `state-${state}` : "state-none");
export const stateLetter = (state) => LETTERS[state] ?? "";
export const stateWords = (state) => (state || "no state").replaceAll("_", " ");
/** The colour of a state as the style sheet has it. */
export const stateColour = (state) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${stateClass(state)}`).trim();

/** A coloured dot with the state's name. */
export function stateMark(state) {
    return el("span", { class: "state" },
        el("span", { class: `state-dot ${stateClass(state)}`, "aria-hidden": "true" }), stateWords(state));
}

const ORDER = ["success", "running", "failed", "upstream_failed", "skipped", "up_for_retry", "up_for_reschedule", "restarting", "deferred", "queued", "scheduled", "removed", ""];

/** Fill the page's legend with the states that are seen on it. */
export function legend(states) {
    const seen = new Set(states);
    document.querySelector("[data-legend]")?.replaceChildren(...ORDER.filter((state) => seen.has(state)).map(stateMark));
}

/** What json_script left in the page. */
export const given = (id) => JSON.parse(document.getElementById(id).textContent);

/** A <time> element in the operator's zone. */
export function timeMark(text) {
    return text ? el("time", { datetime: text, text: moment(text), title: text }) : el("span", { text: "–" });
}

/**
 * Send a form by `act`, one at a time: its button is off meanwhile. `act` may give the address to go on to, until
 * which the button stays off; `tell` gets the error with the sentence to show.
 */
export function sendBy(form, act, tell) {
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const button = event.submitter ?? form.querySelector("button:not([type=button])");
        button.disabled = true;
        const address = await act().catch(tell);
        if (address) window.location.assign(address);
        else button.disabled = false;
    });
    window.addEventListener("pageshow", (event) => {
        if (event.persisted) for (const button of form.querySelectorAll("button")) button.disabled = false;
    });
}

/** Ask before a verb: a dialog with the server's preview; `options` are checkboxes {name: label}. */
export function confirmVerb({ title, url, body, options = {}, danger = false, mayBeEmpty = false, done }) {
    const list = el("div", { class: "desk-scroll desk-preview", "aria-live": "polite" });
    const error = el("div", { class: "desk-banner is-error", role: "alert", hidden: true });
    const boxes = Object.entries(options).map(([name, label]) => {
        const box = el("input", { type: "checkbox", name });
        box.checked = Boolean(body[name]);
        box.addEventListener("change", show);
        return el("label", { class: "desk-switch" }, box, label);
    });
    const go = el("button", { class: `desk-button ${danger ? "is-danger" : "is-primary"}`, type: "button", text: title });
    const dialog = el("dialog", { "aria-label": title }, el("h2", { text: title }),
        el("div", { class: "desk-row" }, ...boxes), error, list,
        el("div", { class: "desk-row desk-dialog-end" },
            el("button", { class: "desk-button", type: "button", text: "Cancel", onclick: () => dialog.close() }), go));
    const chosen = () => ({
        ...body, ...Object.fromEntries([...dialog.querySelectorAll("input[type=checkbox]")].map((box) => [box.name, box.checked])),
    });
    const complainHere = (problem) => {
        error.hidden = false;
        error.textContent = problem.message;
    };
    let asked = 0;
    async function show() {
        const turn = ++asked;
        error.hidden = true;
        go.disabled = true;
        const answer = await send(url, { ...chosen(), dry_run: true }).catch((problem) => { if (turn === asked) complainHere(problem); });
        if (!answer || turn !== asked) return;
        const rows = answer.affected.map((row) => el("tr", {},
            el("td", { text: row.run_id }), el("td", { text: row.map_index >= 0 ? `${row.task_id}[${row.map_index}]` : row.task_id }),
            el("td", {}, stateMark(row.state))));
        list.replaceChildren(
            el("p", { text: answer.count ? `${answer.count} task instance${answer.count === 1 ? "" : "s"} would be changed:` : "No task instance would be changed." }),
            el("table", { class: "desk-table" }, el("tbody", {}, ...rows)));
        go.disabled = answer.count === 0 && !mayBeEmpty;
    }
    go.addEventListener("click", async () => {
        go.disabled = true;
        const answer = await send(url, { ...chosen(), dry_run: false }).catch(complainHere);
        go.disabled = false;
        if (!answer) return;
        dialog.close();
        done(answer);
    });
    dialog.addEventListener("close", () => dialog.remove());
    document.querySelector("[data-desk]").append(dialog);
    dialog.showModal();
    show();
}

// Zone, refresh and keys
const zones = document.querySelector("[data-desk-zone]");
if (zones) {
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const names = [...new Set(["UTC", own, zone(), ...Intl.supportedValuesOf("timeZone")])];
    for (const name of names) zones.append(el("option", { value: name, text: name === own ? `${name} (local)` : name }));
    zones.value = zone();
    zones.addEventListener("change", () => setZone(zones.value));
}
const refresh = document.querySelector("[data-desk-refresh]");
if (refresh) {
    refresh.checked = isRefreshing();
    refresh.addEventListener("change", () => setRefreshing(refresh.checked));
}
document.addEventListener("keydown", (event) => {
    const inField = event.target.closest("input, textarea, select, [contenteditable]");
    if (inField || event.ctrlKey || event.metaKey || event.altKey) return;
    const palette = document.querySelector("#search-input-command");
    if (palette?.offsetParent) return palette.focus(); // it opens before it takes the keys
    const open = (selector) => {
        const link = document.querySelector(selector);
        if (link) { event.preventDefault(); link.click(); }
    };
    if (event.key === "?") document.querySelector("[data-desk-keys]")?.showModal();
    else if (event.key === "/") { event.preventDefault(); document.querySelector("[data-desk-search]")?.focus(); }
    else if (event.key === "g") open("[data-key=g], #nav-sidebar-apps a[href$='/dags/']");
    else if (event.key === "h") open("#nav-sidebar-apps a");
    else if (["r", "c", "t"].includes(event.key)) open(`[data-key=${event.key}]`);
});

// A name that is cut is told whole where the pointer rests
document.addEventListener("mouseover", (event) => {
    const link = event.target.closest?.("td > a, td > div > a, th > a, .runs-grid th > *");
    if (link && !link.title && link.scrollWidth > link.clientWidth) link.title = link.textContent.trim();
});

// Small bars whose height is a share of 100
for (const bar of document.querySelectorAll("[data-height]")) bar.style.height = `${bar.dataset.height}%`;

// What is wider than its place is scrolled by keys, too
for (const box of document.querySelectorAll(".desk-scroll:not([tabindex])")) {
    if (box.scrollWidth <= box.clientWidth) continue;
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", box.closest("section")?.querySelector("h2")?.textContent ?? "Table");
}
