// The finder of labels by name, for those that have no key.  Knows nothing of what is asked or sent.

const HELD_BACK = "ULZNCRTF"; // letters that never begin a search: ours, and Streamlit's C and R
const ONE_ROW_LETTERS = 48; // that labels fill one row of a small window with; more are drawn small

const isLong = (choices) => choices.reduce((n, { name }) => n + Math.min(name.length, 16), 0) > ONE_ROW_LETTERS;

// What a key begins to search for, "" where it only opens the finder; null where it does neither.
function searched(key, choices) {
  if (choices.every((each) => each.key)) return null;
  if (key === "/") return "";
  return /^\p{L}$/u.test(key) && !HELD_BACK.includes(key.toUpperCase()) ? key : null;
}

// The button that opens it, where there are labels without a key.
function moreButton(parent, choices, open) {
  const n = choices.filter((each) => !each.key).length;
  if (n) keyButton(parent, { name: `${n} more`, key: "/", title: "Find a label by typing" }, open);
}

// What opens stands over the bar, or below it where the bar is high on the page.
function makeRoom(box) {
  box.classList.toggle("high", box.getBoundingClientRect().top < window.innerHeight / 2);
}

// A field to type a label's name into, and the labels that have these letters.  `choices` are all
// there are, `draw` makes the button of one, `drawn` is told of it; Enter calls `chosen` with the
// first, Escape calls `left`.
function makeFinder(box, { choices, draw, drawn, chosen, left }) {
  const panel = element("div", "panel finder", box);
  const search = element("input", "", panel);
  search.type = "text";
  search.placeholder = "Type a label, Enter takes the first";
  search.setAttribute("aria-label", "Find a label");
  const found = element("div", "found", panel);
  panel.hidden = true;

  function matches() {
    const wanted = search.value.trim().toLowerCase();
    const rank = ({ name }) => name.toLowerCase().indexOf(wanted);
    return choices().filter((choice) => rank(choice) >= 0)
      .sort((a, b) => Math.sign(rank(a)) - Math.sign(rank(b)));
  }

  function redraw() {
    found.replaceChildren();
    for (const choice of matches()) draw(found, choice);
    found.firstElementChild?.classList.add("first");
    if (!found.firstElementChild) found.textContent = "No label has these letters";
    drawn();
  }

  search.addEventListener("input", redraw);
  search.addEventListener("keydown", (event) => {
    event.stopPropagation(); // Streamlit would take C and R: it cannot see into this element
    if (event.isComposing) return;
    if (event.key === "Escape") left();
    if (event.key === "Enter" && !event.repeat && matches().length) chosen(matches()[0]);
  });

  return {
    redraw,
    isOpen: () => !panel.hidden,
    open(text) {
      panel.hidden = false;
      search.value = text;
      redraw();
      search.focus();
    },
    close() {
      panel.hidden = true;
      search.blur();
    },
  };
}
