"use strict";
// The paging structures: PDPTE registers beside the table in memory, directories, tables, entries bit by bit.

const tablesView = {
  title: "Tables", id: "tables",

  build(host) {
    this.path = h("p", { class: "path" });
    this.pointers = h("div");
    this.grids = h("div", { class: "grids" });
    this.decoded = h("div", { id: "entry", "aria-live": "polite" });
    host.append(this.path, this.pointers, this.grids, this.decoded);
  },

  /** Entries of the table at a physical address, by index. */
  entriesOf(address) {
    const table = state.moment.tables.find((one) => parseHex(one.address) === address && one.entries);
    return table ? table.map || (table.map = new Map(table.entries.map(([index, value]) => [index, BigInt(value)]))) : null;
  },

  draw() {
    const moment = state.moment;
    if (!moment) return;
    if (moment.paging === "off") {
      fill(this.path, "Paging is off: there are no tables in force.");
      for (const node of [this.pointers, this.grids, this.decoded]) fill(node);
      return;
    }
    const pae = moment.paging === "pae";
    const linear = state.selected && state.selected.linear !== null ? state.selected.linear : spaceView.fallback;
    const gib = Math.floor(linear / 2 ** 30);
    fill(this.path, "The way to ", h("b", { class: "mono" }, linearText(linear)), pae
      ? `: PDPTE[${gib}], PDE[${(linear >>> 21) & 511}], PTE[${(linear >>> 12) & 511}]` : `: PDE[${linear >>> 22}], PTE[${(linear >>> 12) & 1023}]`);
    const mask = 0x000ffffffffff000n;
    const choices = [];
    fill(this.pointers);
    let directory = (moment.cr3number & ~0xfff) >>> 0;
    if (pae) {
      this.pointers.append(this.pointerTable(moment, gib));
      const register = BigInt(moment.pdpte.entries[gib].register);
      directory = register & 1n ? Number(register & mask) : null;
      choices.push({ name: `PDPTE[${gib}] (register)`, value: register, format: "pae.pdpte", address: parseHex(moment.pdpte.entries[gib].address) });
    }
    fill(this.grids);
    const count = pae ? 512 : 1024, size = pae ? 8 : 4;
    const index = pae ? (linear >>> 21) & 511 : linear >>> 22;
    const entries = directory === null ? null : this.entriesOf(directory);
    if (!entries) {
      this.grids.append(h("p", { class: "note" }, "No page directory serves this part of the address space."));
    } else {
      const span = pae ? 2 ** 21 : 2 ** 22;
      const base = pae ? gib * 2 ** 30 : 0;
      this.grids.append(this.grid(`Page directory at ${physicalText(directory)}`, entries, count, index,
        (at) => base + at * span, (value) => ((value >> 7n) & 1n ? "large" : "pde"), directory, size));
      const value = entries.get(index) || 0n;
      const isLarge = (value & 0x81n) === 0x81n;
      choices.push({ name: `PDE[${index}]`, value, format: moment.paging + (isLarge ? ".large" : ".pde"), address: directory + index * size });
      if (value & 1n && !isLarge) {
        const table = Number(value & (pae ? mask : 0xfffff000n));
        const inner = this.entriesOf(table) || new Map();
        const leaf = pae ? (linear >>> 12) & 511 : (linear >>> 12) & 1023;
        this.grids.append(this.grid(`Page table at ${physicalText(table)}`, inner, count, leaf,
          (at) => base + index * span + at * 4096, () => "pte", table, size));
        choices.push({ name: `PTE[${leaf}]`, value: inner.get(leaf) || 0n, format: moment.paging + ".pte", address: table + leaf * size });
      } else {
        this.grids.append(h("p", { class: "note" }, value & 1n ? "The entry maps a large page: there is no page table." : "The entry is not present: there is no page table."));
      }
    }
    fill(this.decoded, choices.map((choice) => this.decode(choice)));
  },

  pointerTable(moment, chosen) {
    return tableOf([
      { title: "PDPTE", cell: (row) => row.index },
      { title: "serves", mono: true, cell: (row) => linearText(row.index * 2 ** 30) },
      { title: "register", mono: true, cell: (row) => row.register.slice(2) },
      { title: "memory at", mono: true, cell: (row) => row.address.slice(2) },
      { title: "memory", mono: true, cell: (row) => (row.memory || "no memory").replace(/^0x/, "") },
      { title: "", cell: (row) => row.memory === row.register ? "the same" : h("b", { class: "warn" }, "DIFFERENT: not in force before a MOV to CR3 [SDM 3A 4.4.1]") },
      { title: "", cell: (row) => row.index === chosen ? "◀ selected" : "" },
    ], moment.pdpte.entries.map((entry, index) => ({ ...entry, index })), (row) => select(row.index * 2 ** 30));
  },

  grid(title, entries, count, chosen, linearAt, kindOf, address, size) {
    const columns = 32;
    const cells = [];
    for (let index = 0; index < count; index++) {
      const value = entries.get(index) || 0n;
      let name = "cell";
      if (value & 1n) name += kindOf(value) === "pde" ? " ref" : kindOf(value) === "large" ? " large" : " map";
      else if (value) name += " junk";
      if (value & 1n && !(value & 2n)) name += " ro";
      if (value & 1n && value & 4n) name += " us";
      if (index === chosen) name += " on";
      cells.push(h("span", { class: name, "data-index": index }));
    }
    const box = h("div", { class: "cells", style: { gridTemplateColumns: `repeat(${columns}, 1fr)` }, tabindex: "0", role: "application",
      "aria-label": `${title}: ${[...entries.values()].filter((value) => value & 1n).length} of ${count} entries are present. Arrows choose an entry; ${chosen} is chosen.` }, cells);
    const indexOf = (event) => event.target.dataset && event.target.dataset.index !== undefined ? Number(event.target.dataset.index) : null;
    box.addEventListener("click", (event) => { const index = indexOf(event); if (index !== null) select(linearAt(index)); });
    box.addEventListener("mousemove", (event) => {
      const index = indexOf(event);
      if (index === null) return tip.hide();
      const value = entries.get(index) || 0n;
      tip.show(event, `entry ${index} at ${physicalText(address + index * size)}`, `from ${linearText(linearAt(index))}`, hex(value, size * 2), value & 1n ? this.short(value, kindOf(value)) : "not present");
    });
    box.addEventListener("mouseleave", () => tip.hide());
    box.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
      if (!step) return;
      event.preventDefault();
      select(linearAt(Math.max(0, Math.min(count - 1, chosen + step))));
      requestAnimationFrame(() => { const again = [...document.querySelectorAll("#tables .cells")].find((one) => one.dataset.title === title); if (again) again.focus(); });
    });
    box.dataset.title = title;
    return h("figure", { class: "grid" }, h("figcaption", null, title), box);
  },

  short(value, kind) {
    const bit = (number) => (value >> BigInt(number)) & 1n;
    return [bit(1) ? "RW" : "RO", bit(2) ? "U" : "S", bit(5) ? "A" : "a", kind === "pde" ? "" : bit(6) ? "D" : "d", kind === "pde" ? "points to a table" : bit(8) ? "G" : "", bit(63) ? "XD" : ""].filter(Boolean).join(" ");
  },

  /** An entry bit by bit. */
  decode({ name, value, format, address }) {
    const description = state.about.formats[format];
    if (!description) return null;
    const width = format.startsWith("pae") ? 64 : 32;
    const present = (value & 1n) === 1n;
    const fields = [...description.fields].sort((a, b) => b.high - a.high);
    const rows = fields.map((field) => {
      const bits = (value >> BigInt(field.low)) & ((1n << BigInt(field.high - field.low + 1)) - 1n);
      const one = field.values ? field.values[Number(bits)] : field.name === "address" || field.name === "high"
        ? field.meaning + " " + (field.name === "address" ? physicalText(value & (((1n << BigInt(field.high + 1)) - 1n) & ~((1n << BigInt(field.low)) - 1n))) : hex(bits, 2)) : field.meaning;
      const bad = field.name === "rsvd" && bits !== 0n && present;
      return h("tr", { class: bad ? "warn" : bits ? "set" : "clear" },
        h("td", { class: "num" }, field.high === field.low ? field.high : `${field.high}–${field.low}`), h("td", null, field.name),
        h("td", { class: "mono" }, field.high === field.low ? bits.toString() : hex(bits, Math.ceil((field.high - field.low + 1) / 4))),
        h("td", null, (field.values ? field.meaning + ": " : "") + one));
    });
    const strip = h("div", { class: "bits", "aria-hidden": "true" });
    for (let bit = width - 1; bit >= 0; bit--) {
      const field = fields.find((one) => bit <= one.high && bit >= one.low);
      strip.append(h("span", { class: ((value >> BigInt(bit)) & 1n ? "one" : "zero") + (bit % 4 === 3 ? " nibble" : ""), title: field ? `bit ${bit}: ${field.name}, ${field.meaning}` : `bit ${bit}` }, ((value >> BigInt(bit)) & 1n).toString()));
    }
    const result = h("div");
    const who = address === null ? null : button("who wrote it?", `Who stored to ${name} at ${physicalText(address)}`, async () => fill(result, await this.who(name, address, width / 8)));
    return h("details", { class: "entry", open: name.startsWith("PTE") || format.endsWith(".large") },
      h("summary", null, h("b", null, name), " at ", h("span", { class: "mono" }, physicalText(address)), "  ", h("span", { class: "mono" }, hex(value, width / 4)), "  ", h("span", { class: "dim" }, present ? description.title : "not present")),
      strip, h("div", { class: "row" }, who, h("span", { class: "dim" }, description.section)), result, h("table", { class: "fields" }, h("tbody", null, rows)));
  },

  /** Stores to an entry: by the shell's `who`, or from the events of a report. */
  async who(name, address, bytes) {
    if (source.live) {
      const answer = await source.command(`who -p 0x${address.toString(16)} ${bytes}`);
      const stores = answer.answer ? answer.answer.stores : [];
      if (!stores.length) return h("p", { class: "note" }, "There has been no store to it in this history.");
      return tableOf([
        { title: "cycle", num: true, cell: (row) => grouped(row.cycle) }, { title: "writer", cell: (row) => row.writer },
        { title: "before", mono: true, cell: (row) => row.old.slice(2) }, { title: "after", mono: true, cell: (row) => row.new.slice(2) },
        { title: "by", cell: (row) => row.place + (row.later ? " (later than now)" : "") },
      ], stores, (row) => goTo(row.cycle + 1));
    }
    const found = await source.events(0, Infinity, ["store"], 100000);
    const rows = found.rows.filter((row) => parseInt(row[5], 16) === address);
    if (!rows.length) return h("p", { class: "note" }, found.thinned ? "The report keeps no store to it; not all events are kept." : "No instruction stored to it while it was part of the tables.");
    return tableOf([
      { title: "cycle", num: true, cell: (row) => grouped(row[1]) }, { title: "after", mono: true, cell: (row) => row[6].padStart(bytes * 2, "0") },
      { title: "by", cell: (row) => found.places[row[4]] || row[4] },
    ], rows, (row) => goTo(row[1] + 1));
  },
};
