// Pictures in the browser: draws them in places of a fixed size, with marks, and asks again after
// those that are still to come.

const BARS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000];
const GAP = 7; // of the crosshair around the middle, in hundredths of the side
const ARM = 9;
const SVG = "http://www.w3.org/2000/svg";

export default (component) => mount(component, makeRow);

// An angle as it is read: 30", 2.5', 1.5°.
function angle(arcsec) {
  const trimmed = (value) => String(Number(value.toFixed(2)));
  if (arcsec < 60) return `${trimmed(arcsec)}″`;
  return arcsec < 3600 ? `${trimmed(arcsec / 60)}′` : `${trimmed(arcsec / 3600)}°`;
}

function drawn(tag, parent, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent.append(made);
  return made;
}

// A line that stands out from bright and from dark sky.
function line(parent, points) {
  drawn("polyline", parent, { points, class: "under" });
  drawn("polyline", parent, { points, class: "over" });
}

function write(parent, x, y, text, anchor = "middle") {
  drawn("text", parent, { x, y, "text-anchor": anchor }).textContent = text;
}

function drawMarks(svg, plate) {
  svg.replaceChildren();
  const centre = 50;
  for (const [from, to] of [[GAP, GAP + ARM], [-GAP, -GAP - ARM]]) {
    line(svg, `${centre + from},${centre} ${centre + to},${centre}`);
    line(svg, `${centre},${centre + from} ${centre},${centre + to}`);
  }
  for (const [east, north] of plate.dots) {
    const place = {
      cx: centre - (100 * east) / plate.field, cy: centre - (100 * north) / plate.field, r: 2.2,
    };
    drawn("circle", svg, { ...place, class: "under" });
    drawn("circle", svg, { ...place, class: "over" });
  }
  const bar = BARS.findLast((each) => each <= plate.field / 3) ?? plate.field / 4;
  const width = (100 * bar) / plate.field;
  line(svg, `5,95 ${5 + width},95`);
  write(svg, 5 + width / 2, 92.5, angle(bar));
  line(svg, "94,95 94,84");
  line(svg, "94,95 83,95");
  write(svg, 94, 82, "N");
  write(svg, 81.5, 97, "E", "end");
}

function makePlate(parent, send) {
  const box = element("figure", "plate", parent);
  const top = element("figcaption", "top", box);
  const title = element("span", "title", top);
  const tools = element("span", "tools", top);
  const field = element("span", "field", tools);
  const button = (text, help, step) => {
    const made = element("button", "", tools, text);
    made.type = "button";
    made.title = help;
    made.setAttribute("aria-label", help);
    made.addEventListener("click", (event) => {
      send(step);
      if (event.detail) made.blur();
    });
    return made;
  };
  const more = button("−", "More sky (-)", 1);
  const less = button("+", "Less sky (+)", -1);
  const stage = element("div", "stage", box);
  const image = element("img", "", stage);
  image.alt = "";
  image.decoding = "async";
  const svg = drawn("svg", stage, { viewBox: "0 0 100 100", "aria-hidden": "true" });
  const said = element("div", "said", stage);
  said.setAttribute("role", "status");
  image.addEventListener("click", () => box.classList.toggle("large"));

  let shown = null; // what the picture on the screen is: {of, name, field, id, url}
  let wanted = "";
  let marksOf = "";

  function forget() {
    if (shown) URL.revokeObjectURL(shown.url);
    shown = null;
    image.removeAttribute("src");
  }

  async function load(plate, of) {
    const loading = `${of} ${plate.name} ${plate.image.id}`;
    if (wanted === loading) return;
    wanted = loading;
    const url = URL.createObjectURL(plate.image.blob());
    const ready = new Image();
    ready.src = url;
    try {
      await ready.decode();
    } catch {
      URL.revokeObjectURL(url);
      if (wanted === loading) said.textContent = "The picture cannot be drawn.";
      return;
    }
    if (wanted !== loading) {
      URL.revokeObjectURL(url);
      return;
    }
    const before = shown?.url;
    shown = { of, name: plate.name, field: plate.field, id: plate.image.id, url };
    image.src = url;
    image.style.transform = "";
    box.classList.remove("old");
    if (before) setTimeout(() => URL.revokeObjectURL(before), 1000);
  }

  function update(plate, of, hasMarks) {
    title.textContent = plate.title;
    title.title = [plate.title, plate.help].filter(Boolean).join(": ");
    const isSky = plate.field !== null;
    tools.hidden = !isSky;
    box.classList.toggle("sky", isSky);
    if (isSky) {
      field.textContent = angle(plate.field);
      field.title = "The side of the square of sky that is shown";
      more.disabled = !plate.out;
      less.disabled = !plate.in;
    }
    image.setAttribute("alt", `${plate.title}, picture of the object`);
    if (plate.image) {
      load(plate, of);
    } else {
      wanted = "";
      const serves = shown && shown.of === of && shown.name === plate.name && isSky && !plate.sentence;
      if (serves) {
        // The same sky, until the sharp picture of it is there.
        image.style.transform = `scale(${shown.field / plate.field})`;
        box.classList.add("old");
      } else {
        forget();
        box.classList.remove("old");
      }
    }
    if (!plate.image || said.textContent) said.textContent = plate.image ? "" : plate.sentence;
    box.classList.toggle("empty", !plate.image && !shown);
    box.classList.toggle("coming", !plate.image && !plate.sentence);
    const marks = JSON.stringify([isSky && hasMarks, plate.field, plate.dots]);
    if (marks !== marksOf) {
      marksOf = marks;
      svg.replaceChildren();
      if (isSky && hasMarks) drawMarks(svg, plate);
    }
    svg.classList.toggle("hidden", Boolean(plate.sentence));
  }

  return { update, destroy() { forget(); box.remove(); } };
}

function makeRow(root) {
  const box = element("div", "row", root);
  const plates = [];
  let component = null;
  let turns = 0;

  function send(event) {
    if (isLeaving()) return false;
    component.setTriggerValue("event", { ...event, nonce: nonce() });
    return true;
  }

  const looker = makeLooker(box, () => send({ kind: "look" }));

  function update(newComponent) {
    component = newComponent;
    const head = unpackPictures(component.data, ({ plates: listed }) => listed);
    while (plates.length > head.plates.length) plates.pop().destroy();
    while (plates.length < head.plates.length) {
      const number = plates.length;
      plates.push(makePlate(box, (step) => send({ kind: "zoom", name: names[number], step })));
    }
    names = head.plates.map(({ name }) => name);
    head.plates.forEach((plate, i) => plates[i].update(plate, head.of, head.marks));
    const isComing = head.plates.some(({ image, sentence }) => !image && !sentence);
    looker.update(JSON.stringify([head.of, head.plates.map(({ name, field }) => [name, field])]), isComing);
    turns += 1;
    return turns;
  }
  let names = [];

  return {
    update,
    turn: () => turns,
    destroy() {
      looker.stop();
      for (const plate of plates) plate.destroy();
      box.remove();
    },
  };
}
