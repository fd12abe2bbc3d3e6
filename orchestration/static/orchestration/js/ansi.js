// What programs write for terminals into logs: colours are shown, other control codes are left out, and of a line that
// was written over (progress with carriage returns) the last writing stays.
import { el } from "./desk.js";

// A colour; any other sequence of a terminal; a control character
const CODES = /\x1b\[([\d;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?|[\x00-\x08\x0b-\x1f\x7f]/g;
const HEAD = /^\[[^\]]*\] \{[^}]*\} [A-Z]+ - /;
const BASE = ["#8b949e", "#ff9d9d", "#7ee787", "#ffd479", "#8ab8ff", "#e2a8ff", "#76e3ea", "#e4e9f0"];
const BRIGHT = ["#a8b3c2", "#ffb4b4", "#a5f0ab", "#ffe6ad", "#b3d1ff", "#efc8ff", "#a8f1f5", "#ffffff"];
const GROUNDS = ["#30363d", "#8e1519", "#116329", "#7d4e00", "#0b4f9e", "#6e2c91", "#0f5e63", "#57606a"];
const STEPS = [0, 95, 135, 175, 215, 255];

/** One of the 256 colours. */
function ofTable(number, first) {
    if (number < 8) return first[number];
    if (number < 16) return first === GROUNDS ? GROUNDS[number - 8] : BRIGHT[number - 8];
    if (number > 231) return `rgb(${Array(3).fill(8 + 10 * (number - 232)).join()})`;
    const at = number - 16;
    return `rgb(${[Math.floor(at / 36), Math.floor(at / 6) % 6, at % 6].map((step) => STEPS[step]).join()})`;
}

/** The style after a colour's parameters. */
function changed(style, parameters) {
    const codes = parameters.split(/[;:]/).map(Number);
    let next = style;
    while (codes.length) {
        const code = codes.shift();
        if (code === 0) next = {};
        else if (code === 1) next = { ...next, fontWeight: "700" };
        else if (code === 3) next = { ...next, fontStyle: "italic" };
        else if (code === 4) next = { ...next, textDecoration: "underline" };
        else if (code === 22) next = { ...next, fontWeight: "" };
        else if (code === 23) next = { ...next, fontStyle: "" };
        else if (code === 24) next = { ...next, textDecoration: "" };
        else if (code >= 30 && code <= 37) next = { ...next, color: BASE[code - 30] };
        else if (code >= 90 && code <= 97) next = { ...next, color: BRIGHT[code - 90] };
        else if (code === 39) next = { ...next, color: "" };
        else if (code >= 40 && code <= 47) next = { ...next, backgroundColor: GROUNDS[code - 40] };
        else if (code >= 100 && code <= 107) next = { ...next, backgroundColor: GROUNDS[code - 100] };
        else if (code === 49) next = { ...next, backgroundColor: "" };
        else if (code === 38 || code === 48) {
            const name = code === 38 ? "color" : "backgroundColor";
            const kind = codes.shift();
            if (kind === 5) next = { ...next, [name]: ofTable(Math.min(255, codes.shift() || 0), code === 38 ? BASE : GROUNDS) };
            else if (kind === 2) next = { ...next, [name]: `rgb(${codes.splice(0, 3).map((part) => part || 0).join()})` };
        }
    }
    return next;
}

/** What stays of a line that was written over; the head that says when and where stays, too. */
function lastWriting(line) {
    const text = line.replace(/\r+$/, "");
    if (!text.includes("\r")) return text;
    const head = HEAD.exec(text)?.[0] ?? "";
    return head + text.slice(Math.max(head.length, text.lastIndexOf("\r") + 1));
}

/** A line as pieces: text, and the style it has. */
function pieces(line) {
    const found = [];
    let [style, at] = [{}, 0];
    const text = lastWriting(line);
    for (const code of text.matchAll(CODES)) {
        if (code.index > at) found.push([text.slice(at, code.index), style]);
        at = code.index + code[0].length;
        if (code[1] !== undefined) style = changed(style, code[1]);
    }
    if (at < text.length) found.push([text.slice(at), style]);
    return found;
}

/** Whether a line holds anything but text. */
export const hasCodes = (line) => line.search(CODES) >= 0;

/** The line's text alone, which is what is searched. */
export const withoutCodes = (line) => pieces(line).map(([text]) => text).join("");

/** The line's nodes, with `length` characters of its text from `from` on marked. */
export function coloured(line, from, length) {
    let passed = 0;
    const to = from + length;
    return pieces(line).map(([text, style]) => {
        const [start, end] = [from, to].map((place) => Math.min(text.length, Math.max(0, place - passed)));
        passed += text.length;
        const piece = el("span");
        Object.assign(piece.style, style);
        if (from < 0 || start === end) piece.textContent = text;
        else piece.append(text.slice(0, start), el("mark", { text: text.slice(start, end) }), text.slice(end));
        return piece;
    });
}
