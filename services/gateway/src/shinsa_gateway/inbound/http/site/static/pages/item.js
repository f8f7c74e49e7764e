// One sample of a run, on a page of its own.

import { get, reportOf } from "../api.js";
import { h } from "../dom.js";
import { link } from "../location.js";
import { primaries } from "../widgets.js";
import { itemView } from "./item_view.js";

export async function render({ parts: [id], signal }) {
  const item = await get(`/v1/items/${encodeURIComponent(id)}`, {}, signal);
  const known = primaries(await reportOf(item.run_id, signal));
  const name = `${item.benchmark} #${item.sample_id}`;
  return {
    title: name,
    nodes: h("div", { class: "page" }, h("div", { class: "heading" }, h("a", { href: link(`/runs/${item.run_id}`), class: "mono" }, item.run_id)), itemView(item, known, "h1")),
  };
}
