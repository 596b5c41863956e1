"use strict";
// The right column: the selected address, and where the guest stands; and the list of events.

const rightView = {
  build() {
    const host = $("right");
    this.selection = h("section", { id: "selection" });
    this.code = h("section", { id: "here" });
    host.append(this.selection, this.code);
  },

  async drawSelection() {
    const selected = state.selected;
    if (!selected || !state.moment) {
      return fill(this.selection, h("h2", null, "Selection"), h("p", { class: "note" }, "Choose an address, a page, an entry or an event in any view: the others follow."));
    }
    const { linear, physical } = selected;
    const range = linear === null ? null : rangeAt(linear);
    const lines = [];
    if (linear !== null) lines.push(h("p", null, h("b", { class: "mono big" }, linearText(linear)), physical === null ? " not mapped" : [" → ", h("b", { class: "mono big" }, physicalText(physical))]));
    else lines.push(h("p", null, "physical ", h("b", { class: "mono big" }, physicalText(physical)), h("span", { class: "dim" }, " mapped nowhere alone")));
    if (range) lines.push(h("p", { class: "dim" }, h("i", { class: "dot kind-" + range.kind, "aria-hidden": "true" }), [kinds[range.kind], range.rights, range.name].filter(Boolean).join(", ")));
    fill(this.selection, h("h2", null, "Selection"), lines);
    if (linear === null || state.moment.paging === "off") return;
    const serial = (this.serial = (this.serial || 0) + 1);
    const walk = await source.walkTo(linear).catch(() => null);
    if (serial !== this.serial) return;
    const held = state.moment.tlb.filter((line) => {
      const size = line.size === "4K" ? 4096 : line.size === "2M" ? 2 ** 21 : 2 ** 22;
      return linear >= parseHex(line.linear) && linear < parseHex(line.linear) + size;
    });
    append(this.selection, [held.length ? h("ul", { class: "plain" }, held.map((line) => h("li", { class: line.stale ? "warn" : null }, `${state.about.arrays[line.array].name} set ${line.set} way ${line.way}: ${line.physical.slice(2)}, ${line.rights}, filled at cycle ${grouped(line.filledAt)}`))) : h("p", { class: "dim" }, "The TLB does not hold it.")]);
    if (!walk) return;
    const steps = (title, list) => h("div", null, h("h3", null, title), h("table", { class: "steps" }, h("tbody", null, list.map((step) => h("tr", null, h("td", null, step.entry), h("td", { class: "mono" }, step.address ? step.address.slice(2) : "register"), h("td", { class: "mono" }, step.value.slice(2)), h("td", null, step.verdict))))));
    const same = JSON.stringify(walk.processorWalk.map((step) => step.value)) === JSON.stringify(walk.memoryWalk.map((step) => step.value));
    const outcome = (one) => one.physical ? one.physical.slice(2) : `#PF, ${one.why} [${one.rule}]`;
    append(this.selection, [steps(same ? "The walk now" : "The walk by the registers", walk.processorWalk), same ? null : steps("By memory", walk.memoryWalk),
      h("p", null, "a read goes to ", h("b", { class: "mono" }, outcome(walk.processor)), outcome(walk.processor) === outcome(walk.memory) ? null : [" for the processor, ", h("b", { class: "mono warn" }, outcome(walk.memory)), " by memory"]),
      walk.findings.map((finding) => h("p", { class: finding.severity === "note" ? "dim" : "warn" }, `${finding.text} [${finding.rule}]`))]);
  },

  drawHere() {
    const moment = state.moment;
    if (!moment) return;
    const old = state.before ? state.before.registers : null;
    const names = ["eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp", "eip", "eflags"];
    const control = Object.entries(moment.control || {}).filter(([, value]) => typeof value === "string" && value.startsWith("0x"));
    fill(this.code, h("h2", null, "Here"), h("p", { class: "mono place" }, moment.place), sourceBlock(moment.source), codeBlock(moment.code),
      h("dl", { class: "registers" }, names.map((name) => h("div", { class: old && old[name] !== moment.registers[name] ? "changed" : null }, h("dt", null, name), h("dd", { class: "mono" }, (moment.registers[name] || "").slice(2)))),
        control.map(([name, value]) => h("div", { class: state.before && state.before.control && state.before.control[name] !== value ? "changed" : null }, h("dt", null, name), h("dd", { class: "mono" }, value.slice(2))))),
      h("h2", null, "Console"), h("pre", { id: "console", tabindex: "0", "aria-label": "What the guest has printed up to here" }, moment.console || "nothing yet"));
    const console = $("console");
    console.scrollTop = console.scrollHeight;
  },
};

