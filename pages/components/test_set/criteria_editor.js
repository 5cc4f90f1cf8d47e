// The criteria editor in the browser: groups of criteria, sent while they are typed.

const TYPING_MS = 250; // without a key, before what is typed is sent
const MANY = -1; // values in one field, separated by commas

export default (component) => mount(component, makeEditor);

function choice(parent, className, name, options, chosen, onChange) {
  const made = element("select", className, parent);
  made.setAttribute("aria-label", name);
  const known = options.some(([value]) => value === chosen);
  for (const [value, title] of known ? options : [[chosen, chosen], ...options]) {
    element("option", "", made, title).value = value;
  }
  made.value = chosen;
  made.addEventListener("change", () => onChange(made.value));
  return made;
}

function button(parent, className, text, title, onClick) {
  const made = element("button", className, parent, text);
  made.type = "button";
  made.title = title;
  made.addEventListener("click", onClick);
  return made;
}

// Values separated by commas; one that holds a comma stands in double quotes.
function splitValues(text) {
  const found = text.match(/\s*"(?:[^"]|"")*"\s*|[^,]+/g) ?? [];
  return found.map((part) => {
    const value = part.trim();
    const quoted = /^"(.*)"$/s.exec(value);
    return quoted ? quoted[1].replaceAll('""', '"') : value;
  }).filter((value) => value !== "");
}

function joinValues(values) {
  return values.map((value) => (
    /[",]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)).join(", ");
}

// The same text for the same criteria, whoever wrote them down.
function textOf(search) {
  return JSON.stringify([search.join, search.groups.map((group) => [
    group.join, group.criteria.map(({ column, operation, values }) => [column, operation, values]),
  ])]);
}

function makeEditor(root) {
  const box = element("div", "editor", root);
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "Criteria");
  const list = element("div", "groups", box);
  const foot = element("div", "foot", box);
  const another = button(foot, "add", "", "Criteria of their own, joined to those above", () => {
    const [group] = model.groups;
    const join = group?.join === "or" ? "or" : "and";
    model.groups.push({ join, criteria: [blank()] });
    draw();
    focusLast();
    send(true);
  });
  const said = element("span", "said", foot);
  said.setAttribute("role", "status");

  let component = null;
  let data = null;
  let model = { join: "or", groups: [] };
  let faultLines = new Map();
  let waiting = 0;
  let turns = 0;

  const operation = (name) => data.operations.find((each) => each.value === name);
  const blank = () => ({ column: data.first, operation: "==", values: [""] });

  // ---- sending

  function send(isDone) {
    clearTimeout(waiting);
    waiting = 0;
    if (isLeaving()) return;
    nonce();
    component.setStateValue("search", { search: model, is_done: isDone, nonce: lastNonce });
  }

  function sendSoon() {
    clearTimeout(waiting);
    waiting = setTimeout(() => send(false), TYPING_MS);
  }

  // ---- drawing

  function draw() {
    list.replaceChildren();
    faultLines = new Map();
    model.groups.forEach((group, i) => {
      if (i) drawJoin(list, "between", model, [["or", "or"], ["and", "and"]], "Between groups");
      drawGroup(group, i);
    });
    another.textContent = model.groups.length ? "Add a group" : "Add a criterion";
    refresh();
  }

  function drawJoin(parent, className, of, options, name) {
    choice(parent, className, name, options, of.join, (chosen) => {
      of.join = chosen;
      draw();
      send(true);
    });
  }

  function drawGroup(group, i) {
    const frame = element("div", "group", list);
    group.criteria.forEach((criterion, j) => {
      const row = element("div", "row", frame);
      if (j) element("span", "join", row, group.join);
      else if (group.criteria.length > 1) {
        drawJoin(row, "join", group, [["and", "all of"], ["or", "any of"]], "Join in this group");
      } else element("span", "join", row);
      drawCriterion(row, group, criterion, i, j);
      faultLines.set(`${i}.${j}`, element("div", "fault", frame));
    });
  }

  function drawCriterion(row, group, criterion, i, j) {
    choice(row, "column", "Column", data.columns, criterion.column, (chosen) => {
      criterion.column = chosen;
      send(true);
    }).title = criterion.column;
    const titles = data.operations.map(({ value, title }) => [value, title]);
    choice(row, "operation", "Comparison", titles, criterion.operation, (chosen) => {
      criterion.operation = chosen;
      const n = operation(chosen).n;
      const kept = criterion.values;
      criterion.values = n === MANY ? kept : Array.from({ length: n }, (_, k) => kept[k] ?? "");
      draw();
      list.querySelector(`[data-at="${i}.${j}"] input`)?.focus();
      send(true);
    });
    row.dataset.at = `${i}.${j}`;
    drawValues(row, criterion);
    button(row, "remove", "×", "Remove this criterion", () => {
      group.criteria.splice(j, 1);
      model.groups = model.groups.filter((each) => each.criteria.length);
      draw();
      send(true);
    }).setAttribute("aria-label", "Remove this criterion");
    if (j < group.criteria.length - 1) return;
    button(row, "more", "+", "Add a criterion to this group", () => {
      group.criteria.push(blank());
      draw();
      focusLast(i);
      send(true);
    }).setAttribute("aria-label", "Add a criterion to this group");
  }

  function drawValues(row, criterion) {
    const n = operation(criterion.operation).n;
    const fields = element("span", n === 2 ? "values two" : "values", row);
    const texts = n === MANY ? [joinValues(criterion.values)] : criterion.values;
    texts.forEach((text, k) => {
      if (k) element("span", "", fields, "and");
      const field = element("input", "", fields);
      field.type = "text";
      field.value = text;
      field.spellcheck = false;
      field.placeholder = n === MANY ? "values, separated by commas" : "value";
      field.setAttribute("aria-label", n === 2 ? ["Lowest", "Highest"][k] : "Value");
      field.addEventListener("input", () => {
        if (n === MANY) criterion.values = splitValues(field.value);
        else criterion.values[k] = field.value;
        sendSoon();
      });
      field.addEventListener("change", () => send(true));
      field.addEventListener("keydown", (event) => {
        event.stopPropagation(); // Streamlit would take C and R: it cannot see into this element
        if (event.key === "Enter" && !event.isComposing) send(true);
      });
    });
  }

  function focusLast(i = model.groups.length - 1) {
    const rows = list.querySelectorAll(".group")[i]?.querySelectorAll("select.column");
    if (rows?.length) rows[rows.length - 1].focus();
  }

  // What Python says of the criteria, without making them anew.
  function refresh() {
    said.textContent = data.said;
    for (const [at, line] of faultLines) line.textContent = data.faults[at] ?? "";
  }

  function update(newComponent) {
    component = newComponent;
    arrive();
    const before = data;
    data = component.data;
    // What was typed since is newer than what Python has.
    const isCurrent = !waiting && (data.handled ?? 0) >= lastNonce;
    const others = JSON.stringify([before?.columns, before?.operations]);
    const isOther = textOf(data.search) !== textOf(model);
    if (isCurrent && isOther) model = structuredClone(data.search);
    if (!before || (isCurrent && isOther) || others !== JSON.stringify([data.columns, data.operations])) {
      draw();
    }
    refresh();
    turns += 1;
    return turns;
  }

  return {
    update,
    turn: () => turns,
    destroy() {
      clearTimeout(waiting);
      box.remove();
    },
  };
}
