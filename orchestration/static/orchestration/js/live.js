// Parts of a page that are drawn by the server and fetched again while the switch is on: [data-live-part].
import { ask, complain, isRefreshing, showMoments } from "./desk.js";

const SECONDS = 5;

async function refresh() {
    const here = document.querySelector("[data-live-part]");
    const isBusy = () => document.hidden || document.querySelector("dialog[open]") || here.contains(document.activeElement);
    if (isRefreshing() && !isBusy()) {
        try {
            const answer = await ask(window.location.href);
            if (!answer.ok) throw new Error(`The page answered ${answer.status}.`);
            const there = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live-part]");
            if (there && !isBusy()) {
                showMoments(there);
                here.replaceChildren(...there.childNodes);
            }
        } catch (error) {
            complain(error);
        }
    }
    setTimeout(refresh, SECONDS * 1000);
}

setTimeout(refresh, SECONDS * 1000);
