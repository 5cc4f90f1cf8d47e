// What opens over the answer bar: what a label means, and all keys.  Knows nothing of what is asked or
// sent.

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
