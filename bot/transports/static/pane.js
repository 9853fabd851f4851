// One conversation on the screen: who is looking, at which room, what they say and press.

import { fragment, history, mayPass, newEvent, post } from "./wire.js";

const SLOW = 12_000;

export class Pane {
  /** `hooks`: shown(pane) after a room is drawn, outcome(pane, data, opener) when the server gave a page or a reply. */
  constructor(root, hooks) {
    this.root = root;
    this.hooks = hooks;
    this.log = root.querySelector(".log");
    this.composer = root.querySelector(".composer");
    this.text = root.querySelector("textarea");
    this.waiting = new Set();
    this.drafts = new Map();
    this.listen();
  }

  get roomId() {
    return this.room === "dm" ? `dm:${this.as}` : this.room;
  }

  get visible() {
    return this.root.offsetParent !== null && document.visibilityState === "visible";
  }

  listen() {
    this.composer.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (!event.repeat) this.send();
    });
    this.text.addEventListener("input", () => this.fit());
    this.log.addEventListener("click", (event) => this.clicked(event));
  }

  clicked(event) {
    const button = event.target.closest("button");
    if (!button || event.detail > 1) return;
    if (button.dataset.say) this.say(button.dataset.say);
    else if (button.dataset.retry) this.retry(button.closest(".line"));
    else if (button.dataset.action) this.press(button);
  }

  // Showing

  async show(person, room) {
    if (this.roomId) this.drafts.set(this.roomId, this.text.value);
    this.as = person.dataset.as;
    this.room = room;
    this.waiting.clear();
    this.complain("");
    this.text.value = this.drafts.get(this.roomId) ?? "";
    this.fit();
    this.label(person);
    await this.refresh();
  }

  label(person) {
    const { name } = person.dataset;
    const private_ = this.room === "dm";
    this.root.dataset.room = this.room;
    this.root.querySelector(".pane-title").textContent = private_ ? "Charter" : "leadership";
    this.root.querySelector(".pane-note").textContent = private_
      ? `Private, between ${name} and Charter`
      : `Seen by the leadership team. You are ${name}`;
    this.composer.querySelector("label").textContent = `Message Charter as ${name}`;
    this.text.placeholder = `Message as ${name}`;
  }

  async refresh() {
    const wanted = this.roomId;
    this.log.ariaBusy = "true";
    try {
      const content = await history(this.as, this.room);
      if (wanted !== this.roomId) return;
      const unsent = [...this.log.querySelectorAll(".line.unsent")].filter((line) => line.dataset.room === wanted);
      this.log.replaceChildren(content, ...unsent);
      for (const line of this.log.querySelectorAll(".line")) this.settle(line);
    } catch {
      if (wanted === this.roomId) this.complain("This conversation could not be read just now.");
    }
    this.log.ariaBusy = "false";
    this.drawTyping();
    this.log.scrollTop = this.log.scrollHeight;
    this.hooks.shown(this);
  }

  /** A line the server tells of. */
  arrive({ room, key, html }) {
    if (room !== this.roomId) return;
    const line = fragment(html).querySelector(".line");
    const there = this.log.querySelector(`[data-key="${CSS.escape(key)}"]`);
    this.settle(line);
    if (there) there.replaceWith(line);
    else this.append(line);
    if (this.visible) this.hooks.shown(this);
  }

  append(line) {
    const mine = line.dataset.author === this.as;
    const near = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 160;
    this.log.querySelector(".welcome")?.remove();
    this.log.append(line);
    this.drawTyping();
    if (!mine && !near) return;
    const top = line.offsetTop - this.log.offsetTop - 24;
    this.log.scrollTop = Math.min(top, this.log.scrollHeight);
  }

  settle(line) {
    line.classList.toggle("mine", line.dataset.author === this.as);
    const answered = line.dataset.key.match(/^web:.*:([0-9a-f-]{36}):(reply|trouble)$/);
    if (answered) this.waiting.delete(answered[1]);
    this.drawTyping();
  }

  drawTyping() {
    const typing = this.root.querySelector(".typing");
    typing.hidden = this.waiting.size === 0;
    if (typing.hidden) typing.querySelector(".typing-words").textContent = "Charter is typing…";
  }

  wait(event) {
    this.waiting.add(event);
    this.drawTyping();
    setTimeout(() => {
      if (!this.waiting.has(event)) return;
      this.root.querySelector(".typing-words").textContent = "Still working. Your message is stored; the answer will appear here.";
    }, SLOW);
  }

  // Saying

  send() {
    const text = this.text.value.trim();
    if (!text) return;
    this.text.value = "";
    this.fit();
    this.say(text);
  }

  async say(text) {
    this.complain("");
    const line = this.sketch(text, newEvent());
    this.append(line);
    await this.deliver(line);
  }

  /** My own words at once, before the server has them. */
  sketch(text, event) {
    const line = document.createElement("article");
    line.className = "line mine";
    Object.assign(line.dataset, { key: `web:${this.as}:${event}:said`, author: this.as, event, text, room: this.roomId });
    const said = Object.assign(document.createElement("div"), { className: "said" });
    const words = Object.assign(document.createElement("div"), { className: "words" });
    words.append(Object.assign(document.createElement("p"), { className: "typed", textContent: text }));
    said.append(words);
    line.append(said);
    return line;
  }

  async deliver(line) {
    const { event, text } = line.dataset;
    const room = this.room;
    line.classList.remove("unsent");
    this.wait(event);
    const answer = await post("say", { as: this.as, room, event, text });
    if (answer.ok) return;
    this.waiting.delete(event);
    this.drawTyping();
    if (mayPass(answer)) this.unsent(line, answer.text);
    else this.takeBack(line, answer.text);
  }

  unsent(line, why) {
    line.classList.add("unsent");
    const note = Object.assign(document.createElement("p"), { className: "error", textContent: `Not sent. ${why} ` });
    const again = Object.assign(document.createElement("button"), { type: "button", className: "choice", textContent: "Try again" });
    again.dataset.retry = "yes";
    note.append(again);
    line.querySelector(".said").append(note, document.querySelector("#trouble").content.cloneNode(true));
    line.scrollIntoView({ block: "nearest" });
  }

  retry(line) {
    for (const note of line.querySelectorAll(".error, .trouble")) note.remove();
    this.text.focus();
    this.deliver(line);
  }

  /** The server will not have these words: they go back into the box. */
  takeBack(line, why) {
    line.remove();
    if (!this.text.value) this.text.value = line.dataset.text;
    this.fit();
    this.complain(why);
    this.text.focus();
  }

  complain(words) {
    const error = this.composer.querySelector(".error");
    error.textContent = words;
    error.hidden = !words;
    this.text.ariaInvalid = words ? "true" : "false";
    this.text.setAttribute("aria-describedby", words ? error.id : `${this.root.id}-keys`);
  }

  fit() {
    this.text.style.height = "auto";
    if (this.text.scrollHeight) this.text.style.height = `${Math.min(this.text.scrollHeight, 180)}px`;
  }

  // Pressing

  async press(button) {
    if (button.ariaBusy === "true") return;
    button.ariaBusy = "true";
    button.dataset.event ||= newEvent();
    const { action, event } = button.dataset;
    const answer = await post("press", { as: this.as, room: this.room, event, action });
    button.ariaBusy = "false";
    if (!mayPass(answer)) delete button.dataset.event;
    if (answer.ok) this.hooks.outcome(this, answer.data, button);
    else this.complain(answer.text);
  }

  async open(page, opener) {
    const answer = await post("open", { as: this.as, room: this.room, event: newEvent(), page });
    if (answer.ok) this.hooks.outcome(this, answer.data, opener);
    else this.complain(answer.text);
  }
}
