"use strict";
// Puts the page together: the header, the tabs, moving in time, the keyboard.

const text = $("data").textContent.trim();
const source = text && text !== "null" ? new ReportSource(JSON.parse(text)) : new LiveSource();
const views = [storyView, spaceView, tablesView, tlbView, walksView, framesView, eventsView];

/** Goes to a cycle, or in a report to the kept moment that is nearest. */
function goTo(cycle) { return move(() => source.goTo(Math.round(cycle))); }

/** Does something that moves the machine, and shows where it stands then. */
async function move(action) {
  if (state.busy) return;
  state.busy = true;
  document.body.classList.add("busy");
  try {
    const answer = await action();
    if (answer && answer.refused) say(answer.refused);
  } catch (error) {
    say(error.message);
  } finally {
    state.busy = false;
    document.body.classList.remove("busy");
  }
  await refresh();
}

function say(message) {
  const note = h("div", { class: "toast", role: "alert" }, message);
  document.body.append(note);
  setTimeout(() => note.remove(), 6000);
}

/** Fetches the moment at which the machine stands, and draws it. */
async function refresh() {
  let moment;
  try { moment = await source.moment(); } catch (error) { return say(error.message); }
  moment.ranges = moment.space.ranges.map((range) => ({ ...range, from: parseHex(range.from), physical: range.physical === null ? null : parseHex(range.physical) }));
  moment.cr3number = parseHex(moment.cr3);
  state.before = state.moment;
  state.moment = moment;
  if (state.selected && state.selected.linear !== null) state.selected.physical = translate(state.selected.linear);
  const where = [h("b", null, "cycle " + grouped(moment.cycle)), ` of ${grouped(moment.newest)}`, h("span", { class: "mono" }, moment.place)];
  if (moment.disagreements.length) where.push(h("span", { class: "warn" }, `▲ ${moment.disagreements.length} stale`));
  if (moment.ended && moment.cycle >= moment.newest) where.push(h("span", { class: "dim" }, moment.ended));
  fill($("where"), where);
  changed("moment");
  await timeView.load();
}

function showTab(id) {
  if (state.tab === id) return;
  state.tab = id;
  for (const view of views) {
    view.tab.setAttribute("aria-selected", String(view.id === id));
    view.tab.tabIndex = view.id === id ? 0 : -1;
    view.panel.hidden = view.id !== id;
  }
  drawView(views.find((view) => view.id === id));
}

function drawView(view) {
  if (!state.moment) return;
  Promise.resolve(view.draw()).catch((error) => say(`${view.title}: ${error.message}`));
}

/** Goes to a symbol or an address that somebody typed. */
async function find(typed) {
  const word = typed.trim();
  if (!word) return;
  if (/^(0x)?[0-9a-f]{1,8}$/i.test(word) && (/^0x/i.test(word) || /\d/.test(word))) return select(parseHex(word));
  const found = await source.symbols(word);
  const exact = found.find((symbol) => symbol.name === word) || found[0];
  if (exact) select(parseHex(exact.linear)); else say(`there is no symbol or address '${word}'`);
}

const playing = { timer: null };

function togglePlay(control) {
  if (playing.timer) {
    clearInterval(playing.timer);
    playing.timer = null;
  } else {
    playing.timer = setInterval(() => {
      if (state.busy) return;
      const atEnd = source.live ? state.moment.ended && state.moment.cycle >= state.moment.newest : source.index === source.cycles.length - 1;
      if (atEnd) return togglePlay(control);
      move(() => source.step("event", true));
    }, source.live ? 350 : 800);
  }
  control.setAttribute("aria-pressed", String(playing.timer !== null));
  fill(control, playing.timer ? "❚❚" : "▶");
}

function buildControls() {
  const bar = $("controls");
  const step = (what, forward) => () => move(() => source.step(what, forward));
  const play = button("▶", "Play: from event to event", () => togglePlay(play), { "aria-pressed": "false", id: "play" });
  if (source.live) {
    const run = button("run", "Let the guest run on (c)", () => move(() => source.command("continue")), { id: "run" });
    const stop = button("stop", "Stop the guest", () => source.stop().catch((error) => say(error.message)), { id: "stop" });
    append(bar, [
      h("span", { class: "group" }, button("|‹", "To the beginning of the history (Home)", () => goTo(state.moment.first)), button("« event", "Back to the event before (E)", step("event", false)), button("« walk", "Back to the walk before (W)", step("walk", false)), button("‹ instr", "Back an instruction (,)", step("instruction", false))),
      h("span", { class: "group" }, button("instr ›", "An instruction on (.)", step("instruction", true)), button("walk »", "On to the next walk (w)", step("walk", true)), button("event »", "On to the next event (e)", step("event", true)), button("›|", "To the farthest that the guest has been (End)", () => goTo(state.moment.newest))),
      h("span", { class: "group" }, play, run, stop),
    ]);
  } else {
    append(bar, [h("span", { class: "group" }, button("|‹", "To the first moment (Home)", () => goTo(0)), button("‹", "To the moment before (,)", step("moment", false)), play, button("›", "To the next moment (.)", step("moment", true)), button("›|", "To the last moment (End)", () => goTo(state.moment.newest)))]);
  }
}

function buildKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = (what, forward) => move(() => source.step(what, forward));
    const keys = {
      ",": () => step("instruction", false), ".": () => step("instruction", true), w: () => step("walk", true), W: () => step("walk", false),
      e: () => step("event", true), E: () => step("event", false), Home: () => goTo(state.moment.first), End: () => goTo(state.moment.newest),
      "/": () => $("query").focus(), p: () => $("play").click(), c: () => source.live && $("run").click(),
    };
    const number = Number(event.key);
    if (number >= 1 && number <= views.length) showTab(views[number - 1].id);
    else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault();
  });
}

/** The shell may have moved the machine. */
async function watch() {
  try {
    const status = await source.status();
    document.body.classList.toggle("running", Boolean(status.running));
    if (!state.busy && !status.running && state.moment && (status.cycle !== state.moment.cycle || status.newest !== state.moment.newest || status.changes !== state.changes)) {
      state.changes = status.changes;
      await refresh();
    }
    document.body.classList.remove("gone");
  } catch {
    document.body.classList.add("gone");
  }
  setTimeout(watch, 400);
}

async function start() {
  const tabs = $("tabs");
  for (const view of views) {
    view.panel = h("section", { id: view.id, role: "tabpanel", class: "view", "aria-label": view.title, hidden: true });
    view.tab = button(view.title, `${view.title} (${views.indexOf(view) + 1})`, () => showTab(view.id), { role: "tab", "aria-controls": view.id, "aria-selected": "false" });
    view.panel.append(h("h2", { class: "printed" }, view.title));
    tabs.append(view.tab);
    $("views").append(view.panel);
    view.build(view.panel);
  }
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const next = views[(views.findIndex((view) => view.id === state.tab) + step + views.length) % views.length];
    showTab(next.id);
    next.tab.focus();
  });
  rightView.build();
  timeView.build();
  buildControls();
  buildKeys();
  $("search").addEventListener("submit", (event) => { event.preventDefault(); find($("query").value); });
  $("query").addEventListener("input", async () => {
    const word = $("query").value.trim();
    if (word.length < 2) return;
    const found = await source.symbols(word);
    fill($("found"), found.slice(0, 20).map((symbol) => h("option", { value: symbol.name }, symbol.linear.slice(2))));
  });
  state.listeners.push((what) => {
    const view = views.find((one) => one.id === state.tab);
    if (view && (what !== "window" || view === eventsView || view === tlbView)) {
      if (what === "selection" && view === framesView) view.paint();
      else if (what === "selection" && view === walksView) { if (view.data) view.drawLadder(); }
      else if (what !== "selection" || ![storyView, eventsView].includes(view)) drawView(view);
    }
    if (what !== "window") rightView.drawSelection();
    if (what === "moment") rightView.drawHere();
  });
  addEventListener("resize", () => { const view = views.find((one) => one.id === state.tab); if (view && [spaceView, framesView, tlbView].includes(view)) drawView(view); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { changed("moment"); timeView.draw(); });
  addEventListener("beforeprint", () => { for (const view of views) { view.panel.hidden = false; drawView(view); } });
  addEventListener("afterprint", () => { for (const view of views) view.panel.hidden = view.id !== state.tab; });

  state.about = await source.about();
  const name = state.about.image.split("/").pop();
  document.title = `${name}: Pagewalk`;
  fill($("image"), name, h("span", { class: "dim" }, ` ${sizeText(state.about.memory)}${source.live ? "" : ", a report"}`));
  $("image").title = state.about.image;
  fill($("foot"), "Keys: 1–7 views · , . steps · w e walks and events (capital: back) · / search · Home End", source.live ? " · c run" : "");
  await refresh();
  const stale = await source.stale();
  showTab(stale.total ? "story" : "space");
  if (stale.total && !source.live) select(parseHex(stale.stories[0].linear));
  else rightView.drawSelection();
  if (source.live) watch();
  document.body.classList.add("ready");
}

start().catch((error) => { say(error.message); throw error; });
