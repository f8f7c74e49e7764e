// What a run came to, and where its numbers come from.

import { h } from "../dom.js";
import { cost, count, duration, number, short } from "../format.js";
import { t, word } from "../i18n.js";
import { link } from "../location.js";
import { copyable, pairs, ratio, section, table } from "../widgets.js";

export function scores(report) {
  if (!report.scores.length) return null;
  const headline = report.scores.filter((score) => score.primary);
  const rest = report.scores.filter((score) => !score.primary);
  return section(
    t("report.scores"),
    scoreTable(report.run.id, headline, t("report.scores")),
    rest.length > 0 && h("details", { class: "section" }, h("summary", {}, t("report.other_scores", { count: rest.length })), scoreTable(report.run.id, rest, t("report.scores"))),
  );
}

function scoreTable(runId, rows, label) {
  const columns = [
    { head: t("run.benchmark"), cell: (one) => h("a", { href: link(`/runs/${runId}/items`, { benchmark: one.benchmark }) }, one.benchmark) },
    { head: t("run.shots"), number: true, cell: (one) => one.shots },
    { head: t("report.metric"), cell: (one) => one.metric },
    { head: t("report.value"), number: true, cell: (one) => h("strong", {}, number(one.value, 4)) },
    { head: t("report.interval"), number: true, cell: (one) => (one.low == null ? "–" : `${number(one.low, 3)} – ${number(one.high, 3)}`) },
    { head: t("report.scored"), number: true, cell: (one) => ratio(one.scored, one.items) },
    { head: t("report.bounds"), number: true, cell: (one) => bounds(one) },
    { head: t("report.scale"), cell: (one) => one.scale },
  ];
  return table(columns, rows, { label });
}

// Only where something is missing do the bounds say more than the value.
function bounds(score) {
  if (score.worst_case == null || score.scored === score.items) return "–";
  return `${number(score.worst_case, 3)} – ${number(score.best_case, 3)}`;
}

export function reasons(report) {
  const errors = report.reasons.filter((one) => one.status !== "scored");
  if (!errors.length) return null;
  const rows = errors.sort((a, b) => b.count - a.count);
  const columns = [
    { head: t("report.status"), cell: (one) => word("outcome", one.status) },
    { head: t("report.reason"), cell: (one) => word("reason", one.reason || "none") },
    { head: t("run.benchmark"), cell: (one) => one.benchmark },
    { head: t("report.count"), number: true, cell: (one) => count(one.count) },
    {
      head: t("report.evidence"),
      cell: (one) => h("a", { href: link(`/runs/${report.run.id}/items`, { benchmark: one.benchmark, status: one.status, reason: one.reason }) }, t("report.show_items")),
    },
  ];
  return section(t("report.reasons"), table(columns, rows, { label: t("report.reasons") }));
}

export function configuration(report) {
  const { spec, plan } = report.run;
  const columns = [
    { head: t("run.benchmark"), cell: (one) => one.benchmark },
    { head: t("report.version"), cell: (one) => one.version },
    { head: t("run.shots"), number: true, cell: (one) => one.shots },
    { head: t("run.items"), number: true, cell: (one) => count(one.items) },
    { head: t("report.dataset"), cell: (one) => one.dataset },
    { head: t("report.digest"), cell: (one) => h("code", { title: one.dataset_digest }, short(one.dataset_digest)) },
  ];
  const settings = Object.entries(spec.overrides).map(([name, value]) => `${name} = ${value}`);
  const judges = Object.entries(spec.judges).map(([role, profile]) => `${role} → ${profile}`);
  return section(
    t("report.configuration"),
    pairs([
      [t("run.model"), spec.model],
      [t("run.suite"), spec.suite],
      [t("report.limit"), spec.limit ? count(spec.limit) : t("report.no_limit")],
      [t("report.judges"), judges.join(", ")],
      [t("report.overrides"), settings.join(", ")],
      [t("report.note"), spec.note],
    ]),
    h("div", { class: "section" }, table(columns, plan, { label: t("report.plan") })),
  );
}

