// Boxes that complete what is typed: data-names is the address of the names.
const turns = new WeakMap();
let made = 0;

function listOf(box) {
    if (box.list) return box.list;
    const list = document.createElement("datalist");
    list.id = `names-${++made}`;
    box.after(list);
    box.setAttribute("list", list.id);
    box.autocomplete = "off";
    return list;
}

document.addEventListener("input", async (event) => {
    const box = event.target;
    if (!box.matches?.("input[data-names]")) return;
    const turn = (turns.get(box) ?? 0) + 1;
    turns.set(box, turn);
    const text = box.value.trim();
    if (!text) return;
    const answer = await fetch(`${box.dataset.names}?q=${encodeURIComponent(text)}`, { credentials: "same-origin" });
    if (!answer.ok || turns.get(box) !== turn) return; // an older question, or no right to the names: the box works without
    listOf(box).replaceChildren(...(await answer.json()).map((name) => Object.assign(document.createElement("option"), { value: name })));
});
