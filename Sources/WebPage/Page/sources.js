"use strict";
// Where the page's data comes from: a session of `pagewalk debug --web`, or the document inside a report. Both answer the same
// questions, which docs/web.md describes.

class LiveSource {
  constructor() { this.live = true; }

  async ask(path, body) {
    const options = body === undefined ? { cache: "no-store" } : {
      method: "POST", cache: "no-store", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    };
    const response = await fetch("api/" + path, options);
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error || response.statusText);
    return answer;
  }

  about() { return this.ask("about"); }
  status() { return this.ask("status"); }
  moment() { return this.ask("moment"); }
  timeline(from, to, bins) { return this.ask(`timeline?from=${from}&to=${to}&bins=${bins}`); }
  events(from, to, kinds, limit, spread) {
    return this.ask(`events?from=${from}&to=${to}&kinds=${kinds.join(",")}&limit=${limit}&spread=${spread ? 1 : 0}`);
  }
  misses(array, from, to, bins) { return this.ask(`misses?array=${array}&from=${from}&to=${to}&bins=${bins}`); }
  walks() { return this.ask("walks"); }
  stale() { return this.ask("stale"); }
  walkOf(event) { return this.ask("walk?event=" + event); }
  walkTo(linear) { return this.ask("walk?linear=" + linear); }
  frames(from, count) { return this.ask(`frames?from=${from}&count=${count}`); }
  kernel() { return this.ask("kernel"); }
  symbols(text) { return this.ask("symbols?q=" + encodeURIComponent(text)); }
  command(line) { return this.ask("do", { command: line }); }
  step(what, forward) { return this.ask("step", { what, forward }); }
  stop() { return this.ask("stop", {}); }
  async goTo(cycle) { return this.command("goto " + cycle); }
}

class ReportSource {
  constructor(data) {
    this.live = false;
    this.data = data;
    this.cycles = data.moments.map((moment) => moment.cycle);
    this.index = Math.max(0, this.cycles.findIndex((cycle) => cycle >= (data.start || 0)));
  }

  async about() { return this.data.about; }
  async status() { return { ...this.data.status, cycle: this.cycles[this.index] }; }

  async moment() {
    const moment = this.data.moments[this.index];
    const isEnd = this.index === this.cycles.length - 1;
    let text = "";
    for (const [cycle, line] of this.data.console) if (cycle < moment.cycle || isEnd) text += line;
    return { ...moment, console: text.slice(-16384) };
  }

  /** From the events if the document has all of them, else from its counts. */
  async timeline(from, to, bins) {
    const all = this.data.timeline;
    const names = this.data.about.kinds;
    const width = Math.max(1, Math.ceil((to - from) / bins));
    const counts = Object.fromEntries(names.map((name) => [name, new Array(bins).fill(0)]));
    if (this.data.events.complete) {
      for (const row of this.data.events.rows) {
        if (row[1] >= from && row[1] < to) counts[names[row[2]]][Math.floor((row[1] - from) / width)] += 1;
      }
      return { from, width, counts };
    }
    for (const name of names) {
      all.counts[name].forEach((number, index) => {
        const cycle = all.from + index * all.width;
        if (number && cycle >= from && cycle < to) counts[name][Math.min(bins - 1, Math.floor((cycle - from) / width))] += number;
      });
    }
    return { from, width, counts };
  }

  async events(from, to, wanted, limit) {
    const { rows, places, complete } = this.data.events;
    const names = this.data.about.kinds;
    const found = rows.filter((row) => row[1] >= from && row[1] < to && wanted.includes(names[row[2]]));
    return { rows: found.slice(0, limit), total: found.length, complete: complete && found.length <= limit, places, thinned: !complete };
  }

  async misses(array) { return this.data.misses[array]; }
  async walks() { return this.data.walks; }
  async stale() { return this.data.stale; }
  async walkOf(event) {
    return this.data.firstWalks.find((walk) => walk.event === event) || this.data.walks.costliest.find((walk) => walk.event === event) || null;
  }
  async walkTo(linear) { return this.data.moments[this.index].walks[linearText((linear & ~0xfff) >>> 0)] || null; }
  async frames() { return this.data.moments[this.index].frames; }
  async kernel() { return this.data.moments[this.index].kernel; }
  async symbols(text) {
    const low = text.toLowerCase();
    return this.data.symbols.filter((symbol) => symbol.name.toLowerCase().includes(low))
      .sort((a, b) => b.name.toLowerCase().startsWith(low) - a.name.toLowerCase().startsWith(low) || a.name.length - b.name.length).slice(0, 30);
  }

  /** The kept moment that is nearest. */
  async goTo(cycle) {
    let best = 0;
    this.cycles.forEach((one, index) => {
      if (Math.abs(one - cycle) < Math.abs(this.cycles[best] - cycle)) best = index;
    });
    this.index = best;
  }

  async step(what, forward) {
    this.index = Math.max(0, Math.min(this.cycles.length - 1, this.index + (forward ? 1 : -1)));
  }
}