function sourceBlock(source) {
  if (!source) return null;
  if (!source.lines) return h("p", { class: "dim" }, `${source.file}:${source.line}`);
  return h("figure", { class: "source" }, h("figcaption", null, `${source.file}:${source.line}`), h("pre", null, source.lines.map((line, index) => h("span", { class: source.first + index === source.line ? "line now" : "line" }, h("i", null, String(source.first + index).padStart(4)), " " + line + "\n"))));
}

function codeBlock(code) {
  if (!Array.isArray(code)) return h("p", { class: "note" }, "The code can't be read here.");
  return h("table", { class: "code" }, h("tbody", null, code.map((row, index) => h("tr", { class: index === 0 ? "now" : null }, h("td", { class: "mono" }, row.linear.slice(2)), h("td", { class: "dim" }, row.symbol || ""), h("td", { class: "mono" }, row.text)))));
}

const eventsView = {
  title: "Events", id: "events", chosen: null,

  build(host) {
    this.filters = h("div", { class: "row filters", role: "group", "aria-label": "Kinds of events" });
    this.note = h("p", { class: "note" });
    this.list = h("div");
    host.append(this.filters, this.note, this.list);
  },

  async draw() {
    if (!state.moment) return;
    if (!this.chosen) this.chosen = new Set(state.about.kinds.filter((kind) => !["fill", "evict", "interrupt"].includes(kind)));
    fill(this.filters, state.about.kinds.map((kind) => {
      const box = h("input", { type: "checkbox", onchange: () => { if (box.checked) this.chosen.add(kind); else this.chosen.delete(kind); this.draw(); } });
      box.checked = this.chosen.has(kind);
      return h("label", null, box, h("i", { class: "dot event-" + kind, "aria-hidden": "true" }), eventNames[kind]);
    }));
    const { from, to } = timeView.bounds();
    const serial = (this.serial = (this.serial || 0) + 1);
    // Those behind the present first, if it is in the window.
    const start = state.moment.cycle > from && state.moment.cycle < to - 1 ? Math.max(from, state.moment.cycle - Math.round((to - from) / 200)) : from;
    const data = await source.events(start, to, [...this.chosen], 250, false);
    if (serial !== this.serial) return;
    fill(this.note, data.total > data.rows.length ? `The first ${data.rows.length} of ${grouped(data.total)} events from cycle ${grouped(start)} on: less time shows more of them.` : `${data.rows.length} events from cycle ${grouped(start)} on.`, data.thinned ? " The report does not keep all events." : "");
    fill(this.list, tableOf([
      { title: "cycle", num: true, cell: (row) => grouped(row[1]) },
      { title: "event", cell: (row) => [h("i", { class: "dot event-" + state.about.kinds[row[2]], "aria-hidden": "true" }), eventNames[state.about.kinds[row[2]]]] },
      { title: "", cell: (row) => this.describe(row) },
      { title: "by", cell: (row) => data.places[row[4]] || row[4] },
    ], data.rows, (row) => this.choose(row)));
  },

  describe([, , kind, linear, , value, detail, flags]) {
    const number = parseInt(detail, 16);
    switch (state.about.kinds[kind]) {
      case "walk": return `${linear} ${flags & 1 ? "write" : flags & 2 ? "fetch" : "read"}, ${grouped(number)} cycles, ` + (flags & 8 ? `#PF ${value}` : `→ ${value.padStart(9, "0")}`);
      case "fill": case "evict": return `${linear} → ${value.padStart(9, "0")}, ${state.about.arrays[number >> 16].name} set ${(number >> 8) & 255} way ${number & 255}`;
      case "invlpg": return linear;
      case "cr3": return value.padStart(8, "0") + (flags ? ", global pages stay" : "");
      case "store": return `entry at ${value.padStart(9, "0")} becomes ${detail.padStart(16, "0")}`;
      case "fault": return `vector ${flags}` + (flags === 14 ? `, CR2 ${linear}, code ${value}` : "");
      case "interrupt": return `vector ${flags}`;
      case "stale": return `${linear} → ${value.padStart(9, "0")}`;
      default: return "";
    }
  },

  async choose(row) {
    const kind = state.about.kinds[row[2]];
    await goTo(row[1] + 1);
    if (kind === "store") return select(null, parseInt(row[5], 16), row[0]);
    if (["walk", "fill", "evict", "invlpg", "stale"].includes(kind) || (kind === "fault" && row[7] === 14)) select(parseHex(row[3]), undefined, row[0]);
  },
};
