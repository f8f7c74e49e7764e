// The address is the state of a view: what is chosen is in the query, so that every view can be linked to.

const listeners = new Set();
let here = address();

function address() {
  return window.location.pathname + window.location.search;
}

/** Today's query. */
export function query() {
  return new URLSearchParams(window.location.search);
}

/** A link to a page; keeps the language where the address names one. Empty values are left out. */
export function link(path, parameters = {}) {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== "" && value != null) found.set(name, value);
  const language = query().get("lang");
  if (language) found.set("lang", language);
  const text = readable(found);
  return text ? `${path}?${text}` : path;
}

/** Changes parts of the query without a new page: `""` or null takes a part out. */
export function setQuery(changes) {
  const found = query();
  for (const [name, value] of Object.entries(changes)) {
    if (value === "" || value == null) found.delete(name);
    else found.set(name, value);
  }
  const text = readable(found);
  window.history.replaceState(null, "", window.location.pathname + (text ? `?${text}` : ""));
  here = address();
}

/** Goes to another page. */
export function go(target) {
  window.history.pushState(null, "", target);
  here = address();
  listeners.forEach((listener) => listener());
}

/** Shows the same address again. */
export function again() {
  listeners.forEach((listener) => listener());
}

/** Calls `listener` whenever the page is to change. */
export function onNavigation(listener) {
  listeners.add(listener);
  window.addEventListener("popstate", () => {
    // A jump within the page is no other page.
    if (address() === here) return;
    here = address();
    listener();
  });
  document.addEventListener("click", followed);
}

function followed(event) {
  const anchor = event.target.closest?.("a[href]");
  if (!anchor || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const target = new URL(anchor.href);
  const own = target.origin === window.location.origin && !target.pathname.startsWith("/v1/");
  if (!own || anchor.target || anchor.hasAttribute("download") || target.pathname === "/openapi.json") return;
  if (target.hash && target.pathname === window.location.pathname) return;
  event.preventDefault();
  go(target.pathname + target.search);
}

// Commas and colons need no escape in a query, and without it people can read a permalink.
function readable(parameters) {
  return parameters.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%3B", ";");
}
