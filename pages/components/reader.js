// Texts in the browser: paragraphs in a frame that scrolls, with marks in them.  Texts are written as text
// alone, never as a page: whatever stands in them stays letters.

export default (component) => mount(component, makeReader);

const STRONG = 0.66;
const MIDDLE = 0.33;

function makeReader(root) {
  const box = element("div", "reader", root);
  const frame = element("div", "frame", box);
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  const legend = element("div", "legend", box);
  let of = null;
  let turns = 0;

  // Python counts letters, a script halves of them where they are rare.
  function write(line) {
    const paragraph = element("p", "", frame);
    const letters = Array.from(line.text);
    let at = 0;
    for (const mark of line.marks) {
      paragraph.append(letters.slice(at, mark.from).join(""));
      const size = Math.abs(mark.weight);
      const strength = size > STRONG ? "strong" : size > MIDDLE ? "middle" : "weak";
      const side = mark.weight > 0 ? "for" : "against";
      const made = element("mark", `${side} ${strength}`, paragraph, letters.slice(mark.from, mark.to).join(""));
      made.title = mark.said;
      at = mark.to;
    }
    paragraph.append(letters.slice(at).join(""));
  }

  function update(component) {
    const { data } = component;
    box.style.setProperty("--for", data.colours[0]);
    box.style.setProperty("--against", data.colours[1]);
    frame.replaceChildren();
    let hasMarks = false;
    const notes = [];
    for (const text of data.texts) {
      if (data.texts.length > 1) element("div", "name", frame, text.name);
      if (!text.lines.length) element("p", "empty", frame, "–");
      for (const line of text.lines) write(line);
      if (text.is_cut) element("p", "empty", frame, "Cut here: it is longer than can be read at a glance.");
      hasMarks ||= text.lines.some((line) => line.marks.length > 0);
      if (text.note && !notes.includes(text.note)) notes.push(text.note);
    }
    frame.setAttribute("aria-label", data.texts.map(({ name }) => name).join(", "));
    legend.replaceChildren();
    if (hasMarks) {
      element("mark", "for middle", legend, "for");
      legend.append(" and ");
      element("mark", "against middle", legend, "against");
      legend.append(` ${data.texts.find(({ towards }) => towards).towards}, by the present model`);
    }
    for (const note of notes) legend.append(note);
    legend.hidden = !legend.childNodes.length;
    if (data.of !== of) frame.scrollTop = 0;
    of = data.of;
    turns += 1;
    return turns;
  }

  function onKey(event) {
    if (event.key !== "PageDown" && event.key !== "PageUp") return;
    if (event.ctrlKey || event.metaKey || event.altKey || !box.getClientRects().length) return;
    if (isElsewhere(event)) return;
    if (frame.scrollHeight <= frame.clientHeight) return;
    frame.scrollBy({ top: (event.key === "PageDown" ? 0.85 : -0.85) * frame.clientHeight });
    event.preventDefault();
  }
  document.addEventListener("keydown", onKey);

  return {
    update,
    turn: () => turns,
    destroy() {
      document.removeEventListener("keydown", onKey);
      box.remove();
    },
  };
}
