// What an operator does before the page's scripts have run: they are modules, which run when the page is whole.
// Clicks, sent forms and typing are kept until then and done once. This is no module, so that it runs first.
{
    const clicked = new Set();
    const sent = new Map();
    const typed = new Map();

    const valueOf = (field) => {
        if (field.type === "checkbox" || field.type === "radio") return { checked: field.checked };
        if (field.type === "select-multiple") return { chosen: [...field.options].map((option) => option.selected) };
        return field.type === "file" ? {} : { value: field.value };
    };
    const keep = (event) => {
        if (event.type === "click") {
            const button = event.target.closest("button, input[type=submit]");
            if (!button) return;
            clicked.add(button);
        } else if (event.type === "submit") {
            sent.set(event.target, event.submitter);
        } else {
            const before = typed.get(event.target);
            typed.set(event.target, { ...valueOf(event.target), events: new Set([...before?.events ?? [], event.type]) });
            return;
        }
        event.preventDefault();
        event.stopImmediatePropagation();
    };

    const kinds = ["click", "submit", "input", "change"];
    for (const kind of kinds) document.addEventListener(kind, keep, true);
    document.addEventListener("DOMContentLoaded", () => {
        for (const kind of kinds) document.removeEventListener(kind, keep, true);
        for (const [field, { events, chosen, ...value }] of typed) {
            Object.assign(field, value);
            chosen?.forEach((isChosen, index) => { field.options[index].selected = isChosen; });
            for (const kind of events) field.dispatchEvent(new Event(kind, { bubbles: true }));
        }
        for (const button of clicked) button.click();
        for (const [form, submitter] of sent) form.requestSubmit(submitter);
    });
}
