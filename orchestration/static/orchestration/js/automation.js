// A form shows the fields that its choices use; a channel's form sends a test.
import { given, send } from "./desk.js";

const field = (name) => document.getElementById(`id_${name}`);
const row = (name) => field(name)?.closest(".form-row, .field-row, fieldset > div > div, .group") ?? field(name)?.parentElement;

for (const [name, values] of Object.entries(given("shown-by"))) {
    const choice = field(name);
    if (!choice) continue; // somebody who may only read has no form
    const follow = () => {
        for (const other of new Set(Object.values(values).flat())) {
            const isUnused = !values[choice.value]?.includes(other);
            row(other).hidden = isUnused;
            row(other).classList.toggle("desk-unused", isUnused);
        }
    };
    choice.addEventListener("change", follow);
    follow();
}

document.querySelector("[data-channel-test]")?.addEventListener("click", async (event) => {
    const said = document.querySelector("[data-channel-said]");
    said.textContent = "Sending …";
    event.target.disabled = true;
    try {
        const answer = await send(event.target.dataset.channelTest, {});
        said.textContent = `${answer.is_good ? "It was sent:" : "It was not sent:"} ${answer.message}`;
    } catch (error) {
        said.textContent = error.message;
    }
    event.target.disabled = false;
});
