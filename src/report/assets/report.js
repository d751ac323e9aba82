"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  root.dataset.script = "";  // noscript's pictures are then text, also where "js" is taken back

  // Storage may be forbidden for files: the report then forgets the theme, nothing else.
  const remember = (key, value) => { try { localStorage.setItem(key, value); } catch { } };
  const remembered = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const themes = ["auto", "light", "dark"];
  const setTheme = (theme) => theme === "auto" ? delete root.dataset.theme : root.dataset.theme = theme;
  let theme = themes.includes(remembered("spikelens-theme")) ? remembered("spikelens-theme") : "auto";
  setTheme(theme);

  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in element && name !== "list") element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  const span = (className, ...children) => make("span", className ? { className } : {}, ...children);

  function makeSvg(tag, properties, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function bar(share) {
    const rect = makeSvg("rect", { width: 100 * Math.max(0, Math.min(1, share)), height: 8 });
    const frame = { class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" };
    return makeSvg("svg", frame, rect);
  }

  /** Says of a link whether it leads to what is shown. */
  function markLink(link, current) {
    if (current) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }

  const minus = (text) => text.replace("-", "−");
  const decimal = (value) => Number.isFinite(value) ? minus(value.toFixed(3)) : "—";
  const short = (value) => Number.isFinite(value) ? minus(String(Number(value.toPrecision(3)))) : "—";

  const brief = (value) => Number.isFinite(value) ? minus(String(Number(value.toPrecision(2)))) : "—";

  const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

  async function unpack(id) {
    const packed = new Blob([bytesOf(one("#" + id).textContent)]).stream();
    const stream = packed.pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  let noticeTimer = 0;
  function notice(text) {
    one("#notice").textContent = text;
    clearTimeout(noticeTimer);
    noticeTimer = setTimeout(() => { one("#notice").textContent = ""; }, 6000);
  }

  // ---------------------------------------------------------------- values and state

  let data = null, mapBytes = null, mapFloats = null, palettes = null;
  const sections = [];  // those of the page, known once it is read
  const state = { p: null, c: null, f: null, mu: null, i: null, s: "own" };

  /** What an address asks for: "#v=1&c=3…", or the plain anchors that also work without this script. */
  function parse(hash) {
    let text;
    try { text = decodeURIComponent(hash.replace(/^#/, "")); } catch { return {}; }
    if (sections.includes(text)) return { p: text };
    const anchor = /^(class|filter|image|event)-(.+)$/.exec(text);
    if (anchor) {
      const element = document.getElementById(text);
      if (anchor[1] === "class") return { p: "classes", c: anchor[2] };
      if (anchor[1] === "filter") return { p: "filters", f: element ? element.dataset.filter : anchor[2] };
      return { p: anchor[1] === "event" ? "events" : "images", i: anchor[2] };
    }
    const wanted = Object.fromEntries(new URLSearchParams(hash.replace(/^#/, "")));
    if (wanted.v !== undefined && wanted.v !== "1")
      notice("This address was made by another version of the report; what is known of it is shown.");
    const known = {};
    for (const key of Object.keys(state)) if (wanted[key] !== undefined) known[key] = wanted[key];
    return known;
  }

  const valid = {
    p: (value) => sections.includes(value),
    c: (value) => data.paths[value] !== undefined,
    f: (value) => data.filters.some((filter) => filter.name === value),
    mu: (value) => Number(value) > 0,
    i: (value) => data.images.some((image) => image.name === value),
    s: (value) => value === "own" || value === "shared",
  };
  const words = {
    p: "section", c: "class", f: "filter", mu: "budget", s: "colour range",
    get i() { return data.noun; },
  };

  function writeAddress() {
    const parts = ["v=1"];
    for (const [key, value] of Object.entries(state))
      if (value !== null) parts.push(key + "=" + encodeURIComponent(value).replaceAll("%3A", ":"));
    try { history.replaceState(null, "", "#" + parts.join("&")); } catch { }
  }

  const renderers = {
    c: [showClass, showFilters], mu: [showClass, showFilters], f: [showFilter],
    i: [showImage, showEvents], s: [paintAll], p: [markSection],
  };

  /** The one way to change what is shown: refuses what does not exist, repaints what depends on the rest. */
  function change(wanted, { write = true } = {}) {
    const todo = new Set();
    for (const [key, value] of Object.entries(wanted)) {
      if (!valid[key](value)) {
        notice(`There is no ${words[key]} “${value}” in this report; the nearest view is shown.`);
        continue;
      }
      if (String(state[key]) === String(value)) continue;
      state[key] = key === "mu" ? Number(value) : value;
      renderers[key].forEach((render) => todo.add(render));
    }
    todo.forEach((render) => render());
    if (write) writeAddress();
  }

  const landing = {
    classes: () => one(".class-panel.current"),
    filters: () => one(".filter-card.current"),
    images: () => one("#focus"),
    events: () => eventsShown(),
  };

  function goTo(wanted) {
    const ofClass = wanted.c !== undefined && wanted.p === "classes";
    const precise = ofClass || wanted.f !== undefined || wanted.i !== undefined;
    const target = (precise && landing[wanted.p] && landing[wanted.p]()) || one("#" + state.p);
    if (wanted.p && target) target.scrollIntoView();
  }

  function followAddress() {
    const wanted = parse(location.hash);
    change(wanted);
    goTo(wanted);
  }

  // ---------------------------------------------------------------- classes and μ

  const stopsOf = (index) => data.paths[index] ? data.paths[index].steps : [];

  function nearest(stops, mu) {
    let best = 0;
    stops.forEach((stop, k) => { if (Math.abs(stop[0] - mu) < Math.abs(stops[best][0] - mu)) best = k; });
    return best;
  }

  function showClass() {
    if (!one("#class-choice")) return;
    for (const panel of all(".class-panel")) panel.classList.toggle("current", panel.dataset.class === String(state.c));
    for (const link of all(".multiples a")) markLink(link, link.dataset.class === String(state.c));
    one("#class-choice").value = state.c;
    const stops = sliderStops(state.c), slider = one("#mu-slider");
    slider.disabled = one("#mu-number").disabled = stops.length === 0;
    if (stops.length) showBudget(stops);
    for (const link of all(".multiples a")) {
      const selected = weightsAt(link.dataset.class, state.mu).length;
      moveCursor(one("svg", link), state.mu);
      one(".count", link).textContent = `${selected} filter${selected === 1 ? "" : "s"} at μ = ${short(state.mu)}`;
    }
  }

  /** The filters of a class at any budget, largest weight first: exact, since weights are linear in μ between stops. */
  function weightsAt(index, mu) {
    const stops = stopsOf(index), k = stops.findIndex((stop) => stop[0] >= mu);
    if (k < 0) return stops.length ? stops[stops.length - 1][2] : [];
    const [low, , before] = k ? stops[k - 1] : [0, 0, []], [high, , after] = stops[k];
    if (high === mu) return after;
    const share = (mu - low) / (high - low);
    const weights = new Map(before.map(([name, weight]) => [name, (1 - share) * weight]));
    for (const [name, weight] of after) weights.set(name, (weights.get(name) || 0) + share * weight);
    return [...weights].filter((entry) => entry[1] !== 0).sort((a, b) => b[1] - a[1]);
  }

  /** Where the slider may stop: budgets and breakpoints at which some filter is selected. */
  const sliderStops = (index) => stopsOf(index).filter((stop) => stop[2].length > 0);

  function showBudget(stops) {
    const slider = one("#mu-slider"), k = nearest(stops, state.mu), filters = weightsAt(state.c, state.mu);
    slider.max = stops.length - 1;
    slider.value = k;
    slider.setAttribute("aria-valuetext", `μ = ${short(state.mu)}, ${filters.length} filters`);
    one("#mu-number").value = Number(state.mu.toPrecision(6));
    const kind = `${stops[k][1] ? "breakpoint" : "budget"} ${k + 1} of ${stops.length}`;
    one("#mu-kind").textContent = stops[k][0] === state.mu ? kind : "between two stops";
    const panel = one(".class-panel.current");
    if (panel && one(".selected", panel)) showSelected(panel, filters);
  }

  const filterId = (name) => all(".filter-card").find((card) => card.dataset.filter === name)?.id ?? null;

  function icon(name) {
    const holder = span("icon"), known = data.filters.find((filter) => filter.name === name);
    if (known && known.icon) holder.append(make("img", { src: known.icon, alt: "" }));
    if (known && !known.icon) holder.classList.add("dead");
    return holder;
  }

  function selectedItem(panel, [name, weight], largest) {
    const id = filterId(name), line = all(".series", panel).find((series) => series.dataset.name === name);
    const label = id ? make("a", { href: "#" + id }, icon(name), name) : span("", name);
    const item = make("li", {}, label, bar(Math.abs(weight) / largest), span("number", decimal(weight)));
    if (line) item.style.borderLeftColor = one(".line", line).getAttribute("stroke");
    for (const [event, on] of [["pointerenter", true], ["pointerleave", false], ["focusin", true], ["focusout", false]])
      item.addEventListener(event, () => highlight(panel, on ? name : null));
    return item;
  }

  function highlight(panel, name) {
    for (const series of all(".series", panel)) {
      series.classList.toggle("faint", name !== null && series.dataset.name !== name);
      series.classList.toggle("strong", series.dataset.name === name);
    }
  }

  function showSelected(panel, filters) {
    const mu = state.mu;
    one("output.mu", panel).textContent = short(mu);
    const largest = Math.max(...filters.map((filter) => Math.abs(filter[1])));
    one("ol.filters", panel).replaceChildren(...filters.map((filter) => selectedItem(panel, filter, largest)));
    const empty = one(".empty", panel);
    empty.hidden = filters.length > 0;
    if (data.paths[state.c].predicted > 0) empty.textContent = `Empty at μ = ${short(mu)}: no filter is selected.`;
    moveCursor(one("svg.plot", panel), mu);
  }

  /** Pixel of a value, or value of a pixel, on a plot's horizontal axis; the plot carries its own scale. */
  function axisOf(svg) {
    const { x0, x1, low, high, log } = svg.dataset;
    const f = log === "1" ? Math.log : (v) => v, inverse = log === "1" ? Math.exp : (v) => v;
    const a = f(Number(low)), span = f(Number(high)) - a, left = Number(x0), width = Number(x1) - left;
    return { pixel: (v) => left + (f(v) - a) / span * width, value: (px) => inverse(a + (px - left) / width * span) };
  }

  function moveCursor(svg, mu) {
    const cursor = svg && one(".cursor", svg);
    if (!cursor) return;
    const x = axisOf(svg).pixel(mu);
    cursor.classList.toggle("on", x >= Number(svg.dataset.x0) - 0.5 && x <= Number(svg.dataset.x1) + 0.5);
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
  }

  function stepBudget(by) {
    const mus = sliderStops(state.c).map((stop) => stop[0]);
    const next = by > 0 ? mus.find((mu) => mu > state.mu) : mus.filter((mu) => mu < state.mu).pop();
    if (next !== undefined) change({ mu: next });
  }

  function stepClass(by) {
    if (data.paths.length) change({ c: String((Number(state.c) + by + data.paths.length) % data.paths.length) });
  }

  function setUpClasses() {
    if (!one("#class-choice")) return;
    one("#class-choice").addEventListener("change", (event) => change({ c: event.target.value }));
    one("#mu-slider").addEventListener("input", (event) => change({ mu: sliderStops(state.c)[event.target.value][0] }));
    one("#mu-number").addEventListener("change", (event) => {
      const stops = stopsOf(state.c), wanted = Number(event.target.value), most = stops[stops.length - 1][0];
      if (!(wanted > 0)) { notice("A budget is a number above zero."); return showClass(); }
      if (wanted > most) notice(`The largest computed budget is μ = ${short(most)}.`);
      change({ mu: Math.min(wanted, most) });
      showClass();
    });
    for (const panel of all(".class-panel"))
      for (const series of all(".plot:not(.small) .series", panel)) {
        series.addEventListener("pointerenter", () => highlight(panel, series.dataset.name));
        series.addEventListener("pointerleave", () => highlight(panel, null));
        series.addEventListener("click", () => {
          const id = filterId(series.dataset.name);
          if (id) location.hash = id;
        });
      }
  }

  // ---------------------------------------------------------------- filters

  function weightAt(index, mu, name) {
    const found = weightsAt(index, mu).find((filter) => filter[0] === name);
    return found ? found[1] : 0;
  }

  const drives = (name, index) => weightAt(index, state.mu, name) !== 0;

  function showFilters() {
    if (!one("#filter-icons")) return;
    const show = one("#filter-show").value, text = one("#filter-search").value.trim().toLowerCase();
    const wanted = data.filters.filter((filter) => filter.name.toLowerCase().includes(text) &&
      (show === "all" || (show === "dead" ? !filter.icon : drives(filter.name, state.c))));
    one("#filter-icons").replaceChildren(...wanted.map(({ name }) =>
      make("li", {}, make("a", { href: "#" + filterId(name), "data-filter": name }, icon(name), name))));
    showDriven();
    if (!wanted.length) one("#filter-icons").append(make("li", { className: "note" }, "No filter fits."));
    showFilter();
  }

  /** The table of all filters follows the budget. */
  function showDriven() {
    const driven = new Map();
    data.paths.forEach((path, index) => {
      for (const [name] of weightsAt(index, state.mu))
        driven.set(name, [...driven.get(name) || [], data.classes[index]]);
    });
    for (const output of all("#filters table output.mu")) output.textContent = short(state.mu);
    for (const cell of all("#filters td[data-drives]"))
      cell.textContent = (driven.get(cell.dataset.drives) || []).join(", ");
  }

  function showFilter() {
    for (const link of all("#filter-icons a")) markLink(link, link.dataset.filter === state.f);
    for (const card of all(".filter-card")) card.classList.toggle("current", card.dataset.filter === state.f);
    const card = one(".filter-card.current"), list = card && one(".weights", card);
    if (!list) return;
    const weights = data.paths.map((path, index) => [index, weightAt(index, state.mu, state.f)])
      .filter((entry) => entry[1] !== 0);
    const largest = Math.max(...weights.map((entry) => Math.abs(entry[1])));
    one("output.mu", card).textContent = short(state.mu);
    list.replaceChildren(...weights.map(([index, weight]) =>
      make("li", {}, make("a", { href: "#class-" + index }, data.classes[index]), bar(Math.abs(weight) / largest),
        span("number", decimal(weight)))));
    one(".empty", card).hidden = weights.length > 0;
  }

  function setUpFilters() {
    if (!one("#filter-icons")) return;
    one("#filter-show").addEventListener("change", showFilters);
    one("#filter-search").addEventListener("input", showFilters);
  }

  // ---------------------------------------------------------------- images

  const mapOf = (image, method) => data.images[image].maps[method];

  /** A value of a map: as it is, or within half of `stepOf` where the maps travel in 256 steps. */
  function valueAt(map, k) {
    if (map.state === "invalid") return NaN;
    if (data.exact) return mapFloats[map.offset / 4 + k];
    return map.state === "zero" ? 0 : map.low + mapBytes[map.offset + k] / 255 * (map.high - map.low);
  }
  const stepOf = (map) => data.exact || map.state === "invalid" ? 0 : (map.high - map.low) / 255;
  const reading = (map, k) => short(valueAt(map, k)) + (stepOf(map) > 0 ? ` ± ${brief(stepOf(map) / 2)}` : "");

  /** The values at both ends of the colours. Signed maps are centred on zero. */
  function rangeOf(image, method) {
    const usable = (map) => map && map.state !== "invalid";
    const shared = state.s === "shared";
    const maps = shared ? data.images.map((entry) => entry.maps[method]).filter(usable) : [mapOf(image, method)];
    const low = Math.min(...maps.map((map) => map.low)), high = Math.max(...maps.map((map) => map.high));
    if (!data.methods[method].signed) return low === high ? [Math.min(0, low), Math.max(0, high)] : [low, high];
    const reach = Math.max(Math.abs(low), Math.abs(high));
    return [-reach, reach];
  }

  function paint(canvas, image, method) {
    const map = mapOf(image, method), [low, high] = rangeOf(image, method);
    const palette = palettes[data.methods[method].signed ? "diverging" : "sequential"], last = palette.length / 3 - 1;
    canvas.width = map.width;
    canvas.height = map.height;
    const picture = new ImageData(map.width, map.height);
    for (let k = 0; k < map.width * map.height; ++k) {
      const share = high > low ? (valueAt(map, k) - low) / (high - low) : 0;
      const entry = 3 * Math.round(last * Math.max(0, Math.min(1, share)));
      picture.data.set([palette[entry], palette[entry + 1], palette[entry + 2], 255], 4 * k);
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  function paintBar(canvas, method) {
    const palette = palettes[data.methods[method].signed ? "diverging" : "sequential"];
    canvas.width = palette.length / 3;
    canvas.height = 1;
    const picture = new ImageData(canvas.width, 1);
    for (let k = 0; k < canvas.width; ++k) picture.data.set([...palette.subarray(3 * k, 3 * k + 3), 255], 4 * k);
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  function paintHolder(holder) {
    const image = Number(holder.dataset.image), method = Number(holder.dataset.method);
    let canvas = one("canvas", holder);
    if (!canvas) {
      canvas = make("canvas", { role: "img", "aria-label": holder.dataset.words });
      holder.replaceChildren(canvas);
    }
    paint(canvas, image, method);
    const [low, high] = rangeOf(image, method), ends = all(".ends > span", holder.parentElement);
    if (!ends.length) return;
    const together = low < 0 && low === -high && holder.closest(".gallery");  // side by side they would touch
    ends[0].textContent = together ? "±" + brief(high) : brief(low);
    ends[ends.length - 1].textContent = together ? "" : brief(high);
  }

  // What is in view is painted at once, the rest when it comes into view.
  const painter = "IntersectionObserver" in window ? new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      painter.unobserve(target);
      paintHolder(target);
    }
  }, { rootMargin: "300px" }) : null;

  function isInView(element) {
    const box = element.getBoundingClientRect();
    return box.height > 0 && box.bottom > 0 && box.top < innerHeight;
  }

  function paintAll() {
    for (const radio of all("input[name=scale]")) radio.checked = radio.value === state.s;
    for (const holder of all(".map[data-image]")) {
      painter?.unobserve(holder);
      if (!painter || isInView(holder)) paintHolder(holder);
      else painter.observe(holder);
    }
    if (one("#focus") && !one("#focus").hidden) showImage();
  }

  /** Paper shows everything: maps that never came into view, and what is folded away. */
  function setUpPrinting() {
    let opened = [];
    addEventListener("beforeprint", () => {
      all(".map[data-image]").forEach((holder) => { painter?.unobserve(holder); paintHolder(holder); });
      opened = all("details:not([open])");
      opened.forEach((details) => { details.open = true; });
    });
    addEventListener("afterprint", () => { opened.forEach((details) => { details.open = false; }); opened = []; });
  }

  function pixelOf(event, element, map) {
    const box = element.getBoundingClientRect();
    const x = Math.floor((event.clientX - box.left) / box.width * map.width);
    const y = Math.floor((event.clientY - box.top) / box.height * map.height);
    return { x: Math.max(0, Math.min(map.width - 1, x)), y: Math.max(0, Math.min(map.height - 1, y)) };
  }

  function readRow(row, pixel) {
    all(".map[data-image]", row).forEach((holder) => {
      const map = mapOf(Number(holder.dataset.image), Number(holder.dataset.method));
      const value = one(".value", holder.parentElement);
      value.textContent = pixel ? reading(map, pixel.y * map.width + pixel.x) : "";
    });
  }

  let pixel = null;

  function readFocus() {
    const index = data.images.findIndex((image) => image.name === state.i);
    for (const reader of all("#focus .reader")) {
      const map = data.images[index].maps[Number(reader.dataset.method)], marker = one(".pixel", reader);
      marker.hidden = pixel === null;
      if (pixel === null) continue;
      const size = map || firstMap(index);
      const width = 100 / size.width, height = 100 / size.height;
      const place = { left: width * pixel.x, top: height * pixel.y, width, height };
      for (const [name, percent] of Object.entries(place)) marker.style[name] = percent + "%";
      const reads = one(".reads", reader.parentElement);
      if (map && reads) reads.textContent = reading(map, pixel.y * map.width + pixel.x);
    }
    const where = one("#focus .where");
    const how = "point at a pixel, or focus a map and use the arrow keys";
    if (where) where.textContent = pixel ? `pixel row ${pixel.y}, column ${pixel.x}` : how;
  }

  const firstMap = (index) => data.images[index].maps.find((map) => map.width > 0) || { width: 1, height: 1 };

  function setUpReader(reader, map) {
    reader.addEventListener("pointermove", (event) => { pixel = pixelOf(event, reader, map); readFocus(); });
    reader.addEventListener("click", (event) => { pixel = pixelOf(event, reader, map); readFocus(); });
    reader.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!by) return;
      event.preventDefault();
      pixel = pixel || { x: map.width >> 1, y: map.height >> 1 };
      const within = (value, size) => Math.max(0, Math.min(size - 1, value));
      pixel = { x: within(pixel.x + by[0], map.width), y: within(pixel.y + by[1], map.height) };
      readFocus();
    });
  }

  function focusMap(index, method) {
    const map = mapOf(index, method), info = data.methods[method];
    const title = make("b", { title: info.meaning }, info.name);
    const caption = make("figcaption", {}, title);
    if (!map || map.state === "invalid") {
      const row = all("tr[data-image]").find((entry) => entry.dataset.image === String(index));
      return make("figure", {}, all("td .map", row)[method].cloneNode(true), caption);
    }
    const canvas = make("canvas", {}), marker = make("span", { className: "pixel", hidden: true });
    const remark = {
      zero: "no attribution (0)",
      noise: `only rounding (|v| ≤ ${short(Math.max(Math.abs(map.low), Math.abs(map.high)))})`,
      constant: `the same everywhere (${short(map.high)})`,
    }[map.state];
    const holder = remark ? span("map zero", span("", remark)) : span("map", canvas);
    const label = `${info.name}: arrow keys read single pixels`;
    const about = { className: "reader", tabIndex: 0, "data-method": method, role: "group", "aria-label": label };
    const reader = make("div", about, holder, marker);
    if (!remark) paint(canvas, index, method);
    const colours = make("canvas", { className: "colourbar", "aria-hidden": "true" });
    const [low, high] = rangeOf(index, method);
    paintBar(colours, method);
    const ends = span("ends", span("", short(low)), span("", info.signed ? "0" : ""), span("", short(high)));
    caption.append(colours, ends, make("output", { className: "reads" }));
    setUpReader(reader, map);
    return make("figure", {}, reader, caption);
  }

  function probabilities(image) {
    const ranked = image.probabilities.map((value, index) => [value, index]).sort((a, b) => b[0] - a[0]).slice(0, 4);
    return make("ol", { className: "probabilities" }, ...ranked.map(([value, index]) => {
      const name = make("span", { title: data.classes[index] || "" }, data.classes[index] || String(index));
      return make("li", {}, name, bar(value), span("number", `${(100 * value).toFixed(1)} %`));
    }));
  }

  function focusHead(image, index) {
    const right = image.right, name = (k) => data.classes[k] || `class ${k}`;
    const reading = image.undecided ? `undecided: ${image.undecided}` : `read as ${name(image.predicted)}`;
    const title = make("h3", {}, `${image.name}: ${reading}`);
    const found = right ? "✓ right" : `✗ it is ${name(image.label)}`;
    const verdict = make("p", { className: right ? "right" : "wrong" }, found);
    const step = (text, label, by) => {
      const button = make("button", { type: "button", "aria-label": label }, text);
      button.addEventListener("click", () => stepImage(by));
      return button;
    };
    const events = image.events ? make("a", { href: "#event-" + image.name }, "events in space and time") : "";
    const steps = span("", step("← k", `Previous ${data.noun}`, -1), " ", step("j →", `Next ${data.noun}`, 1));
    return make("div", { className: "focus-head" }, title, verdict, span("note where"), events, steps);
  }

  function showImage() {
    const focus = one("#focus"), index = data.images.findIndex((image) => image.name === state.i);
    if (!focus || index < 0) return;
    const image = data.images[index], row = all(".gallery tr[data-image]")[index], map = firstMap(index);
    for (const other of all(".gallery tr.current")) other.classList.remove("current");
    row.classList.add("current");
    const { src, alt } = one("img.input", row), picture = make("img", { className: "input focus-input", src, alt });
    const pixel = make("span", { className: "pixel", hidden: true });
    const reader = make("div", { className: "reader", "data-method": -1 }, picture, pixel);
    setUpReader(reader, map);
    const maps = make("div", { className: "focus-maps" }, ...data.methods.map((method, m) => focusMap(index, m)));
    const beside = make("div", {}, reader, probabilities(image));
    focus.replaceChildren(focusHead(image, index), make("div", { className: "focus-body" }, beside, maps));
    focus.hidden = false;
    readFocus();
  }

  const eventsOf = (index) => all("details.events").find((entry) => entry.dataset.image === String(index));
  const eventsShown = () => eventsOf(data.images.findIndex((image) => image.name === state.i));

  /** Opens the recording that is read elsewhere; none is closed, so that nothing jumps. */
  function showEvents() {
    const shown = eventsShown();
    if (shown) shown.open = true;
  }

  const shownRows = () => all(".gallery tr[data-image]").filter((row) => !row.hidden);

  function stepImage(by) {
    const rows = shownRows();
    if (!rows.length) return;
    const at = rows.findIndex((row) => data.images[row.dataset.image].name === state.i);
    const next = rows[(at + by + rows.length) % rows.length];
    change({ i: data.images[next.dataset.image].name });
    if (state.p === "events" && eventsShown()) eventsShown().scrollIntoView();
  }

  function filterImages() {
    const wanted = one("input[name=shown]:checked").value;
    for (const row of all(".gallery tr[data-image]"))
      row.hidden = wanted !== "all" && (row.dataset.correct === "1") !== (wanted === "right");
    const names = shownRows().map((row) => data.images[row.dataset.image].name);
    if (!names.length) notice(`No ${data.noun} of the sample is like that.`);
    else if (!names.includes(state.i)) change({ i: names[0] });
  }

  function setUpImages() {
    for (const radio of all("input[name=shown]")) radio.addEventListener("change", filterImages);
    for (const radio of all("input[name=scale]")) radio.addEventListener("change", () => change({ s: radio.value }));
    for (const row of all(".gallery tr[data-image]")) {
      row.addEventListener("pointermove", (event) => {
        const holder = event.target.closest(".map[data-image]");
        const map = holder && mapOf(Number(holder.dataset.image), Number(holder.dataset.method));
        readRow(row, holder ? pixelOf(event, holder, map) : null);
      });
      row.addEventListener("pointerleave", () => readRow(row, null));
    }
  }

  // ---------------------------------------------------------------- figures and tables

  function save(name, type, content) {
    const link = make("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function csv({ columns, rows }) {
    const cell = (value) => {
      const text = value === null ? "" : String(value);
      return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    return [columns, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
  }

  function svgText(figure) {
    const copy = one("svg", figure).cloneNode(true);
    one(".cursor", copy)?.remove();
    copy.prepend(makeSvg("rect", { width: "100%", height: "100%", fill: "#ffffff" }));
    return new XMLSerializer().serializeToString(copy);
  }

  function setUpSaving() {
    for (const button of all("[data-save]")) button.addEventListener("click", () => {
      const id = button.dataset.figure, name = `${data.run || "report"}-${id}`.replace(/[^\w.-]+/g, "-");
      if (button.dataset.save === "svg") save(name + ".svg", "image/svg+xml", svgText(document.getElementById(id)));
      else save(name + ".csv", "text/csv", csv(data.figures[id]));
    });
    for (const button of all("[data-document]")) {
      const name = button.dataset.document, content = data.documents[name];
      button.disabled = content === null;
      button.addEventListener("click", () =>
        save(name + ".json", "application/json", JSON.stringify(content, null, 1)));
    }
  }

  function readingAt(table, x) {
    const nearer = (best, value) => Math.abs(value - x) < Math.abs(best - x) ? value : best;
    const at = table.rows.map((row) => row[0]).reduce(nearer, Infinity);
    const rows = table.rows.filter((row) => row[0] === at);
    const long = rows.length && typeof rows[0][1] === "string";
    const entries = long ? rows.map((row) => [row[1], row[2]])
      : table.columns.slice(1).map((name, k) => [name, rows[0][k + 1]]);
    if (long) entries.sort((a, b) => b[1] - a[1]);
    return { at, entries: entries.slice(0, 14) };
  }

  function setUpCrosshair(figure) {
    const svg = one("svg[data-x0]", figure), table = data.figures[figure.id];
    if (!svg || !table || !table.rows.length) return;
    let box = null;
    svg.addEventListener("pointermove", (event) => {
      const frame = svg.getBoundingClientRect();
      const px = (event.clientX - frame.left) / frame.width * svg.viewBox.baseVal.width;
      const { at, entries } = readingAt(table, axisOf(svg).value(px));
      if (!box) document.body.append(box = make("div", { className: "crosshair" }));
      box.replaceChildren(make("b", {}, `${table.columns[0]} ${short(at)}`),
        ...entries.map(([name, value]) => make("div", {}, `${name}: ${short(value)}`)));
      const right = event.clientX + 200 > innerWidth;
      Object.assign(box.style, {
        top: `${event.pageY + 14}px`,
        left: right ? "" : `${event.pageX + 14}px`,
        right: right ? `${root.clientWidth - event.pageX + 14}px` : "",
      });
    });
    svg.addEventListener("pointerleave", () => { box?.remove(); box = null; });
  }

  function setUpSorting(table) {
    const heads = all("thead th", table), body = one("tbody", table);
    const key = (row, k) => { const cell = row.cells[k]; return cell.dataset.value ?? cell.textContent.trim(); };
    const order = (a, b) => Number.isNaN(Number(a) - Number(b)) ? a.localeCompare(b) : a - b;
    heads.forEach((head, k) => {
      const button = make("button", { type: "button" }, ...head.childNodes);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending", sign = down ? -1 : 1;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const blank = (row) => key(row, k) === "";  // last, whichever way
        body.append(...[...body.rows].sort((a, b) =>
          blank(a) || blank(b) ? blank(a) - blank(b) : sign * order(key(a, k), key(b, k))));
      });
    });
  }

  // ---------------------------------------------------------------- the page

  function markSection() {
    for (const link of all("nav a")) {
      markLink(link, link.hash === "#" + state.p);
      if (link.hash === "#" + state.p) one("nav").scrollLeft = link.offsetLeft - one("nav").offsetLeft - 60;
    }
  }

  function watchSections() {
    let pending = 0;
    addEventListener("scroll", () => {
      clearTimeout(pending);
      pending = setTimeout(() => {
        const passed = sections.filter((id) => one("#" + id).getBoundingClientRect().top < innerHeight * 0.4);
        if (passed.length) change({ p: passed[passed.length - 1] });
      }, 250);
    }, { passive: true });
  }

  const keys = {
    j: () => stepImage(1), k: () => stepImage(-1),
    "[": () => stepBudget(-1), "]": () => stepBudget(1),
    c: () => stepClass(1), C: () => stepClass(-1),
    s: () => change({ s: state.s === "own" ? "shared" : "own" }),
    "?": () => one("#help").showModal(),
    "/": () => searchFilters(),
  };

  function searchFilters() {
    const search = one("#filter-search");
    if (!search) return;
    change({ p: "filters" });
    goTo({ p: "filters" });
    search.focus();
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || one("#help").open) return;
    if (event.target.matches?.("input:not([type=radio]):not([type=range]), select, textarea")) return;
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  function setUpTools() {
    const button = one("#theme"), name = () => {
      button.textContent = theme[0].toUpperCase() + theme.slice(1);
      button.setAttribute("aria-label", `Colour theme: ${theme}`);
    };
    button.addEventListener("click", () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      setTheme(theme);
      remember("spikelens-theme", theme);
      name();
    });
    name();
    one("#help-open").addEventListener("click", () => one("#help").showModal());
    one("#help-close").addEventListener("click", () => one("#help").close());
    one("#link").addEventListener("click", async () => {
      writeAddress();
      try { await navigator.clipboard.writeText(location.href); notice("The address of this view is copied."); }
      catch { notice("The address bar holds this view's address."); }
    });
    document.addEventListener("keydown", onKey);
  }

  /**
   * The view of a report opened without an address: everything at the chosen budget, the first of each kind with
   * something to show.
   */
  function defaults() {
    const pictured = new Set(data.filters.map((filter) => filter.name));
    const strongest = data.paths.flatMap((path, index) => weightsAt(index, data.mu).map((filter) => filter[0]))
      .find((name) => pictured.has(name));
    const wanted = { s: "own", p: "overview" };
    state.s = null;
    if (data.mu > 0) wanted.mu = data.mu;
    const driven = data.paths.findIndex((path, index) => path.predicted > 0 && weightsAt(index, data.mu).length > 0);
    if (data.paths.length) wanted.c = String(Math.max(driven, 0));
    if (data.filters.length) wanted.f = strongest || data.filters[0].name;
    if (data.images.length) wanted.i = data.images[0].name;
    return wanted;
  }

  async function start() {
    sections.push(...all("main > section").map((section) => section.id));
    setUpTools();
    if (!("DecompressionStream" in window)) {
      root.classList.remove("js");
      for (const holder of all(".map[data-image]")) holder.innerHTML = one("noscript", holder).textContent;
      return notice("This browser is too old to unpack the report's values; " +
        "pictures and numbers below are complete, but do not react.");
    }
    const text = new TextDecoder().decode(await unpack("values"));
    data = JSON.parse(text);
    mapBytes = await unpack("maps");
    if (data.exact) mapFloats = new Float32Array(mapBytes.buffer);
    palettes = { sequential: bytesOf(data.palettes.sequential), diverging: bytesOf(data.palettes.diverging) };
    setUpClasses();
    setUpFilters();
    setUpImages();
    setUpSaving();
    setUpPrinting();
    all("figure.chart").forEach(setUpCrosshair);
    all("table.sortable").forEach(setUpSorting);
    const wanted = defaults();
    change(wanted, { write: false });
    if (wanted.f !== undefined) showFilters();
    if (location.hash) followAddress();
    addEventListener("hashchange", followAddress);
    watchSections();
    root.dataset.ready = "true";
  }

  document.addEventListener("DOMContentLoaded", start);
})();
