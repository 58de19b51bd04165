/*
 * The pages work without this.  With it, they say at once what changes, find and sort
 * while somebody types, and ask for something without being loaded again.
 */
"use strict";

const link = document.getElementById("link");
const rows = document.getElementById("accounts");
const state = new URLSearchParams(location.search);

/* Changes, as they are told. */

let source, waiting;

function listen() {
  const { events, since } = document.body.dataset;
  const query = since ? `${events.includes("?") ? "&" : "?"}since=${since}` : "";
  clearTimeout(waiting);
  source?.close();
  source = new EventSource(events + query);
  source.addEventListener("open", () => say("live"));
  source.addEventListener("reload", () => location.reload());
  source.addEventListener("pieces", (event) => {
    document.body.dataset.since = event.lastEventId;
    Object.entries(JSON.parse(event.data)).forEach(([id, html]) => put(id, html));
    if (rows) {
      // Nothing moves away below a hand.
      arrange(rows.matches(":hover, :focus-within"));
    }
  });
  source.addEventListener("error", () => {
    say("connection lost, trying again", true);
    if (source.readyState === EventSource.CLOSED) {
      waiting = setTimeout(listenAgain, 10000);
    }
  });
}

/* Perhaps the token has to be said again. */
async function listenAgain() {
  const answer = await fetch(document.body.dataset.events, { method: "HEAD" }).catch(() => null);
  if (answer?.status === 401) {
    location.reload();
  } else {
    attend();
  }
}

/* A browser has six connections to a host: a page that nobody sees leaves them to others. */
function attend() {
  if (document.hidden) {
    clearTimeout(waiting);
    source?.close();
  } else {
    listen();
  }
}

function say(text, lost) {
  link.hidden = false;
  link.textContent = text;
  link.classList.toggle("lost", Boolean(lost));
}

function put(id, html) {
  const old = document.getElementById(id);
  if (html === null) {
    old?.remove();
    return;
  }
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = template.content.firstElementChild;
  if (!old) {
    document.getElementById(fresh.dataset.into)?.append(fresh);
  } else {
    const button = old.contains(document.activeElement) ? document.activeElement : null;
    const scrolled = old.querySelector(".wide")?.scrollLeft;
    if (rows) {
      fresh.hidden = old.hidden;
      fresh.classList.add("news");
      old.replaceWith(fresh);
    } else {
      // What is read out as it changes has to stay itself.
      old.hidden = fresh.hidden;
      old.replaceChildren(...fresh.childNodes);
    }
    const now = document.getElementById(id);
    if (scrolled) {
      now.querySelector(".wide").scrollLeft = scrolled;
    }
    keepFocus(button, now);
  }
}

/* Where somebody is with the keys, there they stay. */
function keepFocus(lost, fresh) {
  if (!lost) {
    return;
  }
  const all = [...fresh.querySelectorAll("a, button, [tabindex]")];
  const same = all.find((one) => one.name && one.name === lost.name && one.localName === lost.localName);
  const alike = all.find((one) => one.localName === lost.localName);
  (same ?? alike ?? fresh.querySelector("a"))?.focus({ preventScroll: true });
}

/* Times, which go on. */

const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

function span(seconds) {
  const left = Math.max(0, Math.floor(seconds));
  const at = units.findIndex(([, size]) => left >= size);
  if (at < 0) {
    return "0 s";
  }
  const [unit, size] = units[at];
  const [lower, less] = units[Math.min(at + 1, units.length - 1)];
  const rest = left % size;
  const more = size > 60 && rest >= less ? ` ${Math.floor(rest / less)} ${lower}` : "";
  return `${Math.floor(left / size)} ${unit}${more}`;
}

function tick() {
  const now = Date.now() / 1000 + ahead;
  for (const time of document.querySelectorAll("time[data-kind]")) {
    if (time.closest("[hidden]")) {
      continue;
    }
    const apart = now - Date.parse(time.dateTime) / 1000;
    const kinds = {
      ago: () => `${span(apart)} ago`,
      for: () => span(apart),
      in: () => (apart < 0 ? `in ${span(-apart)}` : "now"),
    };
    const text = kinds[time.dataset.kind]();
    if (time.textContent !== text) {
      time.textContent = text;
    }
  }
}

