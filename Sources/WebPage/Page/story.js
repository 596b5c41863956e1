"use strict";
// The stale story: store, use, and the invalidation that was missing between them, on one time line.

const storyView = {
  title: "Stale story", id: "story",

  build(host) { this.host = host; },

  async draw() {
    const serial = (this.serial = (this.serial || 0) + 1);
    const data = await source.stale();
    if (serial !== this.serial) return;
    this.total = data.total;
    if (!data.total) {
      fill(this.host, h("p", { class: "note" }, "No stale translation has been used", source.live ? " so far." : " in this run."));
      return;
    }
    fill(this.host, h("p", { class: "lead" }, data.total === 1 ? "The processor used a translation that memory no longer gave." : `The processor used translations that memory no longer gave: ${data.total} causes.`),
      data.stories.map((story, index) => this.story(story, index, data.stories.length)),
      data.total > data.stories.length ? h("p", { class: "note" }, `and ${data.total - data.stories.length} more`) : null);
  },

  story(story, index, count) {
    const linear = parseHex(story.linear);
    return h("article", { class: "story" },
      h("h3", null, `${count > 1 ? index + 1 + ". " : ""}${story.access} of `, h("span", { class: "mono" }, story.linear.slice(2)), ` through the ${story.source}`),
      h("p", null, "used ", h("b", { class: "mono" }, story.used ? story.used.slice(2) : "no page"), " where memory ", /^0x/.test(story.memory) || /^[0-9a-f]{9}$/.test(story.memory) ? ["gave ", h("b", { class: "mono" }, story.memory)] : story.memory,
        "; missing: ", h("b", { class: "warn" }, story.missing), h("span", { class: "dim" }, ` [${story.rule}]`)),
      this.picture(story),
      h("ol", { class: "scenes" }, story.scenes.map((scene) => h("li", { class: "scene " + scene.role },
        h("p", null, h("b", null, scene.text), h("span", { class: "dim" }, ` cycle ${grouped(scene.cycle)}`)),
        scene.address ? h("p", { class: "mono small" }, `${scene.address.slice(2)}: ${scene.old.slice(2)} → ${scene.new.slice(2)}`) : null,
        h("p", { class: "small" }, scene.place),
        sourceBlock(scene.source), codeBlock(scene.code),
        h("div", { class: "row" }, button("go there", `Go to cycle ${scene.cycle}`, async () => { await goTo(scene.cycle + (scene.role === "use" ? 0 : 1)); select(linear); }),
          scene.address ? button("show the entry", "Show the entry in the tables", async () => { await goTo(scene.cycle + 1); select(linear); showTab("tables"); }) : null)))));
  },

  /** Fill, store and use on one line; what was missing between the last two. */
  picture(story) {
    const points = [{ cycle: story.filledAt, text: story.source.startsWith("PDPTE") ? "loaded" : "filled", role: "fill" }];
    for (const scene of story.scenes) points.push({ cycle: scene.cycle, role: scene.role, text: { first: "first store", store: "store", use: "used", kept: "MOV CR3", near: "not this one" }[scene.role] });
    points.sort((a, b) => a.cycle - b.cycle);
    // Order matters more than distance: the points stand at equal distances, with the cycles between them.
    const width = 760, step = (width - 160) / Math.max(1, points.length - 1), y = 42;
    const at = (index) => 80 + index * step;
    const storeIndex = points.findIndex((point) => point.role === "store"), useIndex = points.findIndex((point) => point.role === "use");
    const words = points.map((point) => `${point.text} at cycle ${point.cycle}`).join(", then ");
    const picture = svg("svg", { viewBox: `0 0 ${width} 92`, role: "img", "aria-label": `${words}. Missing: ${story.missing}.`, class: "picture" });
    picture.append(svg("line", { x1: 40, x2: width - 40, y1: y, y2: y, class: "axis" }));
    if (storeIndex >= 0 && useIndex > storeIndex) {
      const [a, b] = [at(storeIndex), at(useIndex)];
      picture.append(svg("line", { x1: a, x2: b, y1: y, y2: y, class: "gap" }));
      picture.append(svg("text", { x: (a + b) / 2, y: y - 22, class: "missing" }, `no ${story.missing}`));
      picture.append(svg("path", { d: `M ${(a + b) / 2} ${y - 17} v 10 m -4 -5 l 4 5 l 4 -5`, class: "arrow" }));
    }
    points.forEach((point, index) => {
      const x = at(index);
      if (point.role === "use") picture.append(svg("path", { d: `M ${x} ${y - 9} l 9 16 h -18 z`, class: "point use" }));
      else if (point.role === "store" || point.role === "first") picture.append(svg("rect", { x: x - 7, y: y - 7, width: 14, height: 14, class: "point store" }));
      else picture.append(svg("circle", { cx: x, cy: y, r: 7, class: "point " + point.role }));
      picture.append(svg("text", { x, y: y + 26, class: "what" }, point.text));
      picture.append(svg("text", { x, y: y + 41, class: "when" }, grouped(point.cycle)));
    });
    return picture;
  },
};
