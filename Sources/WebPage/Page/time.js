"use strict";
// The time line: lanes of events at the resolution of the screen, the slider, and the window that is looked at.

const timeView = {
  lanes: ["stale", "fault", "cr3", "invlpg", "flush", "store", "walk", "fill", "evict", "interrupt"],
  laneHeight: 13, left: 118, data: null, serial: 0,

  build() {
    const host = $("time");
    this.canvas = canvasIn(host, 24, "Events over time");
    this.canvas.addEventListener("click", (event) => goTo(this.cycleAt(event)));
    this.canvas.addEventListener("mousemove", (event) => this.hover(event));
    this.canvas.addEventListener("mouseleave", () => tip.hide());
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? 0.6 : 1 / 0.6, this.cycleAt(event));
    }, { passive: false });
    this.slider = h("input", { type: "range", id: "slider", min: 0, max: 1, step: 1, "aria-label": "Cycle" });
    this.slider.addEventListener("input", () => { this.slider.setAttribute("aria-valuetext", "cycle " + this.slider.value); this.draw(); });
    this.slider.addEventListener("change", () => goTo(Number(this.slider.value)));
    this.range = h("span", { id: "window" });
    host.append(h("div", { class: "slider" }, this.slider), h("div", { class: "axis" },
      h("span", { class: "zooms" }, button("−", "Show more time", () => this.zoom(2)), button("+", "Show less time, in more detail", () => this.zoom(0.5)),
        button("all", "Show the whole run", () => this.showAll())), this.range));
    addEventListener("resize", () => this.load());
  },

  get end() { return Math.max(state.moment.newest, 1) + 1; },
  get first() { return state.moment.first; },
  get cycle() { return state.busy && !source.live ? Number(this.slider.value) : state.moment.cycle; },

  showAll() { state.window = null; this.load(); changed("window"); },

  bounds() {
    return state.window || { from: this.first, to: this.end };
  },

  zoom(factor, around = this.cycle) {
    const { from, to } = this.bounds();
    const span = Math.max(64, Math.round((to - from) * factor));
    if (span >= this.end - this.first) return this.showAll();
    const share = Math.min(1, Math.max(0, (around - from) / (to - from)));
    let start = Math.round(around - span * share);
    start = Math.max(this.first, Math.min(start, this.end - span));
    state.window = { from: start, to: start + span };
    this.load();
    changed("window");
  },

  async load() {
    if (!state.moment) return;
    const serial = ++this.serial;
    if (state.window && state.window.to > this.end) state.window = null;
    const { from, to } = this.bounds();
    const bins = Math.max(50, Math.floor((this.canvas.getBoundingClientRect().width - this.left) / 2));
    const data = await source.timeline(from, to, bins);
    if (serial !== this.serial) return;
    this.data = data;
    this.shown = this.lanes.filter((kind) => (data.counts[kind] || []).some((count) => count > 0));
    // Lanes stay once they are there: the page must not jump.
    for (const kind of this.everShown || []) if (!this.shown.includes(kind)) this.shown.push(kind);
    this.shown = this.lanes.filter((kind) => this.shown.includes(kind));
    this.everShown = this.shown;
    this.canvas.style.height = Math.max(1, this.shown.length) * this.laneHeight + 4 + "px";
    this.slider.min = from;
    this.slider.max = Math.max(from + 1, to - 1);
    this.slider.value = state.moment.cycle;
    fill(this.range, `cycles ${grouped(from)} to ${grouped(to - 1)}`,
      source.live ? "" : ` · ${source.cycles.length} moments kept`);
    this.draw();
  },

  x(cycle, width) {
    const { from, to } = this.bounds();
    return this.left + ((cycle - from) / (to - from)) * (width - this.left);
  },

  cycleAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const { from, to } = this.bounds();
    const share = (event.clientX - box.left - this.left) / (box.width - this.left);
    return Math.round(from + Math.max(0, Math.min(1, share)) * (to - from - 1));
  },

  draw() {
    if (!this.data || !state.moment) return;
    const { context, width, height } = prepare(this.canvas);
    const words = [];
    this.shown.forEach((kind, lane) => {
      const y = lane * this.laneHeight + 2;
      const counts = this.data.counts[kind] || [];
      const most = Math.max(1, ...counts);
      const total = counts.reduce((sum, count) => sum + count, 0);
      words.push(`${total} × ${eventNames[kind]}`);
      context.fillStyle = colour("dim");
      context.textAlign = "right";
      context.textBaseline = "middle";
      context.fillText(eventNames[kind].replace("translation used", "use").replace(" of everything", " all").replace(" to a table", ""), this.left - 8, y + this.laneHeight / 2);
      context.fillStyle = colour("lane");
      context.fillRect(this.left, y, width - this.left, this.laneHeight - 2);
      context.fillStyle = colour("event-" + kind);
      counts.forEach((count, index) => {
        if (!count) return;
        const x = this.x(this.data.from + index * this.data.width, width);
        const wide = Math.max(1.5, this.x(this.data.from + (index + 1) * this.data.width, width) - x);
        if (x + wide < this.left) return;
        context.globalAlpha = 0.35 + 0.65 * (Math.log(count + 1) / Math.log(most + 1));
        if (kind === "stale") {
          // A mark of its own shape.
          context.globalAlpha = 1;
          context.beginPath();
          context.moveTo(x, y);
          context.lineTo(x + 5, y + this.laneHeight - 2);
          context.lineTo(x - 5, y + this.laneHeight - 2);
          context.fill();
        } else {
          context.fillRect(Math.max(this.left, x), y, wide, this.laneHeight - 2);
        }
      });
      context.globalAlpha = 1;
    });
    if (!source.live) {
      context.fillStyle = colour("dim");
      for (const cycle of source.cycles) {
        const x = this.x(cycle, width);
        if (x >= this.left) context.fillRect(x - 0.5, height - 3, 1, 3);
      }
    }
    const x = this.x(Number(this.slider.value), width);
    if (x >= this.left - 1) {
      context.fillStyle = colour("ink");
      context.fillRect(x - 0.75, 0, 1.5, height);
    }
    this.canvas.setAttribute("aria-label", "Events over time: " + (words.join(", ") || "none yet"));
  },

  hover(event) {
    if (!this.data) return;
    const box = this.canvas.getBoundingClientRect();
    const kind = this.shown[Math.floor((event.clientY - box.top - 2) / this.laneHeight)];
    const cycle = this.cycleAt(event);
    const index = Math.floor((cycle - this.data.from) / this.data.width);
    const count = kind && this.data.counts[kind] ? this.data.counts[kind][index] || 0 : 0;
    tip.show(event, `cycle ${grouped(cycle)}`, kind ? `${count} × ${eventNames[kind]} in ${grouped(this.data.width)} cycles` : "");
  },
};
