// The trigger form: the fields and the JSON beside them say the same; the JSON is what is sent.
import { given, send, sendBy } from "./desk.js";

const data = given("trigger-data");
const form = document.querySelector("[data-trigger]");
const editor = form.querySelector("[data-conf]");
const error = form.querySelector("[data-trigger-error]");
const inputs = [...form.querySelectorAll("[data-name]")];
let conf = { ...data.conf };

function tell(text) {
    error.hidden = !text;
    error.textContent = text;
    if (text) error.scrollIntoView({ block: "nearest" });
}

/** A field's value; undefined leaves the param to its default. */
function read(input) {
    const text = input.value;
    const nothing = "null" in input.dataset ? null : undefined;
    switch (input.dataset.kind) {
        case "boolean": return input.checked;
        case "integer":
        case "number": return text === "" ? nothing : Number(text);
        case "choice": return text === "" ? nothing : JSON.parse(text);
        case "choices": return [...input.selectedOptions].map((option) => JSON.parse(option.value));
        case "lines": return text === "" ? ("null" in input.dataset ? null : []) : text.split("\n").filter((line) => line !== "");
        case "json": return text.trim() === "" ? nothing : JSON.parse(text);
        case "datetime": return text === "" ? nothing : `${text.length === 16 ? `${text}:00` : text}+00:00`;
        case "time": return text === "" ? nothing : text.length === 5 ? `${text}:00` : text;
        default: return text === "" && ("null" in input.dataset || "masked" in input.dataset) ? nothing : text;
    }
}

function write(input, value) {
    switch (input.dataset.kind) {
        case "boolean": input.checked = Boolean(value); break;
        case "choice": input.value = JSON.stringify(value); break;
        case "choices": for (const option of input.options) option.selected = (value ?? []).some((each) => JSON.stringify(each) === option.value); break;
        case "lines": input.value = Array.isArray(value) ? value.join("\n") : ""; break;
        case "json": input.value = value === null || value === undefined ? "" : JSON.stringify(value, null, 2); break;
        case "datetime": input.value = value ? new Date(value).toISOString().slice(0, 19) : ""; break;
        default: input.value = value ?? "";
    }
}

function toEditor() {
    editor.value = JSON.stringify(conf, null, 2);
}

function toFields() {
    for (const input of inputs) if (input.dataset.name in conf) write(input, conf[input.dataset.name]);
}

for (const input of inputs) {
    input.addEventListener("input", () => {
        try {
            const value = read(input);
            if (value === undefined) delete conf[input.dataset.name];
            else conf[input.dataset.name] = value;
            input.setCustomValidity("");
            toEditor();
        } catch (problem) {
            input.setCustomValidity(`This is no JSON: ${problem.message}`);
            input.reportValidity();
        }
    });
}
editor.addEventListener("input", () => {
    try {
        const value = JSON.parse(editor.value || "{}");
        if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error("it must be an object");
        conf = value;
        editor.setCustomValidity("");
        toFields();
    } catch (problem) {
        editor.setCustomValidity(`This is no JSON: ${problem.message}`);
    }
});
form.querySelector("[data-recent]")?.addEventListener("change", (event) => {
    if (event.target.value === "") return;
    conf = { ...data.conf, ...data.recent[Number(event.target.value)] };
    toEditor();
    toFields();
});
sendBy(form, async () => {
    tell("");
    const date = form.elements.logical_date.value;
    const answer = await send(form.dataset.trigger, {
        conf,
        run_id: form.elements.run_id.value || null,
        logical_date: date ? `${date.length === 16 ? `${date}:00` : date}+00:00` : null,
        note: form.elements.note.value || null,
        unpause: form.elements.unpause?.checked ?? false,
    });
    return answer.url;
}, (problem) => tell(problem.message));

if (data.asked) conf = { ...conf, ...data.asked };
for (const name of data.required) if (conf[name] === null) delete conf[name];
toEditor();
toFields();
