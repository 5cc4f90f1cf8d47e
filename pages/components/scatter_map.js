// The map in the browser: keeps the view, draws picture, axes and marks, reports what is done.
// What it looks like is in scatter_map_draw.js.

const SETTLE_MS = 120; // without movement, before Python is asked for a sharper picture
const ASK_MS = 500; // between asking for a picture that is not there yet
const MAX_PIXELS = 2.5e6; // of a picture, on screens of high resolution
const CLICK_SLACK_PX = 4;
const OUTLINE_STEP_PX = 3, OUTLINE_MOST = 200; // between corners of a lasso, and how many it has
const BAR_PX = 70; // the question's bar, until it says how high it is
const LEGEND_PX = 38; // room that a legend always has
const GROUP_EVENT = "sextant-map-view";

export default (component) => mount(component, makeMap);

function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  if (head.picture) head.picture.blob = new Blob([bytes.slice(4 + length)], { type: "image/png" });
  return head;
}

function same(a, b) {
  return a[0] === b[0] && a[1] === b[1];
}

function makeMap(root) {
  const box = element("div", "map", root);
  const title = element("div", "title", box);
  const stage = element("div", "stage", box);
  const canvas = element("canvas", "plot", stage);
  canvas.setAttribute("role", "img");
  const note = element("div", "note", stage);
  note.setAttribute("role", "status");
  const tools = element("div", "tools", box);
  const legend = element("div", "legend", box);

  let component = null;
  let head = null;
  let pictures = []; // the newest first: each {x, y, of, id, bitmap}
  let decoding = 0;
  let x = [0, 1];
  let y = [0, 1];
  let fit = true;
  let width = 0;
  let ratio = window.devicePixelRatio || 1;
  let reported = "";
  let timer = 0;
  let asking = 0;
  let frame = 0;
  let drag = null;
  let tool = ""; // what a drag does: "" moves the view, "box" and "lasso" select
  let cursor = null;
  let turns = 0;
  let legendDrawn = "";

  const at = () => geometry(width, head.height_px, x, y);
  const colour = (name) => getComputedStyle(box).getPropertyValue(name).trim();

  function pictureSize() {
    const { width: w, height: h } = at();
    const scale = Math.min(ratio, Math.sqrt(MAX_PIXELS / (w * h)));
    return { width_px: Math.round(w * scale), height_px: Math.round(h * scale) };
  }

  // ---- telling Python and the other maps of the group

  function report(moved) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!width) return;
      if (isLeaving() || isRunning()) {
        report(moved); // once what is under way is done, if this page is there then
        return;
      }
      const view = { x, y, ...pictureSize() };
      const now = JSON.stringify(view);
      if (now === reported) return;
      reported = now;
      component.setStateValue("viewport", {
        kind: "viewport", ...view, fit, axes: head.axes, moved, nonce: nonce(),
      });
    }, SETTLE_MS);
  }

  // A timer of Streamlit's own would not be held while the page is being left, see leaving.js.
  function askUntilThere() {
    clearInterval(asking);
    if (!head.is_coming) return;
    asking = setInterval(() => {
      reported = "";
      report(false);
    }, ASK_MS);
  }

  function sendClick({ px, py }) {
    const place = { at_x: at().toX(px), at_y: at().toY(py) };
    component.setTriggerValue("event", {
      kind: "click", x, y, ...pictureSize(), nonce: nonce(), ...place,
    });
  }

  function sendArea(outline) {
    const step = Math.max(1, Math.ceil(outline.length / OUTLINE_MOST));
    const kept = outline.filter((_, i) => i % step === 0);
    const corners = kept.map(({ px, py }) => [at().toX(px), at().toY(py)]);
    component.setTriggerValue("event", {
      kind: "area", x, y, ...pictureSize(), nonce: nonce(), outline: corners,
    });
  }

  // The corners of what a drag has enclosed so far.
  function enclosed() {
    if (!drag?.tool) return null;
    if (drag.tool === "lasso") return drag.outline;
    const [a, b] = [drag.start, held(cursor ?? drag.start)];
    return [a, { px: b.px, py: a.py }, b, { px: a.px, py: b.py }];
  }

  // The nearest place on the plot: a drag may leave it.
  function held({ px, py }) {
    const p = at();
    return {
      px: Math.max(p.left, Math.min(p.left + p.width, px)),
      py: Math.max(p.top, Math.min(p.top + p.height, py)),
    };
  }

  function look(newX, newY, isFit = false) {
    x = newX;
    y = newY;
    fit = isFit;
    redraw();
    report(true);
    const detail = { from: root, group: head.group, x, y, fit };
    window.dispatchEvent(new CustomEvent(GROUP_EVENT, { detail }));
  }

  function follow(event) {
    const { from, group, x: otherX, y: otherY, fit: otherFit } = event.detail;
    if (from === root || !head || group !== head.group) return;
    clearTimeout(timer); // the map that was moved reports for all
    x = otherX;
    y = otherY;
    fit = otherFit;
    reported = JSON.stringify({ x, y, ...pictureSize() });
    redraw();
  }

  function zoom(factor, atX, atY) {
    const scaled = (ends, at) => ends.map((end) => at + (end - at) * factor);
    const [newX, newY] = [scaled(x, atX), scaled(y, atY)];
    const sane = (ends, home) => {
      const span = ends[1] - ends[0];
      const finest = 1e-6 * Math.max(Math.abs(ends[0]), Math.abs(ends[1]), home[1] - home[0]);
      return span > finest && span < 30 * (home[1] - home[0]);
    };
    if (sane(newX, head.home.x) && sane(newY, head.home.y)) look(newX, newY);
  }

  const zoomCentre = (factor) => zoom(factor, (x[0] + x[1]) / 2, (y[0] + y[1]) / 2);
  const goHome = () => look(head.home.x, head.home.y, true);

  const toggles = {};
  function choose(name) {
    tool = tool === name ? "" : name;
    for (const [each, button] of Object.entries(toggles)) {
      button.setAttribute("aria-pressed", String(tool === each));
    }
    canvas.classList.toggle("selecting", tool !== "");
  }

  for (const [name, sign, title] of [
    ["box", "▭", "Select a box: drag over the objects"],
    ["lasso", "◌", "Select with a lasso: drag around the objects"],
  ]) {
    const button = element("button", "select", tools, sign);
    button.type = "button";
    button.title = title;
    button.setAttribute("aria-label", title);
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => choose(name));
    toggles[name] = button;
  }

  for (const [sign, name, action] of [
    ["+", "Zoom in", () => zoomCentre(1 / 1.5)],
    ["−", "Zoom out", () => zoomCentre(1.5)],
    ["⤢", "Fit: show everything", goHome],
  ]) {
    const button = element("button", "", tools);
    button.type = "button";
    button.textContent = sign;
    button.title = name;
    button.setAttribute("aria-label", name);
    button.addEventListener("click", action);
  }

  // ---- the pointer

  function place(event) {
    const rect = canvas.getBoundingClientRect();
    return { px: event.clientX - rect.left, py: event.clientY - rect.top };
  }

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { px, py } = place(event);
    const step = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    const factor = Math.exp(Math.max(-300, Math.min(300, step)) * 0.0018);
    zoom(factor, at().toX(px), at().toY(py));
  }, { passive: false });

  canvas.addEventListener("mousedown", (event) => {
    event.preventDefault(); // or the page's scroller takes the focus, and shows it
    document.activeElement?.blur(); // a field being typed in lets go, as on any other click
  });

  canvas.addEventListener("pointerdown", (event) => {
    const start = place(event);
    if (event.button !== 0 || !at().holds(start)) return;
    canvas.setPointerCapture(event.pointerId);
    drag = { start, x, y, moved: false, tool, outline: [start] };
  });

  canvas.addEventListener("pointermove", (event) => {
    cursor = place(event);
    if (drag) {
      const [right, down] = [cursor.px - drag.start.px, cursor.py - drag.start.py];
      drag.moved ||= Math.hypot(right, down) > CLICK_SLACK_PX;
      const last = drag.outline.at(-1);
      const far = Math.hypot(cursor.px - last.px, cursor.py - last.py) >= OUTLINE_STEP_PX;
      if (drag.tool === "lasso" && far) drag.outline.push(held(cursor));
      if (drag.moved && !drag.tool) {
        canvas.classList.add("panning");
        const dx = (right / at().width) * (drag.x[1] - drag.x[0]);
        const dy = (down / at().height) * (drag.y[1] - drag.y[0]);
        look(drag.x.map((end) => end - dx), drag.y.map((end) => end + dy));
      }
    }
    redraw();
  });

  canvas.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { moved } = drag;
    const outline = moved ? enclosed() : null;
    drag = null;
    if (outline) sendArea(outline);
    canvas.classList.remove("panning");
    if (!moved && event.detail < 2) sendClick(place(event));
    redraw();
  });

  canvas.addEventListener("pointercancel", () => {
    drag = null;
    canvas.classList.remove("panning");
    redraw();
  });
  canvas.addEventListener("pointerleave", () => {
    cursor = null;
    redraw();
  });
  canvas.addEventListener("dblclick", (event) => {
    if (at().holds(place(event))) goHome();
  });

  // ---- drawing

  function redraw() {
    if (!frame) frame = requestAnimationFrame(draw);
  }

  function draw() {
    frame = 0;
    if (!head || !width) return;
    const style = getComputedStyle(box);
    const read = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
    drawScene(canvas.getContext("2d"), {
      at: at(), head, outline: drag?.moved ? enclosed() : null, picture: bestPicture(pictures, { x, y }), cursor, ratio,
      ink: read("--st-text-color", "#333"),
      ground: read("--st-background-color", "#fff"),
      font: read("--st-font", "sans-serif"),
    });
  }

  function drawLegend() {
    const now = JSON.stringify([head.legend, colour("--st-text-color"), ratio]);
    if (now === legendDrawn) return;
    legendDrawn = now;
    legend.replaceChildren();
    for (const entry of head.legend) {
      const item = element("span", "", legend);
      const swatch = element("canvas", "", item);
      swatch.width = swatch.height = 16 * ratio;
      swatch.setAttribute("aria-hidden", "true");
      const ctx = swatch.getContext("2d");
      ctx.scale(ratio, ratio);
      const paint = entry.colour || colour("--st-text-color");
      mark(ctx, entry.shape, 8, 8, 11, paint, entry.filled, "transparent");
      item.title = entry.name;
      element("b", entry.shape === "dot" ? "" : "mark", item).textContent = entry.name;
    }
  }

  // ---- size and data

  // On a tall window a map takes its share of what the rest of the page leaves over.
  function setHeight() {
    const bar = getComputedStyle(document.documentElement).getPropertyValue("--sextant-bar");
    const free = window.innerHeight - (parseFloat(bar) || BAR_PX) - (head.fill?.[1] ?? 0);
    const longer = Math.max(0, legend.offsetHeight - LEGEND_PX);
    const shared = head.fill ? free * head.fill[0] - longer : 0;
    head.height_px = Math.max(head.least_px, Math.floor(shared));
  }

  function resize() {
    if (!head) return;
    setHeight();
    const newWidth = Math.floor(stage.clientWidth);
    if (!newWidth) return; // in a tab that is not shown
    ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.round(newWidth * ratio), Math.round(head.height_px * ratio)];
    canvas.style.height = `${head.height_px}px`;
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    width = newWidth;
    draw();
    report(false);
  }

  async function decode(wanted) {
    const mine = ++decoding;
    if (!wanted) {
      pictures = [];
    } else if (pictures[0]?.id !== wanted.id) {
      const made = { ...wanted, blob: null, bitmap: await createImageBitmap(wanted.blob) };
      if (mine !== decoding) return; // a newer picture came meanwhile
      // The new one may be of a view that was left meanwhile, and the next view be a wider one.
      const known = pictures.filter((each) => each.of === made.of);
      const widest = known.reduce((a, b) => (area(b) > area(a) ? b : a), made);
      pictures = [...new Set([made, bestPicture(known, { x, y }) ?? made, widest])];
    }
    draw();
    box.dataset.painted = String(turns);
  }

  function update(newComponent) {
    component = newComponent;
    arrive();
    const before = head;
    head = unpack(component.data);
    drawLegend();
    setHeight();
    if (!before) {
      [x, y] = [head.view.x_range, head.view.y_range];
      fit = same(x, head.home.x) && same(y, head.home.y);
      reported = JSON.stringify({
        x, y, width_px: head.view.width_px, height_px: head.view.height_px,
      });
    } else if (!same(before.axes, head.axes)) {
      [x, y, fit] = [head.home.x, head.home.y, true];
      pictures = [];
      report(true);
    } else if (fit && !drag) {
      [x, y] = [head.home.x, head.home.y];
    }
    title.textContent = head.title;
    tools.classList.toggle("selects", head.selects);
    title.style.paddingRight = `${96 + 56 * head.selects + head.aside_px}px`;
    tools.style.right = `${12 + head.aside_px}px`;
    if (tool && !head.selects) choose(tool);
    note.textContent = head.note;
    canvas.setAttribute("aria-label", `${head.title || "Map"}: ${head.axes[1]} by ${head.axes[0]}`);
    resize();
    turns += 1;
    decode(head.picture);
    askUntilThere();
    return turns;
  }

  const observer = new ResizeObserver(() => resize());
  observer.observe(stage);
  window.addEventListener(GROUP_EVENT, follow);
  window.addEventListener("resize", resize);

  return {
    update,
    turn: () => turns,
    destroy() {
      observer.disconnect();
      clearTimeout(timer);
      clearInterval(asking);
      cancelAnimationFrame(frame);
      window.removeEventListener(GROUP_EVENT, follow);
      window.removeEventListener("resize", resize);
      box.remove();
    },
  };
}
