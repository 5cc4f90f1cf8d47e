// Objects to compare with in the browser: small pictures in places of a fixed size, in groups.  A click
// says which object it was on.

export default (component) => mount(component, makeCompared);

function makeCell(parent, send) {
  const box = element("button", "cell", parent);
  box.type = "button";
  const stage = element("span", "stage", box);
  const image = makeImage(stage);
  const said = element("span", "said", stage);
  const label = element("span", "label", box);
  const dot = element("i", "dot", label);
  const name = element("span", "", label);
  const id = element("span", "id", box);
  let row = 0;
  box.addEventListener("click", (event) => {
    send({ kind: "click", row });
    if (event.detail) box.blur(); // or Enter would press it for what comes next
  });

  function update(cell) {
    row = cell.row;
    box.title = cell.help;
    box.setAttribute("aria-label", cell.help);
    box.style.setProperty("--colour", cell.colour || "var(--st-border-color)");
    name.textContent = cell.label;
    label.hidden = !cell.label;
    id.textContent = cell.id;
    const isBare = cell.values.length > 0;
    box.classList.toggle("bare", isBare);
    box.classList.toggle("coming", !isBare && !cell.image && !cell.sentence);
    said.textContent = isBare ? cell.values.join("\n") : cell.sentence;
    image.show(cell.image);
  }

  return { update, destroy() { image.forget(); box.remove(); } };
}

function makeGroup(parent, send) {
  const box = element("section", "group", parent);
  const head = element("div", "head", box);
  const dot = element("i", "dot", head);
  const title = element("span", "", head);
  const note = element("div", "note", box);
  const row = element("div", "cells", box);
  const cells = [];

  function update(group) {
    title.textContent = group.title;
    head.title = group.help;
    box.style.setProperty("--colour", group.colour);
    dot.hidden = !group.colour;
    note.textContent = group.note;
    note.hidden = !group.note;
    while (cells.length > group.cells.length) cells.pop().destroy();
    while (cells.length < group.cells.length) cells.push(makeCell(row, send));
    group.cells.forEach((cell, i) => cells[i].update(cell));
  }

  return {
    update,
    destroy() {
      for (const cell of cells) cell.destroy();
      box.remove();
    },
  };
}

function makeCompared(root) {
  const box = element("div", "compared", root);
  const groups = [];
  let component = null;
  let turns = 0;

  function send(event) {
    if (!isLeaving()) component.setTriggerValue("event", { ...event, nonce: nonce() });
  }
  const looker = makeLooker(box, () => send({ kind: "look" }));

  function update(newComponent) {
    component = newComponent;
    const cellsOf = (head) => head.groups.flatMap(({ cells }) => cells);
    const head = unpackPictures(component.data, cellsOf);
    box.classList.toggle("beside", head.beside);
    while (groups.length > head.groups.length) groups.pop().destroy();
    while (groups.length < head.groups.length) groups.push(makeGroup(box, send));
    head.groups.forEach((group, i) => groups[i].update(group));
    const all = cellsOf(head);
    const isComing = all.some(({ image, sentence, values }) => !image && !sentence && !values.length);
    looker.update(JSON.stringify([head.of, all.map(({ row }) => row)]), isComing);
    turns += 1;
    return turns;
  }

  return {
    update,
    turn: () => turns,
    destroy() {
      looker.stop();
      for (const group of groups) group.destroy();
      box.remove();
    },
  };
}
