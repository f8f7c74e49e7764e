// The queue: what waits, what runs, what is done and what failed; with votes for what waits.

import { get, newest, send } from "../api.js";
import { fill, h } from "../dom.js";
import { count, duration, size, time } from "../format.js";
import { t, word } from "../i18n.js";
import { go, link, setQuery } from "../location.js";
import { tell } from "../layout.js";
import { stateChip, table } from "../widgets.js";

const STATES = ["pending", "running", "finished", "failed", "rejected", "withdrawn"];
const PAUSE = 8000;

export async function render({ query, signal }) {
  const view = { state: query.get("state") ?? "pending", search: query.get("search") ?? "", list: [], cursor: "", counts: {}, asking: 0, signal, turn: newest(signal), body: h("div", {}) };
  await load(view);
  draw(view);
  refresh(view);
  return {
    title: t("nav.submissions"),
    nodes: h(
      "div",
      { class: "page" },
      h(
        "div",
        { class: "heading" },
        h("h1", {}, t("submissions.title")),
        h("div", { class: "row" }, h("a", { class: "button", href: link("/operate") }, t("operate.title")), h("a", { class: "button primary", href: link("/submit") }, t("submit.title"))),
      ),
      h("div", { class: "toolbar" }, searchForm(view)),
      view.body,
    ),
  };
}

async function load(view, more = false) {
  const signal = view.turn();
  const page = await get("/v1/submissions", { state: view.state === "all" ? "" : view.state, search: view.search, page_size: 50, cursor: more ? view.cursor : "" }, signal);
  signal.throwIfAborted();
  view.list = more ? [...view.list, ...page.submissions] : page.submissions;
  Object.assign(view, { cursor: page.next_cursor ?? "", counts: page.counts });
}

// What the reader asks for gives up the refresh that is under way, and never the other way round.
async function more(view) {
  view.asking += 1;
  try {
    await load(view, true);
    draw(view);
  } catch (error) {
    if (error.name !== "AbortError") tell(error.message);
  } finally {
    view.asking -= 1;
  }
}

async function refresh(view) {
  while (!view.signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (view.signal.aborted || document.hidden || view.asking || view.list.length > 50) continue;
    try {
      const before = JSON.stringify([view.list, view.counts]);
      await load(view);
      // A button that is replaced while it is pressed is never clicked.
      if (JSON.stringify([view.list, view.counts]) !== before) draw(view);
    } catch {
      // What is shown stays true as of then; the next turn asks again.
    }
  }
}

function searchForm(view) {
  const field = h("input", { type: "search", value: view.search, name: "search", placeholder: t("runs.by_model"), "aria-label": t("runs.by_model"), class: "grow" });
  const submit = (event) => {
    event.preventDefault();
    setQuery({ search: field.value.trim() });
    go(window.location.pathname + window.location.search);
  };
  return h("form", { class: "row grow", role: "search", onsubmit: submit }, field, h("button", { class: "button" }, t("action.search")));
}

function draw(view) {
  const total = Object.values(view.counts).reduce((sum, one) => sum + one, 0);
  const tab = (name, number) => h("a", { href: link("/submissions", { state: name, search: view.search }), "aria-current": name === view.state ? "page" : null }, name === "all" ? t("submissions.all") : word("state", name), ` ${count(number)}`);
  const focused = document.activeElement?.dataset?.vote;
  fill(
    view.body,
    h("nav", { class: "tabs", "aria-label": t("run.state") }, STATES.map((name) => tab(name, view.counts[name] ?? 0)), tab("all", total)),
    table(columns(view), view.list, { label: t("submissions.title"), empty: t("submissions.none") }),
    view.cursor && h("p", { class: "row end" }, h("button", { class: "button", onclick: () => more(view) }, t("action.more"))),
  );
  if (focused) view.body.querySelector(`[data-vote="${CSS.escape(focused)}"]`)?.focus();
}

function columns(view) {
  return [
    { head: t("run.model"), cell: (one) => [h("a", { href: link(`/submissions/${one.id}`) }, h("strong", {}, one.order.model)), one.order.revision && h("div", { class: "small faint mono" }, one.commit ? one.commit.slice(0, 12) : one.order.revision)] },
    { head: t("detail.type"), cell: (one) => word("type", one.order.model_type) },
    { head: t("detail.size"), number: true, cell: (one) => size(one.size_b) },
    { head: t("detail.precision"), cell: (one) => one.precision || one.order.precision || "?" },
    { head: t("run.suite"), cell: (one) => one.order.suite },
    { head: t("run.state"), cell: (one) => [stateChip(one.state), one.state === "pending" && !one.approved && h("div", { class: "small faint" }, t("submissions.waits"))] },
    { head: t("submissions.place"), number: true, cell: (one) => place(one) },
    { head: t("submissions.votes"), number: true, cell: (one) => vote(view, one) },
    { head: t("run.created"), cell: (one) => time(one.created_at) },
  ];
}

function place(one) {
  if (one.position == null) return one.failure ? h("span", { class: "small" }, one.failure.message) : "–";
  return [t("submissions.position", { number: one.position }), one.expected_wait_seconds != null && h("div", { class: "small faint" }, t("submissions.wait", { time: duration(one.expected_wait_seconds) }))];
}

function vote(view, one) {
  if (one.state !== "pending") return count(one.votes);
  const cast = async () => {
    view.asking += 1;
    try {
      const changed = await send("PUT", `/v1/submissions/${one.id}/vote`);
      // A refresh that began before the vote does not know of it.
      view.turn();
      view.list = view.list.map((other) => (other.id === one.id ? changed : other));
      draw(view);
    } catch (error) {
      tell(error.message);
    } finally {
      view.asking -= 1;
    }
  };
  return h("button", { class: "button tiny", dataset: { vote: one.id }, "aria-label": t("submissions.vote_one", { model: one.order.model, count: one.votes }), onclick: cast }, `▲ ${count(one.votes)}`);
}
