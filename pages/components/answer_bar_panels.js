// What opens over the answer bar: what a label means, all keys, and the finder of labels by name.
// Knows nothing of what is asked or sent.

// What opens stands over the bar, or below it where the bar is high on the page.
function makeRoom(box) {
  box.classList.toggle("high", box.getBoundingClientRect().top < window.innerHeight / 2);
}

// What a label means stands over its button for as long as one points at it, or has the focus.
function makeDefinition(box) {
  const defined = element("div", "defined", box);
  defined.setAttribute("role", "tooltip");
  const hide = () => { defined.hidden = true; };
  hide();

  function show(button, choice) {
    button.setAttribute("aria-description", choice.help);
    const open = () => {
      makeRoom(box);
      defined.replaceChildren();
      element("b", "", defined, choice.name);
      element("span", "", defined, choice.help);
      defined.hidden = false;
      const most = box.clientWidth - defined.offsetWidth;
      const left = button.getBoundingClientRect().left - box.getBoundingClientRect().left;
      defined.style.left = `${Math.max(0, Math.min(left, most))}px`;
    };
    button.addEventListener("mouseenter", open);
    button.addEventListener("focus", () => button.matches(":focus-visible") && open());
    button.addEventListener("mouseleave", hide);
    button.addEventListener("blur", hide);
  }

  return { show, hide };
}

// All keys of the page, each with what it does, and of a label what that means.
function listKeys(keys, data, fixed) {
  const rows = [
    ...data.choices.filter(({ key }) => key).map((each) => [each.key, each.name, each.help]),
    ...(data.choices.some(({ key }) => !key) ? [["/", "find a label by typing its name"]] : []),
    ...fixed.map(({ key, name }) => [key, name]),
    ...(data.accept ? [["Enter", "accept the answer offered"]] : []),
    ...(data.confidence ? [[SURE_KEY, "how sure you are of the next answer"]] : []),
    ["N", "back to what is asked"],
    ...Object.entries(data.extra_keys),
    ...data.opens.map(({ key, name }) => [key, name]),
    ["?", "show or hide these keys"],
    ["Esc", "close"],
  ];
  keys.replaceChildren();
  for (const [key, name, meaning] of rows) {
    const item = element("div", "", keys);
    element("kbd", "", item, key.replace(/^Arrow(.*)$/, (_, way) => (
      { Left: "←", Right: "→", Up: "↑", Down: "↓" }[way] || way)));
    const said = meaning ? `${name}: ${meaning}` : name;
    element("span", "name", item, said).title = said;
  }
  element("div", "aside", keys, "A key within a quarter of a second of a new object is passed over.");
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
