// The form of a connection follows its type: names, hints, fields that it does not use, members of extra, and the test.
import { el, given, send } from "./desk.js";

const types = given("connection-types-given");
const field = (name) => document.getElementById(`id_${name}`);
const kind = field("conn_type");
const extra = field("extra");
const COLUMNS = ["host", "schema", "login", "password", "port"];

const label = (name) => document.querySelector(`label[for="id_${name}"]`);
const row = (name) => field(name)?.closest(".form-row, .field-row, fieldset > div > div, .group") ?? field(name)?.parentElement;
const first = new Map(COLUMNS.map((name) => [name, label(name)?.textContent.trim()]));

/** The JSON object in extra; null where there is another text. */
function read() {
    const text = extra.value.trim();
    if (!text) return {};
    try {
        const value = JSON.parse(text);
        return value && typeof value === "object" && !Array.isArray(value) ? value : null;
    } catch {
        return null;
    }
}

function write(name, value) {
    const members = read() ?? {};
    if (value === "" || value === false || value === null) delete members[name];
    else members[name] = value;
    extra.value = Object.keys(members).length ? JSON.stringify(members) : "";
}

function input(spec, value) {
    const id = `extra-${spec.name}`;
    const shown = spec.is_secret ? "" : value ?? "";
    const type = spec.kind === "flag" ? "checkbox" : spec.is_secret ? "password" : spec.kind === "number" ? "number" : "text";
    const box = el("input", { id, type, placeholder: spec.is_secret && value ? "kept as it is" : spec.help, autocomplete: spec.is_secret ? "new-password" : "off" });
    if (type === "checkbox") box.checked = value === true || value === "true";
    else box.value = String(shown);
    box.addEventListener("change", () => {
        if (spec.is_secret && !box.value) return;
        write(spec.name, type === "checkbox" ? box.checked : type === "number" && box.value ? Number(box.value) : box.value);
    });
    return type === "checkbox"
        ? el("div", { class: "desk-field" }, el("label", { class: "desk-switch" }, box, spec.title))
        : el("div", { class: "desk-field" }, el("label", { for: id, text: spec.title }), box);
}

function follow() {
    const known = types[kind.value];
    for (const name of COLUMNS) {
        const isUnused = Boolean(known?.unused.includes(name)) && !field(name).value;
        row(name).hidden = isUnused;
        row(name).classList.toggle("desk-unused", isUnused);
        const words = known?.names[name] ?? first.get(name);
        if (label(name) && words) label(name).textContent = words;
        field(name).placeholder = known?.hints[name] ?? "";
    }
    const members = read();
    const place = document.querySelector("[data-extra-fields]");
    place.hidden = !known?.extra.length || members === null;
    place.querySelector("[data-extra-inputs]").replaceChildren(...(place.hidden ? [] : known.extra.map((spec) => input(spec, members[spec.name]))));
}

kind.addEventListener("input", follow);
extra.addEventListener("change", follow);
follow();

document.querySelector("[data-connection-test]")?.addEventListener("click", async (event) => {
    const said = document.querySelector("[data-connection-said]");
    said.textContent = "Trying …";
    event.target.disabled = true;
    const body = Object.fromEntries(["conn_id", "conn_type", "host", "schema", "login", "password", "extra"].map((name) => [name, field(name).value]));
    try {
        const answer = await send(event.target.dataset.connectionTest, { ...body, port: field("port").value ? Number(field("port").value) : null });
        said.textContent = `${answer.is_good ? "It works." : "It does not work."} ${answer.message}`;
    } catch (error) {
        said.textContent = error.message;
    }
    event.target.disabled = false;
});