/* What the clock of the other side is ahead of the one here. */
const ahead = (Number(document.body.dataset.now) || Date.now() / 1000) - Date.now() / 1000;

/* All accounts: which are shown, and in which order. */

const columns = ["account", "state", "synced", "behind", "messages", "octets", "refused", "error"];
const healths = ["trouble", "working", "ok", "paused", "ended"];
const names = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function key(row, column) {
  if (column === "account") {
    return row.cells[0].textContent;
  }
  if (column === "state") {
    return healths.indexOf(row.dataset.health);
  }
  return Number(row.cells[columns.indexOf(column)].dataset.v);
}

function arrange(isHeld) {
  const all = [...rows.rows];
  const wanted = state.get("state") ?? "";
  const words = (state.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const counts = { "": all.length };
  let shown = 0;
  for (const row of all) {
    const health = row.dataset.health;
    counts[health] = (counts[health] ?? 0) + 1;
    const found = (!wanted || health === wanted) && words.every((word) => text(row).includes(word));
    row.hidden = !found;
    shown += found;
  }
  for (const filter of document.querySelectorAll(".filter")) {
    const which = filter.dataset.state;
    filter.dataset.count = counts[which] ?? 0;
    filter.querySelector("b").textContent = (counts[which] ?? 0).toLocaleString("en");
    if (which === wanted) {
      filter.setAttribute("aria-current", "true");
    } else {
      filter.removeAttribute("aria-current");
    }
  }
  document.getElementById("nothing").hidden = shown > 0;
  if (!isHeld) {
    order(all);
  }
}

function text(row) {
  return `${row.cells[0].textContent} ${row.cells[7].textContent}`.toLowerCase();
}

function order(all) {
  const column = columns.includes(state.get("sort")) ? state.get("sort") : "account";
  const sign = state.has("reverse") ? -1 : 1;
  const keyed = all.map((row) => [key(row, column), key(row, "account"), row]);
  const compare = (a, b) => (typeof a === "string" ? names.compare(a, b) : a - b);
  keyed.sort((a, b) => sign * compare(a[0], b[0]) || names.compare(a[1], b[1]));
  // Only those are moved that stand elsewhere: others keep the focus, and their place.
  let before = null;
  for (const [, , row] of keyed) {
    const next = before ? before.nextElementSibling : rows.firstElementChild;
    if (next !== row) {
      rows.insertBefore(row, next);
    }
    before = row;
  }
  for (const head of document.querySelectorAll("[data-sort]")) {
    const cell = head.closest("th");
    if (head.dataset.sort === column) {
      cell.setAttribute("aria-sort", sign < 0 ? "descending" : "ascending");
    } else {
      cell.removeAttribute("aria-sort");
    }
  }
}

function want(changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (value) {
      state.set(name, value);
    } else {
      state.delete(name);
    }
  }
  const query = state.toString();
  history.replaceState(null, "", query ? `?${query}` : "./");
  arrange();
}

function overview() {
  const search = document.getElementById("search");
  search.addEventListener("input", () => want({ q: search.value.trim() }));
  search.form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("click", (event) => {
    const sort = event.target.closest("[data-sort]");
    const filter = event.target.closest("[data-state]");
    if (event.ctrlKey || event.metaKey || event.shiftKey || !(sort || filter)) {
      return;
    }
    event.preventDefault();
    if (filter) {
      want({ state: filter.dataset.state });
    } else {
      const again = (state.get("sort") ?? "account") === sort.dataset.sort;
      const reverse = again && !state.has("reverse") ? "1" : "";
      want({ sort: sort.dataset.sort, reverse });
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input")) {
      event.preventDefault();
      search.focus();
    }
  });
}

/* What is asked for. */

const done = { sync: "Asked to sync", pause: "Pausing", resume: "Going on" };

async function act(event) {
  const { submitter: button, target: form } = event;
  if (!button?.name || !done[button.name]) {
    return;
  }
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, button));
  body.set("quiet", "1");
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body });
    if (answer.ok) {
      say(`${done[button.name]}: ${button.getAttribute("aria-label").split(": ").slice(1).join(": ")}`);
    } else {
      location.reload();
    }
  } catch {
    say("not asked: no connection", true);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", act);
if (rows) {
  overview();
}
attend();
document.addEventListener("visibilitychange", attend);
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", (event) => event.persisted && location.reload());
setInterval(tick, 1000);
