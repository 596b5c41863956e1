"use strict";
// The address space: 4 GiB, a window of 64 MiB of it, and 512 pages of that.

const spaceView = {
  title: "Address space", id: "space",
  levels: [{ span: 2 ** 32 }, { span: 2 ** 26 }, { span: 2 ** 21 }],
  filter: "",

  build(host) {
    this.note = h("p", { class: "note" });
    this.canvas = canvasIn(host, 250, "");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.addEventListener("click", (event) => { const at = this.at(event); if (at) select(at.linear); });
    this.canvas.addEventListener("mousemove", (event) => this.hover(event));
    this.canvas.addEventListener("mouseleave", () => tip.hide());
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("wheel", (event) => {
      const at = this.at(event);
      if (!at || at.level === 0) return;
      event.preventDefault();
      const step = Math.sign(event.deltaY) * (at.level === 1 ? 2 ** 22 : 2 ** 16);
      select(Math.max(0, Math.min(2 ** 32 - 4096, this.focus + step)));
    }, { passive: false });
    this.legend = h("div", { class: "legend" });
    this.list = h("div");
    this.input = h("input", { type: "search", placeholder: "filter: vmalloc, u, rw, c0000000 …", "aria-label": "Filter of the list of ranges",
      oninput: () => { this.filter = this.input.value.trim().toLowerCase(); this.drawList(); } });
    host.append(this.legend, this.note, h("div", { class: "row" }, h("h3", null, "Mapped ranges"), this.input), this.list);
  },

  get focus() { return state.selected && state.selected.linear !== null ? state.selected.linear : this.fallback; },
  get fallback() {
    const stale = state.moment.disagreements.find((one) => parseHex(one.bytes) !== 2 ** 30);
    if (stale) return parseHex(stale.linear);
    const range = state.moment.ranges.find((one) => one.kind !== "identity") || state.moment.ranges[0];
    return range ? range.from : 0;
  },

  /** The three windows, each around the focus, at whole multiples of a part of its span. */
  windows() {
    const focus = this.focus;
    return this.levels.map(({ span }, level) => {
      if (level === 0) return { from: 0, span };
      if (level === 2) return { from: Math.floor(focus / span) * span, span };
      const from = Math.floor(focus / 2 ** 25) * 2 ** 25 - 2 ** 24;
      return { from: Math.max(0, Math.min(2 ** 32 - span, from)), span };
    });
  },

  geometry(width) {
    return [{ y: 16, height: 44 }, { y: 92, height: 44 }, { y: 170, height: 76 }].map((box) => ({ ...box, x: 0, width }));
  },

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const windows = this.windows();
    const level = this.geometry(box.width).findIndex((one) => y >= one.y && y < one.y + one.height);
    if (level < 0 || !state.moment) return null;
    const geometry = this.geometry(box.width)[level];
    const { from, span } = windows[level];
    if (level === 2) {
      const column = Math.floor((x / geometry.width) * 64), row = Math.floor(((y - geometry.y) / geometry.height) * 8);
      return { level, linear: from + (row * 64 + column) * 4096 };
    }
    const step = span / Math.max(1, geometry.width);
    const linear = Math.floor((from + (x / geometry.width) * span) / 4096) * 4096;
    // The smallest of what lies under the pointer is what is meant.
    const near = state.moment.ranges.filter((range) => range.from < linear + 2 * step && range.from + range.bytes > linear - 2 * step)
      .sort((a, b) => a.bytes - b.bytes)[0];
    return { level, linear: near && (linear < near.from || linear >= near.from + near.bytes) ? near.from : linear };
  },

  hover(event) {
    const at = this.at(event);
    if (!at) return tip.hide();
    const range = rangeAt(at.linear);
    tip.show(event, this.describe(at.linear, range));
  },

  describe(linear, range) {
    if (!range) return [`${linearText(linear)}: not mapped`];
    const lines = [`${linearText(range.from)}–${linearText(range.from + range.bytes - 1)}  ${sizeText(range.bytes)}`,
      `${kinds[range.kind]}${range.rights ? ", " + range.rights : ""}${range.large ? ", large pages" : ""}${range.global ? ", global" : ""}${range.uncached ? ", uncached" : ""}`];
    if (range.name) lines.push(range.name);
    const physical = translate(linear);
    if (physical !== null) lines.push(`${linearText(linear)} → ${physicalText(physical)}`);
    for (const one of state.moment.disagreements) {
      if (parseHex(one.linear) <= linear && linear < parseHex(one.linear) + one.bytes) lines.push("STALE: " + one.text);
    }
    return lines;
  },

  key(event) {
    const steps = { ArrowLeft: -4096, ArrowRight: 4096, ArrowUp: -64 * 4096, ArrowDown: 64 * 4096, PageUp: -(2 ** 26), PageDown: 2 ** 26 };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    select(Math.max(0, Math.min(2 ** 32 - 4096, Math.floor(this.focus / 4096) * 4096 + step)));
  },

  draw() {
    const moment = state.moment;
    if (!moment) return;
    const { context, width } = prepare(this.canvas);
    const windows = this.windows();
    const places = this.geometry(width);
    const ink = colour("dim");
    context.textBaseline = "bottom";
    windows.forEach(({ from, span }, level) => {
      const place = places[level];
      context.fillStyle = ink;
      context.textAlign = "left";
      context.fillText(`${linearText(from)}  ${["4 GiB", "64 MiB", "2 MiB: 512 pages"][level]}`, 0, place.y - 2);
      context.textAlign = "right";
      context.fillText(linearText(from + span - 1), width, place.y - 2);
      context.fillStyle = colour("lane");
      context.fillRect(0, place.y, width, place.height);
      for (const range of moment.ranges) {
        if (range.from >= from + span || range.from + range.bytes <= from) continue;
        this.paint(context, place, from, span, level, range.from, range.bytes, (x, y, w, hgt) => {
          context.fillStyle = colour("kind-" + range.kind);
          context.fillRect(x, y, w, hgt);
          if (range.kind === "guard" || range.kind === "refused") hatch(context, x, y, w, hgt, colour("paper"));
          if (range.rights && !range.rights.includes("w") && w > 3) {
            // Read-only: a line below.
            context.fillStyle = colour("ink");
            context.globalAlpha = 0.55;
            context.fillRect(x, y + hgt - 3, w, 2);
            context.globalAlpha = 1;
          }
        });
      }
      for (const one of moment.disagreements) {
        this.paint(context, place, from, span, level, parseHex(one.linear), one.bytes, (x, y, w, hgt) => {
          const wide = Math.max(w, 4);
          hatch(context, x, y, wide, hgt, colour("stale"));
          context.strokeStyle = colour("stale");
          context.strokeRect(x + 0.5, y + 0.5, wide - 1, hgt - 1);
        });
      }
      if (level < 2) {
        // What the next window shows.
        const next = windows[level + 1], below = places[level + 1];
        const [a, b] = [((next.from - from) / span) * width, ((next.from + next.span - from) / span) * width];
        context.strokeStyle = ink;
        context.lineWidth = 1;
        context.strokeRect(a - 1, place.y - 1, Math.max(3, b - a + 2), place.height + 2);
        context.globalAlpha = 0.5;
        context.beginPath();
        context.moveTo(a, place.y + place.height + 1);
        context.lineTo(0, below.y - 16);
        context.moveTo(b, place.y + place.height + 1);
        context.lineTo(width, below.y - 16);
        context.stroke();
        context.globalAlpha = 1;
      } else {
        context.strokeStyle = colour("paper");
        context.lineWidth = 1;
        context.beginPath();
        for (let column = 0; column <= 64; column++) { context.moveTo((column / 64) * width, place.y); context.lineTo((column / 64) * width, place.y + place.height); }
        for (let row = 0; row <= 8; row++) { context.moveTo(0, place.y + (row / 8) * place.height); context.lineTo(width, place.y + (row / 8) * place.height); }
        context.stroke();
      }
    });
    if (state.selected && state.selected.linear !== null) {
      const { from } = windows[2], index = Math.floor((state.selected.linear - from) / 4096), place = places[2];
      const [w, hgt] = [width / 64, place.height / 8];
      context.strokeStyle = colour("ink");
      context.lineWidth = 2;
      context.strokeRect((index % 64) * w, place.y + Math.floor(index / 64) * hgt, w, hgt);
    }
    const used = [...new Set(moment.ranges.map((range) => range.kind))];
    fill(this.legend, Object.keys(kinds).filter((kind) => used.includes(kind)).map((kind) => chip("kind-" + kind, kinds[kind])),
      chip("ro", "read-only"), chip("stale", "TLB or PDPTE register disagrees with memory"));
    this.canvas.setAttribute("aria-label", `Address space: ${moment.ranges.length} mapped ranges, ${moment.disagreements.length} disagreements with memory. ` +
      `Arrows move the selected page, ${linearText(this.focus)}. The table below says the same.`);
    const notes = [];
    if (moment.paging === "off") notes.push("Paging is off: linear addresses are physical.");
    if (moment.space.cut) notes.push("There are more ranges than are shown.");
    for (const one of moment.disagreements.slice(0, 6)) notes.push(`${one.text} [${one.rule}]`);
    fill(this.note, notes.map((note) => h("span", { class: note.startsWith("Paging") || note.startsWith("There") ? null : "warn" }, note)));
    this.drawList();
  },

  paint(context, place, from, span, level, start, bytes, draw) {
    const first = Math.max(start, from), last = Math.min(start + bytes, from + span);
    if (first >= last) return;
    if (level < 2) {
      const x = ((first - from) / span) * place.width;
      draw(x, place.y, Math.max(1.5, ((last - from) / span) * place.width - x), place.height);
      return;
    }
    const [w, hgt] = [place.width / 64, place.height / 8];
    let [a, b] = [Math.floor((first - from) / 4096), Math.ceil((last - from) / 4096)];
    while (a < b) {
      const end = Math.min(b, (Math.floor(a / 64) + 1) * 64);
      draw((a % 64) * w, place.y + Math.floor(a / 64) * hgt, (end - a) * w, hgt);
      a = end;
    }
  },

  drawList() {
    const words = this.filter.split(/\s+/).filter(Boolean);
    const text = (range) => `${linearText(range.from)} ${linearText(range.from + range.bytes - 1)} ${kinds[range.kind]} ${range.rights} ${range.name} ${range.physical === null ? "" : physicalText(range.physical)}`.toLowerCase();
    const rows = state.moment.ranges.filter((range) => words.every((word) => text(range).includes(word)));
    fill(this.list, tableOf([
      { title: "from", mono: true, cell: (range) => linearText(range.from) },
      { title: "to", mono: true, cell: (range) => linearText(range.from + range.bytes - 1) },
      { title: "size", num: true, cell: (range) => sizeText(range.bytes) },
      { title: "kind", cell: (range) => [h("i", { class: "dot kind-" + range.kind, "aria-hidden": "true" }), kinds[range.kind]] },
      { title: "rights", mono: true, cell: (range) => range.rights + (range.large ? " 2M/4M" : "") + (range.global ? " G" : "") + (range.uncached ? " PCD" : "") },
      { title: "physical", mono: true, cell: (range) => range.physical === null ? "" : physicalText(range.physical) },
      { title: "", cell: (range) => range.name },
    ], rows.slice(0, 300), (range) => select(range.from)), rows.length > 300 ? h("p", { class: "note" }, `and ${rows.length - 300} more: the filter finds them`) : null);
  },
};
