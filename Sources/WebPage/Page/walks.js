"use strict";
// Walks: the costliest and most frequent, a walk as a ladder, and flame graphs.

/** A walk's steps under each other: where each entry was read, what it says, the verdict. */
function ladder(walk) {
  if (!walk) return h("p", { class: "note" }, "What this walk read has not been kept.");
  return h("div", { class: "ladder" },
    h("p", null, h("b", { class: "mono" }, linearText(parseHex(walk.linear))), ` ${walk.access}, `, h("b", null, grouped(walk.cycles) + " cycles"), `, at cycle ${grouped(walk.cycle)}`, h("br"), h("span", { class: "dim" }, walk.place)),
    h("ol", null, walk.steps.map((step) => h("li", { class: step.source },
      h("span", { class: "rung" }, h("b", null, step.entry), h("span", { class: "from" }, step.source === "register" ? "PDPTE register" : "memory " + step.address.slice(2))),
      h("span", { class: "mono" }, step.value.slice(2)), h("span", null, step.bits)))),
    h("p", { class: walk.fault ? "verdict warn" : "verdict" }, walk.verdict));
}

const walksView = {
  title: "Walks", id: "walks", measure: 1, chosen: null, root: null,

  build(host) {
    this.summary = h("p", { class: "note" });
    this.costly = h("div");
    this.ladder = h("div");
    this.symbols = h("div");
    this.pages = h("div");
    this.flame = h("div", { class: "flame" });
    this.choice = h("span", { role: "group", "aria-label": "What the flame graph counts" });
    host.append(this.summary, h("div", { class: "two" }, h("div", null, h("h3", null, "Costliest"), this.costly), h("div", null, h("h3", null, "The walk, step by step"), this.ladder)),
      h("div", { class: "two" }, h("div", null, h("h3", null, "By symbol"), this.symbols), h("div", null, h("h3", null, "By page"), this.pages)),
      h("div", { class: "row" }, h("h3", null, "By call path"), this.choice), this.flame);
  },

  async draw() {
    const serial = (this.serial = (this.serial || 0) + 1);
    const data = await source.walks();
    if (serial !== this.serial) return;
    this.data = data;
    fill(this.summary, `${grouped(data.total.walks)} walks took ${grouped(data.total.cycles)} cycles; ${grouped(data.total.faults)} ended in a page fault.`);
    fill(this.costly, tableOf([
      { title: "cycles", num: true, cell: (row) => grouped(row.cycles) }, { title: "page", mono: true, cell: (row) => row.linear.slice(2) },
      { title: "access", cell: (row) => row.access.replace("supervisor ", "") }, { title: "by", cell: (row) => row.place.replace(/^[0-9a-f]{8} /, "") },
    ], data.costliest.slice(0, 14), (row) => { this.chosen = row; select(parseHex(row.linear), undefined, row.event); }));
    fill(this.symbols, tableOf([
      { title: "walks", num: true, cell: (row) => grouped(row.walks) }, { title: "cycles", num: true, cell: (row) => grouped(row.cycles) },
      { title: "faults", num: true, cell: (row) => row.faults || "" }, { title: "symbol", cell: (row) => row.name },
    ], data.symbols.slice(0, 16), (row) => find(row.name)));
    fill(this.pages, tableOf([
      { title: "walks", num: true, cell: (row) => grouped(row.walks) }, { title: "cycles", num: true, cell: (row) => grouped(row.cycles) },
      { title: "page", mono: true, cell: (row) => row.linear.slice(2) }, { title: "", cell: (row) => { const range = rangeAt(parseHex(row.linear)); return range ? kinds[range.kind] : "not mapped now"; } },
    ], data.pages.slice(0, 16), (row) => select(parseHex(row.linear))));
    this.drawLadder();
    this.drawFlame();
  },

  async drawLadder() {
    let walk = this.chosen;
    if (state.event !== null && (!walk || walk.event !== state.event)) walk = await source.walkOf(state.event).catch(() => null);
    fill(this.ladder, ladder(walk || this.data.costliest[0]));
  },

  tree() {
    const root = { name: "all", value: 0, children: new Map() };
    for (const [frames, cycles, walkCycles] of this.data.stacks) {
      const value = this.measure === 1 ? cycles : walkCycles;
      if (!value) continue;
      let node = root;
      node.value += value;
      for (const frame of frames) {
        if (!node.children.has(frame)) node.children.set(frame, { name: frame, value: 0, children: new Map(), parent: node });
        node = node.children.get(frame);
        node.value += value;
      }
    }
    return root;
  },

  drawFlame() {
    fill(this.choice, [["cycles", 1], ["walk cycles", 2]].map(([name, measure]) => button(name, "Count " + name, () => { this.measure = measure; this.root = null; this.drawFlame(); }, { "aria-pressed": String(this.measure === measure) })));
    const root = this.tree();
    fill(this.flame);
    if (!root.value) return fill(this.flame, h("p", { class: "note" }, "There is nothing to count yet."));
    let shown = root;
    if (this.root) for (const name of this.root) shown = shown.children.get(name) || shown;
    const path = (node) => node.parent ? [...path(node.parent), node.name] : [];
    const draw = (node, left, width, depth) => {
      const share = ((node.value / root.value) * 100).toFixed(1);
      const box = h("button", { type: "button", class: "frame f" + (hash(node.name) % 6), title: `${node.name}: ${grouped(node.value)} (${share} %)`, style: { left: left * 100 + "%", width: width * 100 + "%", top: depth * 19 + "px" },
        onclick: () => { this.root = node === shown ? path(node).slice(0, -1) : path(node); this.drawFlame(); } }, width > 0.03 ? node.name : "");
      this.flame.append(box);
      this.depth = Math.max(this.depth, depth);
      let at = left;
      for (const child of [...node.children.values()].sort((a, b) => b.value - a.value)) {
        const wide = (child.value / node.value) * width;
        if (wide > 0.002) draw(child, at, wide, depth + 1);
        at += wide;
      }
    };
    this.depth = 0;
    draw(shown, 0, 1, 0);
    this.flame.style.height = (this.depth + 1) * 19 + "px";
    this.flame.setAttribute("aria-label", "Flame graph; the table by symbol says the same in numbers");
  },
};

function hash(text) {
  let value = 7;
  for (let index = 0; index < text.length; index++) value = (value * 31 + text.charCodeAt(index)) >>> 0;
  return value;
}
