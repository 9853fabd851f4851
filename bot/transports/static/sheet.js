// The dialog in which forms and cases are read and filled in. It closes only when the server has what was written.

import { fragment, mayPass, newEvent, post } from "./wire.js";

export class Sheet {
  /** `outcome(pane, data, opener)` is told when the server gave a page or a reply. */
  constructor(dialog, outcome) {
    this.dialog = dialog;
    this.outcome = outcome;
    dialog.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit(event.target, event.submitter);
    });
    dialog.addEventListener("click", (event) => this.clicked(event));
    dialog.addEventListener("input", (event) => this.typed(event.target));
    dialog.addEventListener("keydown", (event) => this.enter(event));
    dialog.addEventListener("close", () => this.closed());
  }

  show(html, pane, opener) {
    if (!this.dialog.open) this.opener = opener;
    this.pane = pane;
    this.who = { as: pane.as, room: pane.room };
    this.changed = false;
    this.drawUnfinished();
    this.dialog.replaceChildren(fragment(html));
    if (!this.dialog.open) this.dialog.showModal();
    for (const field of this.dialog.querySelectorAll("[data-limit]")) this.count(field);
    const wrong = this.dialog.querySelector('[aria-invalid="true"]');
    const start = wrong?.matches("fieldset") ? wrong.querySelector("input") : wrong;
    (start ?? this.dialog.querySelector("#sheet-title")).focus();
  }

  close() {
    this.changed = false;
    this.dialog.close();
  }

  closed() {
    this.drawUnfinished();
    const back = this.opener?.isConnected && this.opener.offsetParent ? this.opener : this.pane.text;
    back.focus();
  }

  // A form closed by mistake keeps its words until it is continued or discarded

  drawUnfinished() {
    for (const bar of document.querySelectorAll(".unfinished")) bar.hidden = true;
    if (!this.changed || this.dialog.open || this.pane.as !== this.who.as) return;
    const bar = this.pane.root.querySelector(".unfinished");
    bar.hidden = false;
    bar.querySelector("[data-continue]").onclick = () => {
      bar.hidden = true;
      this.dialog.showModal();
    };
    bar.querySelector("[data-discard]").onclick = () => {
      this.changed = false;
      bar.hidden = true;
      this.pane.text.focus();
    };
  }

  clicked(event) {
    const button = event.target.closest("button");
    if (!button || (event.detail > 1 && button.type === "button")) return;
    if ("close" in button.dataset) this.dialog.close();
    else if (button.dataset.action) this.press(button);
  }

  /** Enter in a one-line field goes on as the first button does, once. */
  enter(event) {
    if (event.key !== "Enter" || !event.target.matches('input[type="text"]') || event.isComposing) return;
    event.preventDefault();
    const first = event.target.form.querySelector('[type="submit"]');
    if (first && !event.repeat) this.submit(event.target.form, first);
  }

  typed(field) {
    this.changed = true;
    if (field.dataset.limit) this.count(field);
  }

  count(field) {
    const note = field.parentElement.querySelector(".count");
    const limit = Number(field.dataset.limit);
    note.hidden = field.value.length < limit * 0.8;
    note.textContent = `${field.value.length.toLocaleString("en-GB")} of ${limit.toLocaleString("en-GB")} characters`;
    note.classList.toggle("over", field.value.length > limit);
  }

  // Sending

  async submit(form, submitter) {
    if (form.ariaBusy === "true") return;
    const sent = JSON.stringify([submitter.value, answers(form)]);
    if (form.dataset.sent !== sent) Object.assign(form.dataset, { sent, event: newEvent() });
    this.busy(form, true);
    const body = { ...this.who, event: form.dataset.event, page: form.dataset.page, action: submitter.value, values: answers(form) };
    const answer = await post("submit", body);
    this.busy(form, false);
    if (answer.ok) this.outcome(this.pane, answer.data, this.opener);
    else this.wentWrong(form, answer);
    if (!answer.ok && mayPass(answer)) submitter.textContent = "Try again";
    if (!mayPass(answer)) delete form.dataset.sent;
  }

  async press(button) {
    if (button.ariaBusy === "true") return;
    button.ariaBusy = "true";
    button.dataset.event ||= newEvent();
    const answer = await post("press", { ...this.who, event: button.dataset.event, action: button.dataset.action });
    button.ariaBusy = "false";
    if (!mayPass(answer)) delete button.dataset.event;
    if (answer.ok) this.outcome(this.pane, answer.data, this.opener);
    else this.wentWrong(button.closest(".sheet"), answer);
  }

  busy(form, on) {
    form.ariaBusy = String(on);
    form.querySelector(".went-wrong").hidden = true;
    for (const button of form.querySelectorAll('[type="submit"]')) button.ariaDisabled = String(on);
  }

  wentWrong(sheet, answer) {
    let place = sheet.querySelector(".went-wrong");
    if (!place) {
      place = Object.assign(document.createElement("div"), { className: "went-wrong" });
      place.role = "alert";
      sheet.append(place);
    }
    const words = Object.assign(document.createElement("p"), { className: "error", textContent: answer.text });
    place.replaceChildren(words);
    if (mayPass(answer)) place.append(document.querySelector("#trouble").content.cloneNode(true));
    place.hidden = false;
  }
}

const READ = {
  one_of: (field) => (field.querySelector("input:checked") ?? field.querySelector("select"))?.value ?? "",
  any_of: (field) => [...field.querySelectorAll("input:checked")].map((box) => box.value).join("\n"),
  tick: (field) => (field.querySelector("input").checked ? "yes" : ""),
  text: (field) => field.querySelector("input").value,
  long_text: (field) => field.querySelector("textarea").value,
};

function answers(form) {
  return Object.fromEntries([...form.querySelectorAll(".field")].map((field) => [field.dataset.name, READ[field.dataset.kind](field)]));
}