function repeat({ cause, reason, count: times }) {
  return `${count(times)} × ${word("repeat", cause)}${reason ? `: ${word("reason", reason)}` : ""}`;
}

export function provenance(report) {
  const { provenance: found, tokens, ledger } = report;
  const lines = (list) => list.length > 0 && list.map((one) => h("div", {}, h("code", {}, one)));
  return section(
    t("report.provenance"),
    pairs([
      [t("report.shinsa_version"), found.shinsa_version],
      [t("report.engines"), lines(found.engine_fingerprints)],
      [t("report.judge_identities"), lines(found.judge_identities)],
      [t("report.tiers"), found.sandbox_tiers.join(", ")],
      [t("report.tokens"), t("report.token_text", { prompt: count(tokens.prompt_tokens), completion: count(tokens.completion_tokens) })],
      [t("report.judge_tokens"), t("report.token_text", { prompt: count(tokens.judge_prompt_tokens), completion: count(tokens.judge_completion_tokens) })],
      [t("report.ledger"), t("report.ledger_text", { needed: count(ledger.steps_needed), asked: count(ledger.steps_asked), again: count(ledger.steps_asked_again), delivered: count(ledger.steps_delivered_again), failed: count(ledger.steps_failed) })],
      [t("report.repeats"), ledger.repeats.length > 0 && ledger.repeats.map((one) => h("div", {}, repeat(one)))],
    ]),
  );
}

export function generation(report) {
  const found = report.generation;
  if (!found?.completions) return null;
  const { latency } = found;
  const own = found.completions - found.adopted - found.reused;
  const finished = Object.entries(found.finish_reasons).map(([reason, times]) => `${word("finish", reason)} ${count(times)}`);
  return section(
    t("generation.title"),
    pairs([
      [t("generation.completions"), t("generation.completions_text", { all: count(found.completions), own: count(own) })],
      [t("generation.reused"), (report.run.spec.reuse || found.reused > 0) && t("generation.reused_text", { reused: count(found.reused), sampled: count(found.not_greedy) })],
      [t("generation.adopted"), found.adopted > 0 && count(found.adopted)],
      [t("report.tokens"), t("report.token_text", { prompt: count(found.prompt_tokens), completion: count(found.completion_tokens) })],
      [t("generation.of_these"), t("generation.of_these_text", { cached: count(found.cached_tokens), reasoning: count(found.reasoning_tokens) })],
      [t("generation.taken_over"), found.tokens_taken_over > 0 && count(found.tokens_taken_over)],
      [t("generation.finished"), finished.join(", ")],
      [t("generation.latency"), latency && t("generation.latency_text", { median: duration(latency.p50), p95: duration(latency.p95), longest: duration(latency.longest) })],
      [t("usage.cost"), found.costs.map(cost).join(", ")],
    ]),
  );
}

export function judgeUsage(report) {
  if (!report.judges?.length) return null;
  const columns = [
    { head: t("judges.profile"), cell: (one) => h("strong", {}, one.profile) },
    { head: t("usage.verdicts"), number: true, cell: (one) => count(one.verdicts) },
    { head: t("judge.unreadable"), number: true, cell: (one) => count(one.unreadable) },
    { head: t("items.only_disagreed"), number: true, cell: (one) => count(one.disagreed) },
    { head: t("report.judge_tokens"), number: true, cell: (one) => t("report.token_text", { prompt: count(one.prompt_tokens), completion: count(one.completion_tokens) }) },
    { head: t("usage.cost"), number: true, cell: (one) => one.costs.map(cost).join(", ") || "–" },
  ];
  return section(t("usage.title"), table(columns, report.judges, { label: t("usage.title") }));
}

export function reproduce(report) {
  if (!report.provenance.reproduce) return null;
  return section(t("report.reproduce"), h("p", { class: "faint" }, t("report.reproduce_why")), copyable(report.provenance.reproduce));
}
