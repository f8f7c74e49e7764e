// Numbers, times and names as people read them.

import { language, t } from "./i18n.js";

/** A number with fixed decimals; null is a dash. */
export function number(value, decimals = 2) {
  if (value == null || Number.isNaN(value)) return "–";
  return value.toLocaleString(language(), { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** A count. */
export function count(value) {
  return value == null ? "–" : value.toLocaleString(language());
}

/** A value of 0 to 1 as per cent. */
export function percent(value, decimals = 0) {
  return value == null ? "–" : `${number(value * 100, decimals)} %`;
}

/** A cost with its currency; what is less than one is never rounded to nothing. */
export function cost(found) {
  const { amount, currency } = found;
  return `${amount < 1 ? amount.toLocaleString(language(), { maximumSignificantDigits: 4 }) : number(amount, 2)} ${currency}`;
}

/** A p-value. */
export function pValue(value) {
  if (value == null) return "–";
  return value < 0.001 ? "< 0.001" : number(value, 3);
}

/** A difference, with its sign. */
export function signed(value, decimals = 2) {
  if (value == null) return "–";
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${number(Math.abs(value), decimals)}`;
}

/** An RFC 3339 time in the reader's own zone. */
export function time(text) {
  if (!text) return "–";
  return new Date(text).toLocaleString(language(), { dateStyle: "medium", timeStyle: "short" });
}

/** Seconds as a length of time. */
export function duration(seconds) {
  if (seconds == null || !Number.isFinite(seconds)) return "–";
  if (seconds < 0.001) return "< 1 ms";
  if (seconds < 10) return t("time.seconds", { seconds: number(seconds, seconds < 0.1 ? 3 : 1) });
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds % 60)];
  if (hours) return t("time.hours", { hours, minutes });
  if (minutes) return t("time.minutes", { minutes, seconds: rest });
  return t("time.seconds", { seconds: rest });
}

/** Seconds between two RFC 3339 times; the second may be missing: until now. */
export function elapsed(from, until) {
  if (!from) return null;
  return (new Date(until || Date.now()) - new Date(from)) / 1000;
}

/** Billions of parameters. */
export function size(billions) {
  if (!billions || billions <= 0) return "?";
  return billions < 1 ? `${Math.round(billions * 1000)}M` : `${+billions.toFixed(billions < 10 ? 2 : 1)}B`;
}

/** The beginning of a digest. */
export function short(digest) {
  return digest.length > 14 ? `${digest.slice(0, 12)}…` : digest;
}
