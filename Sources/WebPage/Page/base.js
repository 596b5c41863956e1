"use strict";
// What every part uses: elements, numbers in words, the state that the views share. No text is ever parsed as HTML here: guests
// choose symbols, file names and console output.

const $ = (id) => document.getElementById(id);

/** An element: h("td", {class: "num"}, "text", otherElement). Strings become text nodes. */
function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(node.style, value);
    else if (value === true) node.setAttribute(name, "");
    else node.setAttribute(name, value);
  }
  append(node, children);
  return node;
}

/** The same in SVG. */
function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(typeof child === "object" ? child : document.createTextNode(String(child)));
  }
}

function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

const hex = (value, digits) => value.toString(16).padStart(digits, "0");
const linearText = (value) => hex(value, 8);
const physicalText = (value) => hex(value, 9);
const grouped = (value) => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");

function sizeText(bytes) {
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 1024]]) {
    if (bytes >= size) {
      const value = bytes / size;
      return (Number.isInteger(value) ? value : value.toFixed(1)) + " " + unit;
    }
  }
  return bytes + " B";
}

/** "184 803", "1.85 M": short enough for an axis. */
function shortNumber(value) {
  if (value >= 1e9) return (value / 1e9).toFixed(2) + " G";
  if (value >= 1e7) return (value / 1e6).toFixed(1) + " M";
  if (value >= 1e6) return (value / 1e6).toFixed(2) + " M";
  return grouped(Math.round(value));
}

const parseHex = (text) => Number.parseInt(String(text).replace(/^0x/i, ""), 16);

const kinds = {
  identity: "identity", direct: "direct map", vmalloc: "vmalloc", vmap: "vmap", ioremap: "ioremap", device: "device",
  user: "user", kernel: "kernel", guard: "guard page", refused: "reserved bits set",
};

const owners = {
  hole: "no memory", ram: "RAM, not told apart", free: "free", table: "page table", vmalloc: "vmalloc", slab: "slab",
  block: "kmalloc block", used: "in use", user: "user", kernel: "kernel page", image: "the image", reserved: "reserved",
  device: "device",
};

const eventNames = {
  walk: "page walk", fill: "TLB fill", evict: "TLB eviction", invlpg: "INVLPG", cr3: "MOV CR3", flush: "flush of everything",
  store: "store to a table", fault: "exception", interrupt: "interrupt", stale: "stale translation used",
};

/** A colour of the style sheet; the same in light and dark mode. */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

/** What the views share. `selected` is an address, and what else is known of it; `changed` redraws who listens. */
const state = {
  about: null, moment: null, before: null, window: null, selected: null, event: null, tab: null, busy: false,
  listeners: [],
};

function changed(what) {
  for (const listener of state.listeners) listener(what);
}

/** Selects a linear address, a physical one, or both; all views follow. */
function select(linear, physical, event) {
  if (linear !== null && linear !== undefined) linear = linear >>> 0;
  else linear = null;
  if (physical === undefined || physical === null) physical = linear === null ? null : translate(linear);
  if (linear === null && physical !== null) linear = linearOf(physical);
  state.selected = { linear, physical };
  if (event !== undefined) state.event = event;
  changed("selection");
}

/** The stretch of the address space that an address lies in; null where nothing is mapped. */
function rangeAt(linear) {
  const ranges = state.moment ? state.moment.ranges : [];
  let low = 0, high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle].from <= linear) low = middle + 1; else high = middle;
  }
  const range = ranges[low - 1];
  return range && linear < range.from + range.bytes ? range : null;
}

function translate(linear) {
  if (state.moment && state.moment.paging === "off") return linear;
  const range = rangeAt(linear);
  if (!range || range.physical === null || (state.moment.space.joined && range.bytes > 4096)) return null;
  return range.physical + (linear - range.from);
}

function linearOf(physical) {
  for (const range of state.moment ? state.moment.ranges : []) {
    if (range.physical !== null && range.physical <= physical && physical < range.physical + range.bytes) {
      return range.from + (physical - range.physical);
    }
  }
  return null;
}

/** A table of rows; `onRow` makes them buttons for mouse and keyboard. */
function tableOf(columns, rows, onRow, caption) {
  const head = h("tr", null, columns.map((column) => h("th", { class: column.num ? "num" : null, scope: "col" }, column.title)));
  const body = rows.map((row) => {
    const line = h("tr", onRow ? { tabindex: "0", class: "pick" } : null, columns.map((column) =>
      h("td", { class: (column.num ? "num " : "") + (column.mono ? "mono" : "") }, column.cell(row))));
    if (onRow) {
      line.addEventListener("click", () => onRow(row));
      line.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); onRow(row); }
      });
    }
    return line;
  });
  return h("div", { class: "scroll" }, h("table", null, caption ? h("caption", null, caption) : null, h("thead", null, head), h("tbody", null, body)));
}

function button(label, title, action, attributes) {
  return h("button", { type: "button", title, "aria-label": title, onclick: action, ...attributes }, label);
}

/** A canvas as large as its place, sharp on every screen. Its `label` is what it says to those who don't see it. */
function canvasIn(parent, height, label) {
  const canvas = h("canvas", { role: "img", "aria-label": label || "" });
  canvas.style.height = height + "px";
  parent.append(canvas);
  return canvas;
}

function prepare(canvas) {
  const box = canvas.getBoundingClientRect();
  const scale = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(box.width)), height = Math.max(1, Math.round(box.height));
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "11px " + getComputedStyle(document.body).fontFamily;
  return { context, width, height };
}

/** Diagonal lines over a rectangle: what is stale is not told by colour alone. */
function hatch(context, x, y, width, height, stroke) {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = stroke;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let at = x - height; at < x + width; at += 5) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.restore();
}

/** A note that follows the pointer. */
const tip = {
  node: null,
  show(event, ...lines) {
    if (!this.node) document.body.append((this.node = h("div", { id: "tip", role: "tooltip" })));
    fill(this.node, lines.flat().map((line) => h("div", null, line)));
    this.node.hidden = false;
    const box = this.node.getBoundingClientRect();
    this.node.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 8)) + "px";
    this.node.style.top = (event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 8 : event.clientY + 18) + "px";
  },
  hide() { if (this.node) this.node.hidden = true; },
};

/** A chip of a legend. */
const chip = (className, text) => h("span", { class: "chip" }, h("i", { class: className, "aria-hidden": "true" }), text);
