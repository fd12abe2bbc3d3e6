// Tables: rows brought up to date by themselves while nothing is selected, typed or open.
import { ask, complain, isRefreshing, showMoments } from "./desk.js";

const SECONDS = 5;

const isBusy = () =>
    document.hidden || document.querySelector("dialog[open], #changelist-form input.action-select:checked")
    || document.activeElement?.closest("input, select, textarea, dialog");

async function refresh() {
    if (isRefreshing() && !isBusy()) {
        try {
            const answer = await ask(window.location.href);
            if (!answer.ok) throw new Error(`The list answered ${answer.status}.`);
            const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
            const [here, there] = [document, fresh].map((page) => page.querySelector("#result_list"));
            if (here && there && !isBusy()) {
                showMoments(there);
                if (here.innerHTML !== there.innerHTML) here.replaceChildren(...there.childNodes);
            } else if (Boolean(here) !== Boolean(there) && !isBusy()) window.location.reload();
        } catch (error) {
            complain(error);
        }
    }
    setTimeout(refresh, SECONDS * 1000);
}

if (document.querySelector("[data-live-list]")) setTimeout(refresh, SECONDS * 1000);
