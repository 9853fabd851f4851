// To the server and back. Nothing is sent twice: a retry carries the same event id.

const PATIENCE = 15_000;
const UNREACHED = "Charter could not be reached. Nothing you typed is lost: please try again.";

export const newEvent = () => crypto.randomUUID();

/** Sends one event. Gives { ok, status, data } or { ok: false, status, text }; status 0 means nobody answered. */
export async function post(kind, body) {
  try {
    const response = await fetch(`/preview/${kind}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (!response.ok) return { ok: false, status: response.status, text: (await response.text()).trim() };
    return { ok: true, status: response.status, data: await response.json() };
  } catch {
    return { ok: false, status: 0, text: UNREACHED };
  }
}

/** A failure that may pass: worth another try with the same event. */
export const mayPass = (answer) => answer.status === 0 || answer.status >= 500;

export async function history(as, room) {
  const response = await fetch(`/preview/room?${new URLSearchParams({ as, room })}`);
  if (!response.ok) throw new Error(await response.text());
  return fragment(await response.text());
}

/** HTML written by the server's templates, with times as this computer tells them. */
export function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
  for (const time of template.content.querySelectorAll("time")) {
    time.textContent = clock.format(new Date(time.dateTime));
  }
  return template.content;
}
