// A program that was run: its files, the checks, what it printed, what it used.

import { h } from "../dom.js";
import { number } from "../format.js";
import { t, word } from "../i18n.js";
import { copyable, pairs, table } from "../widgets.js";
import { askedOfRepository, evidence } from "./patch_view.js";
import { folded } from "./step_view.js";

const MEBIBYTE = 1024 * 1024;

export function executionBody(step) {
  const { program, checks } = step.request;
  return [
    program.files.map((file) => folded(`${file.path}${file.path === program.entry ? ` (${t("execution.entry")})` : ""}`, file.path === program.entry || program.files.length === 1, copyable(textOf(file.content), { class: "tall" }))),
    textOf(program.stdin) && folded(t("execution.stdin"), false, h("pre", { class: "tall", tabindex: "0" }, textOf(program.stdin))),
    asked(checks),
    step.result && outcome(step.result),
  ];
}

/** Bytes that came as text, or as base 64 where they are none. */
function textOf(bytes) {
  return bytes?.text ?? bytes?.base64 ?? "";
}

function asked(checks) {
  if (checks.script) return folded(t("execution.script"), false, h("pre", { class: "tall", tabindex: "0" }, checks.script.source));
  if (checks.calls) {
    const lines = checks.calls.calls.map((one) => `${checks.calls.function}(${[one.arguments, one.keywords].filter(Boolean).join(", ")}) == ${one.expected}`);
    return folded(t("execution.calls", { count: lines.length }), false, h("pre", { class: "tall", tabindex: "0" }, lines.join("\n")));
  }
  if (checks.expected_stdout) return folded(t("execution.expected"), false, h("pre", { class: "tall", tabindex: "0" }, textOf(checks.expected_stdout)));
  return checks.repository ? askedOfRepository(checks.repository) : null;
}

function outcome(result) {
  const columns = [
    { head: t("execution.check"), cell: (one) => one.name },
    { head: t("execution.result"), cell: (one) => h("span", { class: one.passed ? "right" : "wrong" }, t(one.passed ? "execution.passed" : "execution.not_passed")) },
    { head: t("execution.detail"), cell: (one) => one.detail },
  ];
  const { usage } = result;
  return [
    result.reason && h("p", { class: result.verdict === "pass" ? "faint" : "notice bad" }, result.reason),
    result.repository && evidence(result.repository),
    result.checks.length > 0 && table(columns, result.checks, { label: t("execution.checks") }),
    stream(t(result.repository ? "patch.log" : "execution.stdout"), result.stdout),
    stream(t("execution.stderr"), result.stderr),
    pairs([
      [t("execution.used"), t("execution.usage", { cpu: number(usage.cpu_seconds, 2), wall: number(usage.wall_seconds, 2), memory: number(usage.peak_memory_bytes ? usage.peak_memory_bytes / MEBIBYTE : null, 0) })],
      [t("execution.trust"), word("trust", result.trust)],
      [t("execution.tier"), [result.executor, result.tier].filter(Boolean).join(" · ")],
      [t("execution.exit"), result.signal || (result.exit_code ?? "")],
    ]),
  ];
}

function stream(name, output) {
  const text = textOf(output);
  if (!text) return null;
  return folded(output.truncated ? `${name} (${t("execution.cut")})` : name, true, h("pre", { class: "tall", tabindex: "0" }, text));
}
