"use strict";
// Physical memory: frames by owner.

const framesView = {
  title: "Physical memory", id: "frames", zoom: null,

  build(host) {
    this.note = h("p", { class: "note" });
    this.bar = h("div", { class: "row" });
    this.canvas = canvasIn(host, 288, "");
    this.canvas.addEventListener("mousemove", (event) => this.hover(event));
    this.canvas.addEventListener("mouseleave", () => tip.hide());
    this.canvas.addEventListener("click", (event) => this.click(event));
    this.legend = h("div", { class: "legend" });
    this.lists = h("div", { class: "two" });
    host.prepend(this.note, this.bar);
    host.append(this.legend, this.lists);
  },

  async draw() {
    const serial = (this.serial = (this.serial || 0) + 1);
    const zoom = this.zoom || { from: 0, count: 2 ** 24 };
    const [data, kernel] = await Promise.all([source.frames(zoom.from, zoom.count), source.kernel()]);
    if (serial !== this.serial) return;
    this.data = data;
    // What is beyond the last memory needs no room.
    let end = data.from + data.frames;
    if (!this.zoom) {
      const last = [...data.rows].reverse().find((row) => data.owners[row[2]] !== "hole" && data.owners[row[2]] !== "device");
      if (last) end = last[0] + last[1];
    }
    this.from = data.from;
    this.count = Math.max(1, end - data.from);
    this.columns = 128;
    this.rows = 64;
    this.size = 1;
    while (this.count > this.columns * this.rows * this.size) this.size *= 2;
    this.rows = Math.ceil(this.count / this.size / this.columns);
    this.canvas.style.height = Math.max(48, Math.min(400, this.rows * 7)) + "px";
    this.cells = this.assign(data);
    this.paint();
    const named = data.owners.map((name, index) => ({ name, frames: data.totals[index] })).filter((one) => one.frames && one.name !== "hole");
    fill(this.legend, named.map((one) => chip("owner-" + one.name, `${owners[one.name]} ${sizeText(one.frames * 4096)}`)));
    fill(this.note, `Frames ${hex(this.from, 6)} to ${hex(this.from + this.count - 1, 6)}; a cell is ${sizeText(this.size * 4096)}. `,
      kernel ? "" : "Owners come from the page tables and the image alone: this is not the mini-kernel.");
    fill(this.bar, this.zoom ? button("all of memory", "Show all of memory", () => { this.zoom = null; this.draw(); }) : null);
    this.canvas.setAttribute("aria-label", "Physical memory: " + named.map((one) => `${owners[one.name]} ${sizeText(one.frames * 4096)}`).join(", "));
    fill(this.lists, this.fragmentation(data), this.kernelLists(kernel));
  },

  assign(data) {
    const cells = new Array(Math.ceil(this.count / this.size)).fill(0);
    const best = new Array(cells.length).fill(-1);
    const quiet = new Set(["hole", "ram", "free"]);
    for (const [from, count, owner] of data.rows) {
      const first = Math.max(0, Math.floor((from - this.from) / this.size)), last = Math.min(cells.length - 1, Math.floor((from + count - 1 - this.from) / this.size));
      for (let cell = first; cell <= last; cell++) {
        const start = this.from + cell * this.size;
        const share = Math.min(from + count, start + this.size) - Math.max(from, start);
        const weight = share * (quiet.has(data.owners[owner]) ? 1 : 4);
        if (weight > best[cell]) { best[cell] = weight; cells[cell] = owner; }
      }
    }
    return cells;
  },

  paint() {
    if (!this.data) return;
    const { context, width, height } = prepare(this.canvas);
    const [w, hgt] = [width / this.columns, height / this.rows];
    this.cells.forEach((owner, cell) => {
      context.fillStyle = colour("owner-" + this.data.owners[owner]);
      context.fillRect((cell % this.columns) * w, Math.floor(cell / this.columns) * hgt, Math.max(1, w - 0.7), Math.max(1, hgt - 0.7));
    });
    const limit = 2 ** 20;
    if (this.from < limit && this.from + this.count > limit) {
      // 4 GiB.
      const cell = (limit - this.from) / this.size, y = Math.floor(cell / this.columns) * hgt;
      context.fillStyle = colour("ink");
      context.fillRect(0, y - 1, width, 1.5);
      context.fillText("4 GiB", 4, y - 4);
    }
    const physical = state.selected ? state.selected.physical : null;
    if (physical !== null) {
      const cell = Math.floor((Math.floor(physical / 4096) - this.from) / this.size);
      if (cell >= 0 && cell < this.cells.length) {
        context.strokeStyle = colour("ink");
        context.lineWidth = 2;
        context.strokeRect((cell % this.columns) * w - 1, Math.floor(cell / this.columns) * hgt - 1, w + 2, hgt + 2);
      }
    }
  },

  cellAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * this.columns), row = Math.floor(((event.clientY - box.top) / box.height) * this.rows);
    const cell = row * this.columns + column;
    return this.cells && cell >= 0 && cell < this.cells.length ? cell : null;
  },

  hover(event) {
    const cell = this.cellAt(event);
    if (cell === null) return tip.hide();
    const frame = this.from + cell * this.size;
    tip.show(event, `${physicalText(frame * 4096)}${this.size > 1 ? ", " + sizeText(this.size * 4096) : ""}`, owners[this.data.owners[this.cells[cell]]] + (this.size > 1 ? ", mostly or notably" : ""));
  },

  click(event) {
    const cell = this.cellAt(event);
    if (cell === null) return;
    const frame = this.from + cell * this.size;
    if (source.live && this.size > 1 && event.detail > 1) {
      this.zoom = { from: frame - (frame % 8192), count: 8192 };
      this.draw();
    }
    select(null, frame * 4096);
  },

  fragmentation(data) {
    if (!data.freeByOrder.some((frames) => frames > 0)) return null;
    const most = Math.max(...data.freeByOrder);
    return h("div", null, h("h3", null, "Free memory by order"), h("table", { class: "bars" }, h("thead", null, h("tr", null, h("th", null, "order"), h("th", { class: "num" }, "block"), h("th", { class: "num" }, "blocks"), h("th", { class: "num" }, "free"), h("th", null, ""))), h("tbody", null, data.freeByOrder.map((frames, order) => h("tr", null, h("td", { class: "num" }, order),
      h("td", { class: "num" }, sizeText(4096 * 2 ** order)), h("td", { class: "num" }, grouped(frames / 2 ** order)), h("td", { class: "num" }, sizeText(frames * 4096)),
      h("td", { class: "track" }, h("i", { class: "owner-free", style: { width: (frames / most) * 100 + "%" } })))))));
  },

  kernelLists(kernel) {
    if (!kernel || !Array.isArray(kernel.zones)) return null;
    const keys = kernel.zones.length ? Object.keys(kernel.zones[0]).filter((key) => typeof kernel.zones[0][key] !== "object" && !key.startsWith("order")) : [];
    return h("div", null, h("h3", null, "Zones"), tableOf(keys.map((key) => ({ title: key.replace(/([A-Z])/g, " $1").toLowerCase(), num: typeof kernel.zones[0][key] === "number", cell: (row) => row[key] })), kernel.zones));
  },
};
