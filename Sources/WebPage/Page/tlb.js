"use strict";
// The TLB's arrays as sets by ways, and where their misses were over time.

const tlbView = {
  title: "TLB", id: "tlb",

  build(host) {
    this.arrays = h("div", { class: "arrays" });
    this.legend = h("div", { class: "legend" }, chip("rank0", "used last"), chip("rank3", "replaced next"), chip("stale", "disagrees with memory"), h("span", { class: "dim" }, "the number in a corner is the rank in its set"));
    this.heat = h("div");
    host.append(this.legend, this.arrays, h("h3", null, "Fills by set, over time"), this.heat);
  },

  draw() {
    const moment = state.moment;
    if (!moment) return;
    const page = state.selected && state.selected.linear !== null ? state.selected.linear : null;
    fill(this.arrays, state.about.arrays.map((array, number) => {
      const lines = moment.tlb.filter((line) => line.array === number);
      const head = h("tr", null, h("th", null, "set"), Array.from({ length: array.ways }, (_, way) => h("th", null, "way " + way)));
      const rows = Array.from({ length: array.sets }, (_, set) => h("tr", null, h("th", { scope: "row" }, set), Array.from({ length: array.ways }, (_, way) => {
        const line = lines.find((one) => one.set === set && one.way === way);
        if (!line) return h("td", { class: "way empty" }, "");
        const size = line.size === "4K" ? 4096 : line.size === "2M" ? 2 ** 21 : 2 ** 22;
        const linear = parseHex(line.linear);
        const on = page !== null && page >= linear && page < linear + size;
        const cell = h("td", { class: `way rank${Math.min(3, line.rank)}${line.stale ? " stale" : ""}${on ? " on" : ""}`, tabindex: "0",
          "aria-label": `${line.linear} to ${line.physical}, ${line.size}, ${line.rights}, rank ${line.rank}, filled at cycle ${line.filledAt}${line.stale ? ", stale: " + line.stale : ""}` },
          h("span", { class: "mono" }, line.linear.slice(2)), h("sup", null, line.rank), line.stale ? h("b", null, " !") : null);
        cell.addEventListener("click", () => select(linear, parseHex(line.physical)));
        cell.addEventListener("keydown", (event) => { if (event.key === "Enter") select(linear, parseHex(line.physical)); });
        cell.addEventListener("mousemove", (event) => tip.show(event, `${line.linear.slice(2)} → ${line.physical.slice(2)}  ${line.size}`, line.rights, `filled at cycle ${grouped(line.filledAt)}, ${grouped(moment.cycle - line.filledAt)} cycles ago`, line.stale ? "STALE: " + line.stale : ""));
        cell.addEventListener("mouseleave", () => tip.hide());
        return cell;
      })));
      return h("figure", { class: "array" }, h("figcaption", null, `${array.name}: ${lines.length} of ${array.sets * array.ways} entries`), h("table", { class: "ways" }, h("thead", null, head), h("tbody", null, rows)));
    }));
    this.drawHeat();
  },

  async drawHeat() {
    const { from, to } = timeView.bounds();
    const serial = (this.serial = (this.serial || 0) + 1);
    const all = await Promise.all(state.about.arrays.map((_, number) => source.misses(number, from, to, 200)));
    if (serial !== this.serial) return;
    fill(this.heat);
    all.forEach((data, number) => {
      const total = data ? data.sets.flat().reduce((sum, count) => sum + count, 0) : 0;
      if (!total) return;
      const array = state.about.arrays[number];
      const tall = Math.max(4, Math.min(12, Math.floor(120 / array.sets)));
      const busiest = data.sets.map((counts, set) => [counts.reduce((a, b) => a + b, 0), set]).sort((a, b) => b[0] - a[0])[0];
      const figure = h("figure", null, h("figcaption", null, `${array.name}: ${grouped(total)} fills, most in set ${busiest[1]} (${grouped(busiest[0])})`));
      this.heat.append(figure);
      const canvas = canvasIn(figure, array.sets * tall, `Fills of ${array.name} by set over time: ${total}, most in set ${busiest[1]}`);
      const { context, width } = prepare(canvas);
      const most = Math.max(...data.sets.flat());
      context.fillStyle = colour("lane");
      context.fillRect(0, 0, width, array.sets * tall);
      context.fillStyle = colour("event-fill");
      const bins = data.sets[0].length;
      data.sets.forEach((counts, set) => counts.forEach((count, bin) => {
        if (!count) return;
        context.globalAlpha = 0.25 + 0.75 * (Math.log(count + 1) / Math.log(most + 1));
        context.fillRect((bin / bins) * width, set * tall, Math.max(1.5, width / bins), tall - 1);
      }));
      context.globalAlpha = 1;
    });
    if (!this.heat.childElementCount) fill(this.heat, h("p", { class: "note" }, "There have been no fills in this window."));
  },
};
