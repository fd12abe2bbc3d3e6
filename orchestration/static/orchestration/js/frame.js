// What unfold's frame does on a click but not yet by keys: its menus and the filters' opener become buttons.

const search = document.querySelector("#nav-filter");
if (search) search.placeholder = search.ariaLabel = "Search pages and DAGs";

/** Let Enter and Space do what a click does. */
function byKeys(element) {
    if (element.matches("button, input, select, textarea, summary, a[href], body, html") || element.querySelector("button, input, select, textarea, a[href]")) return;
    if (!element.textContent.trim()) return; // a backdrop; Escape does the same
    element.setAttribute("role", "button");
    if (element.getAttribute("x-on:click").startsWith("sidebar")) {
        element.removeAttribute("aria-hidden");
        element.setAttribute("aria-label", "Show or hide the sidebar");
    }
    element.tabIndex = 0;
    element.addEventListener("keydown", (event) => {
        if (event.target !== element || (event.key !== "Enter" && event.key !== " ")) return;
        event.preventDefault();
        element.click();
    });
}

for (const element of document.querySelectorAll("[x-on\\:click]")) byKeys(element);

/** The operator's menu at the foot of the sidebar says whether it is open. */
const opener = document.querySelector("[x-on\\:click='openUserLinks = !openUserLinks']");
if (opener) {
    const menu = opener.parentElement.querySelector("nav");
    const tell = () => opener.setAttribute("aria-expanded", String(menu.style.display !== "none"));
    new MutationObserver(tell).observe(menu, { attributeFilter: ["style"] });
    tell();
    document.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && opener.getAttribute("aria-expanded") === "true") opener.click();
    });
}
