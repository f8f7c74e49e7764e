// The gateway's API. The key, where one is needed, stays in this tab's session and goes into no address.

const KEY = "shinsa.key";

/** What the gateway said when it refused: an RFC 9457 problem. */
export class Refusal extends Error {
  constructor(problem) {
    super(problem.detail || problem.title);
    this.status = problem.status;
    this.problem = problem;
  }
}

export const apiKey = {
  get: () => sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? "",
  set(key, remembered) {
    sessionStorage.removeItem(KEY);
    localStorage.removeItem(KEY);
    if (key) (remembered ? localStorage : sessionStorage).setItem(KEY, key);
  },
};

/** `GET`: the decoded body. Empty parameters are not sent. */
export async function get(path, parameters = {}, signal = undefined) {
  const answer = await ask(path, parameters, { signal });
  return answer.json();
}

/** `POST`, `PUT`, `PATCH` or `DELETE` with a JSON body. */
export async function send(method, path, body = undefined, headers = {}) {
  const options = { method, headers: { ...headers } };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["content-type"] = "application/json";
  }
  const answer = await ask(path, {}, options);
  return answer.status === 204 ? null : answer.json();
}

/** Everything of a paged list, at most `limit` entries. */
export async function all(path, parameters, name, { limit = 5000, signal } = {}) {
  const found = [];
  let cursor = "";
  do {
    const page = await get(path, { ...parameters, page_size: 500, cursor }, signal);
    found.push(...page[name]);
    cursor = page.next_cursor ?? "";
  } while (cursor && found.length < limit);
  return { entries: found, more: Boolean(cursor) };
}

/** For a view that asks again and again: each call gives the signal of the newest question and gives up the one before. */
export function newest(signal = new AbortController().signal) {
  let asking = new AbortController();
  return () => {
    asking.abort();
    asking = new AbortController();
    return AbortSignal.any([signal, asking.signal]);
  };
}

/** Server-sent events by fetch, because only that can carry a key. Comes back after a cut until `signal` aborts. */
export async function events(path, onEvent, signal) {
  let last = "";
  let wait = 1000;
  while (!signal.aborted) {
    try {
      const headers = { accept: "text/event-stream", ...(last ? { "last-event-id": last } : {}) };
      const answer = await ask(path, {}, { signal, headers });
      wait = 1000;
      for await (const event of parsed(answer.body)) {
        last = event.id || last;
        if (onEvent(event.name, JSON.parse(event.data)) === "end") return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refusal && error.status < 500 && error.status !== 429) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, 15000);
  }
}

async function* parsed(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value.replaceAll("\r\n", "\n");
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = { name: "message", data: "", id: "" };
      for (const line of block.split("\n")) {
        const [, field, text] = /^(\w*): ?(.*)$/s.exec(line) ?? [];
        if (field === "event") event.name = text;
        else if (field === "data") event.data += text;
        else if (field === "id") event.id = text;
      }
      if (event.data) yield event;
    }
  }
}

async function ask(path, parameters, options) {
  const wanted = Object.entries(parameters).filter(([, value]) => value !== "" && value != null && value !== false);
  const text = new URLSearchParams(wanted).toString();
  const key = apiKey.get();
  const headers = { accept: "application/json", ...options.headers, ...(key ? { authorization: `Bearer ${key}` } : {}) };
  const answer = await fetch(path + (text ? `?${text}` : ""), { ...options, headers });
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

async function refusal(answer) {
  const fallback = { status: answer.status, title: answer.statusText || `HTTP ${answer.status}`, detail: "" };
  try {
    return new Refusal({ ...fallback, ...(await answer.json()) });
  } catch {
    return new Refusal(fallback);
  }
}

/** The report of a run; null where there is none, such as of one whose benchmarks are no longer installed. */
export async function reportOf(runId, signal) {
  try {
    return await get(`/v1/runs/${encodeURIComponent(runId)}/report`, {}, signal);
  } catch {
    return null;
  }
}
