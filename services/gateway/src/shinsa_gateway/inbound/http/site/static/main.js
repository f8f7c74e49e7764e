// Which page an address is, and what stays around all of them.

import { fill, h } from "./dom.js";
import { followAddress, t } from "./i18n.js";
import { frame, trouble } from "./layout.js";
import { link, onNavigation, query } from "./location.js";

const ROUTES = [
  [/^\/boards$/, () => import("./pages/boards.js")],
  [/^\/boards\/([^/]+)$/, () => import("./pages/board.js")],
  [/^\/analysis$/, () => import("./pages/analysis.js")],
  [/^\/runs$/, () => import("./pages/runs.js")],
  [/^\/runs\/([^/]+)$/, () => import("./pages/run.js")],
  [/^\/runs\/([^/]+)\/items$/, () => import("./pages/items.js")],
  [/^\/items\/([^/]+)$/, () => import("./pages/item.js")],
  [/^\/compare$/, () => import("./pages/compare.js")],
  [/^\/submissions$/, () => import("./pages/submissions.js")],
  [/^\/submissions\/([^/]+)$/, () => import("./pages/submission.js")],
  [/^\/submit$/, () => import("./pages/submit.js")],
  [/^\/operate$/, () => import("./pages/operate.js")],
  [/^\/judges$/, () => import("./pages/judges.js")],
  [/^\/about$/, () => import("./pages/about.js")],
];

let leaving = new AbortController();

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  followAddress();
  const main = frame();
  main.setAttribute("aria-busy", "true");
  try {
    const { page, parts } = await found(window.location.pathname);
    const view = await page.render({ parts, query: query(), signal });
    if (signal.aborted) return;
    document.title = view.title ? `${view.title} · Shinsa` : "Shinsa";
    fill(main, view.nodes);
    view.ready?.();
  } catch (error) {
    if (signal.aborted) return;
    document.title = `${t("error.title")} · Shinsa`;
    fill(main, trouble(error, show));
  } finally {
    if (!signal.aborted) main.removeAttribute("aria-busy");
  }
}

async function found(path) {
  const clean = path.replace(/\/+$/, "") || "/boards";
  for (const [pattern, load] of ROUTES) {
    const match = pattern.exec(clean);
    if (match) return { page: await load(), parts: match.slice(1).map(decodeURIComponent) };
  }
  return { page: { render: missing }, parts: [] };
}

function missing() {
  return {
    title: t("error.no_page"),
    nodes: h("div", { class: "page" }, h("h1", {}, t("error.no_page")), h("p", {}, h("a", { href: link("/boards") }, t("nav.boards")))),
  };
}

onNavigation(() => {
  show().then(() => {
    document.querySelector("#main")?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  });
});
show();
