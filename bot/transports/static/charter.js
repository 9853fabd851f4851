// Puts the page together: who is looking, two conversations side by side, live updates and unread counts.

import { Pane } from "./pane.js";
import { Sheet } from "./sheet.js";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

const people = new Map($$(".people [data-as]").map((button) => [button.dataset.as, button]));
const leads = (person) => "leader" in person.dataset;
const handles = (person) => "handler" in person.dataset;

// Unread: how many lines a room holds, against how many were on the screen

const held = new Map();
let firstVisit = !localStorage.getItem("charter.seen");
const seen = new Map(Object.entries(JSON.parse(localStorage.getItem("charter.seen") ?? "{}")));
const unread = (room) => Math.max(0, (held.get(room) ?? 0) - Math.min(seen.get(room) ?? 0, held.get(room) ?? 0));

function sawRoom(room) {
  if (!held.has(room)) return;
  seen.set(room, held.get(room));
  localStorage.setItem("charter.seen", JSON.stringify(Object.fromEntries(seen)));
}

function drawBadge(element, number) {
  const badge = $(".badge", element);
  badge.hidden = number === 0;
  badge.textContent = number;
  badge.setAttribute("aria-label", `${number} unread`);
}

function drawBadges() {
  for (const [id, button] of people) drawBadge(button, unread(`dm:${id}`));
  const leader = leads(people.get(main.as));
  drawBadge($('.places [data-room="dm"]'), unread(`dm:${main.as}`));
  drawBadge($('.places [data-room="leadership"]'), leader ? unread("leadership") : 0);
  drawBadge($('.switch [data-room="dm"]'), unread(`dm:${side.as}`));
  drawBadge($('.switch [data-room="leadership"]'), unread("leadership"));
  drawBadge($('[data-view="main"]'), unread(main.roomId));
  drawBadge($('[data-view="side"]'), unread(side.roomId));
  drawBadge($('[data-view="rail"]'), [...people.keys()].reduce((sum, id) => sum + unread(`dm:${id}`), 0));
  const total = unread(main.roomId);
  document.title = total ? `(${total}) Charter: preview` : "Charter: preview";
}

// Conversations and the dialog

function shown(pane) {
  if (pane.visible) sawRoom(pane.roomId);
  sheet.drawUnfinished();
  if (main.as && side.as) drawBadges();
}

function outcome(pane, data, opener) {
  if (data.kind === "page") return sheet.show(data.html, pane, opener);
  if (data.kind === "known") {
    $("#status").textContent = data.text;
    return sheet.dialog.open ? sheet.close() : undefined;
  }
  if (data.room !== pane.roomId) return sheet.show(data.html, pane, opener);
  if (sheet.dialog.open) sheet.close();
  if (stream?.readyState !== EventSource.OPEN) return pane.refresh();
}

const hooks = { shown, outcome };
const main = new Pane($("#main"), hooks);
const side = new Pane($("#side"), hooks);
const sheet = new Sheet($("#sheet"), outcome);
const panes = [main, side];

// Who and where

async function lookAs(id, room = "dm") {
  const person = people.get(id);
  const before = main.as;
  if (room === "leadership" && !leads(person)) room = "dm";
  for (const button of people.values()) button.setAttribute("aria-current", String(button === person));
  $('.places [data-room="leadership"]').parentElement.hidden = !leads(person);
  $('.places [data-page="queue"]').parentElement.hidden = !handles(person);
  for (const place of $$(".places [data-room]")) place.setAttribute("aria-current", String(place.dataset.room === room));
  localStorage.setItem("charter.as", id);
  history.replaceState(null, "", `?${new URLSearchParams({ as: id, room })}`);
  const shows = [main.show(person, room)];
  if (id === side.as && before && before !== id) shows.push(lookBeside(before));
  await Promise.all(shows);
}

async function lookBeside(id, room) {
  const person = people.get(id);
  room = leads(person) ? (room ?? "leadership") : "dm";
  $("#beside").value = id;
  $(".switch").hidden = !leads(person);
  for (const button of $$(".switch [data-room]")) {
    button.setAttribute("aria-pressed", String(button.dataset.room === room));
  }
  await side.show(person, room);
}

function view(name) {
  document.body.dataset.pane = name;
  for (const tab of $$(".tabs [data-view]")) tab.setAttribute("aria-current", String(tab.dataset.view === name));
  for (const pane of panes) if (pane.as) shown(pane);
}

for (const [id, button] of people) {
  button.addEventListener("click", async () => {
    view("main");
    await lookAs(id);
    $("#status").textContent = `You are now ${button.dataset.name}.`;
  });
}
for (const place of $$(".places [data-room]")) {
  place.addEventListener("click", () => {
    view("main");
    lookAs(main.as, place.dataset.room);
  });
}
for (const place of $$(".places [data-page]")) {
  place.addEventListener("click", () => main.open(place.dataset.page, place));
}
for (const tab of $$(".tabs [data-view]")) tab.addEventListener("click", () => view(tab.dataset.view));
for (const button of $$(".switch [data-room]")) {
  button.addEventListener("click", () => lookBeside(side.as, button.dataset.room));
}
$("#beside").addEventListener("change", (event) => lookBeside(event.target.value));

// Live updates, while somebody is looking

let stream;
let greeted = false;

function connect() {
  stream?.close();
  stream = new EventSource(`/preview/events?${new URLSearchParams([...people.keys()].map((id) => ["as", id]))}`);
  stream.addEventListener("hello", (event) => {
    $(".offline").hidden = true;
    for (const [room, count] of Object.entries(JSON.parse(event.data).rooms)) held.set(room, count);
    if (firstVisit) for (const room of held.keys()) sawRoom(room);
    firstVisit = false;
    for (const pane of panes) greeted ? pane.refresh() : shown(pane);
    greeted = true;
  });
  stream.addEventListener("message", (event) => heard(JSON.parse(event.data)));
  stream.addEventListener("page", (event) => {
    const { as, html } = JSON.parse(event.data);
    const pane = panes.find((it) => it.as === as && it.visible && it.waiting.size);
    if (!pane) return;
    pane.waiting.clear();
    pane.drawTyping();
    sheet.show(html, pane, pane.text);
  });
  stream.addEventListener("error", () => {
    $(".offline").hidden = false;
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  });
}

function heard(message) {
  if (!message.key.endsWith(":trouble")) held.set(message.room, (held.get(message.room) ?? 0) + 1);
  for (const pane of panes) pane.arrive(message);
  drawBadges();
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") connect();
  else stream?.close();
});

// Light and dark

function drawTheme() {
  const chosen = document.documentElement.dataset.theme;
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  $("#theme").setAttribute("aria-pressed", String(dark));
  return dark;
}

$("#theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = drawTheme() ? "light" : "dark";
  localStorage.setItem("charter.theme", document.documentElement.dataset.theme);
  drawTheme();
});

// Start

const asked = new URLSearchParams(location.search);
const first = [asked.get("as"), localStorage.getItem("charter.as"), ...people.keys()].find((id) => people.has(id));
const leader = [asked.get("beside"), ...[...people.keys()].filter((id) => leads(people.get(id)))];
const other = leader.find((id) => people.has(id) && id !== first) ?? [...people.keys()].find((id) => id !== first) ?? first;

drawTheme();
view("main");
await Promise.all([lookAs(first, asked.get("room") ?? "dm"), lookBeside(other)]);
connect();
document.body.dataset.ready = "yes";
if (matchMedia("(min-width: 720px)").matches) main.text.focus();
