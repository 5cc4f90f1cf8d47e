// A batch in the browser: a grid with one focus, some of it selected, and the keys that answer.  What is
// answered waits here until what was sent before has been dealt with, so that none overtakes another.

const FIXED = [
  { action: "unsure", name: "Unsure", key: "U", help: "Pass it by for good" },
  { action: "later", name: "Later", key: "L", help: "Ask about it again after the batch" },
  { action: "undo", name: "Undo", key: "Z", help: "Take back the last answer" },
];
const UNSEEN_MS = 250; // a new batch cannot have been judged yet: the end of a double press
const LISTEN_MS = 500; // between looks at whether the server still answers
const SLOW_MS = 1000; // after which it is said that something is being done
const GIVE_UP_MS = 8000; // after which what nothing came of may be answered again

export default (component) => mount(component, makeBatch);

function makeBatch(root) {
  const box = element("div", "batch", root);
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "The batch");
  const grid = element("div", "cells", box);
  const foot = element("div", "foot", box);
  const about = element("span", "about", foot);
  const choices = element("span", "choices", foot);
  const fixed = element("span", "fixed", foot);
  const said = element("span", "confirmation", foot);
  said.setAttribute("role", "status");

  const cells = [];
  const selected = new Set(); // rows
  const given = new Map(); // rows answered here that the server has not confirmed, to what was said
  const stopwatch = makeStopwatch();
  let outbox = []; // acts that are still to be sent
  let flying = null; // what was sent last, until it is dealt with
  let component = null;
  let data = null;
  let at = 0; // the cell with the focus
  let since = 0;
  let turns = 0;

  const isOpen = (tile) => tile && !tile.said && !given.has(tile.row);
  const rowsToAnswer = () => {
    const open = data.tiles.filter(isOpen).map(({ row }) => row);
    const chosen = open.filter((row) => selected.has(row));
    if (chosen.length) return chosen;
    return isOpen(data.tiles[at]) ? [data.tiles[at].row] : [];
  };

  // ---- answering

  function answer(action, label, name) {
    const rows = rowsToAnswer();
    if (!rows.length || performance.now() - since < UNSEEN_MS || isLeaving()) return;
    const seconds = Math.round(stopwatch.seconds() * 1000) / 1000;
    outbox.push({ action, label, rows, token: data.token, seconds });
    for (const row of rows) {
      given.set(row, name);
      selected.delete(row);
    }
    stopwatch.restart();
    const next = [...data.tiles.keys()].map((i) => (at + i) % data.tiles.length);
    at = next.find((i) => isOpen(data.tiles[i])) ?? at;
    draw();
    focus();
    flush();
  }

  // What was not sent yet is simply not said.
  function undo() {
    const unsent = outbox.pop();
    if (unsent) {
      for (const row of unsent.rows) given.delete(row);
      draw();
    } else if (data.can_undo || flying) {
      outbox.push({ action: "undo", label: null, rows: [], token: "", seconds: null });
      flush();
    }
  }

  function flush() {
    if (flying || !outbox.length || isLeaving()) return;
    if (!connected()) {
      say(LOST, true);
      setTimeout(flush, LISTEN_MS);
      return;
    }
    // An undo is of the moment it is sent in: of what was answered just before.
    const last = outbox.findIndex(({ action }) => action === "undo");
    const n = last === 0 ? 1 : last < 0 ? outbox.length : last;
    const acts = outbox.splice(0, n).map((act) => ({ ...act, token: act.token || data.token }));
    flying = { nonce: nonce(), at: performance.now() };
    component.setTriggerValue("event", { kind: "acts", acts, nonce: flying.nonce });
    listen(flying);
  }

  function listen(sent) {
    setTimeout(() => {
      if (flying !== sent) return;
      const waited = performance.now() - sent.at;
      if (waited > SLOW_MS && connected()) say("Training on it…");
      if (!connected()) say(LOST, true);
      if (waited > GIVE_UP_MS && server("script") !== "running") forget();
      else listen(sent);
    }, LISTEN_MS);
  }

  // Nothing came of it: what was answered is open again, as it is on disk.
  function forget() {
    flying = null;
    outbox = [];
    given.clear();
    draw();
  }

  function say(text, isLost = false) {
    said.textContent = text;
    said.title = text;
    said.classList.toggle("lost", isLost);
  }

  // ---- drawing

  function focus() {
    cells[at]?.focus();
  }

  function toggle(i) {
    at = i;
    const tile = data.tiles[i];
    if (isOpen(tile) && !selected.delete(tile.row)) selected.add(tile.row);
    draw();
  }

  function draw() {
    data.tiles.forEach((tile, i) => cells[i].draw({
      isSelected: selected.has(tile.row), isAt: i === at, given: given.get(tile.row) ?? "",
    }));
    const rows = rowsToAnswer();
    const isMany = rows.some((row) => selected.has(row));
    about.textContent = isMany ? `${rows.length} selected:` : "";
    for (const each of foot.querySelectorAll("button[data-sent]")) {
      each.disabled = each.dataset.sent === "undo" ? !data.can_undo && !outbox.length : !rows.length;
    }
  }

  function button(parent, name, key, title, sent, action) {
    const made = element("button", "", parent);
    made.type = "button";
    made.title = title;
    made.dataset.sent = sent;
    if (key) {
      element("kbd", "", made, key).setAttribute("aria-hidden", "true");
      made.setAttribute("aria-keyshortcuts", key);
    }
    if (name !== key) element("span", "name", made, name);
    made.addEventListener("click", (event) => {
      action();
      if (event.detail) made.blur();
    });
    return made;
  }

  function drawFoot() {
    choices.replaceChildren();
    fixed.replaceChildren();
    for (const choice of data.choices) {
      const made = button(choices, choice.name, choice.key, choice.help || choice.name, "answer",
        () => answer("answer", choice.value, choice.name));
      made.classList.add("choice");
      if (choice.colour) made.style.setProperty("--colour", choice.colour);
    }
    for (const { action, name, key, help } of FIXED) {
      button(fixed, name, key, help, action, () => (action === "undo" ? undo() : answer(action, null, name)));
    }
  }

  // ---- keys

  // How many cells stand in a row of the grid.
  function nAcross() {
    const top = cells[0]?.top();
    const n = cells.findIndex((cell) => cell.top() !== top);
    return n < 0 ? cells.length : n;
  }

  function move(step) {
    at = Math.max(0, Math.min(cells.length - 1, at + step));
    draw();
    focus();
  }

  function press(key) {
    const letter = key.length === 1 ? key.toUpperCase() : key;
    const choice = data.choices.find((each) => each.key && each.key === key);
    const held = FIXED.find((each) => each.key === letter);
    if (choice) answer("answer", choice.value, choice.name);
    else if (held) held.action === "undo" ? undo() : answer(held.action, null, held.name);
    else if (key === "ArrowLeft") move(-1);
    else if (key === "ArrowRight") move(1);
    else if (key === "ArrowUp") move(at - nAcross() < 0 ? 0 : -nAcross());
    else if (key === "ArrowDown") move(at + nAcross() >= cells.length ? 0 : nAcross());
    else if (key === " ") toggle(at);
    else if (key === "Escape" && selected.size) {
      selected.clear();
      draw();
    } else return false;
    return true;
  }

  function onKey(event) {
    const isShown = data && box.getClientRects().length > 0;
    if (!isShown || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.repeat && !event.key.startsWith("Arrow")) return;
    if (isElsewhere(event)) return;
    const isOnButton = event.composedPath()[0].matches?.("button:not(.cell), a, summary, [role=button]");
    if (event.key === " " && isOnButton) return;
    if (press(event.key)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }

  const onVisibility = () => (document.hidden ? stopwatch.pause() : stopwatch.go());
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("visibilitychange", onVisibility);
  const looker = makeLooker(box, () => {
    if (!flying && !outbox.length) component.setTriggerValue("event", { kind: "look", nonce: nonce() });
  });

  function update(newComponent) {
    component = newComponent;
    arrive();
    const before = data;
    data = unpackPictures(component.data, ({ tiles }) => tiles);
    const isAnother = before?.of !== data.of;
    if (flying && (flying.nonce === data.handled || isAnother)) flying = null;
    if (isAnother) {
      selected.clear();
      given.clear();
      outbox = [];
      at = Math.max(0, data.tiles.findIndex((tile) => !tile.said));
      since = before ? performance.now() : 0;
      stopwatch.restart();
    }
    const waiting = new Set(outbox.flatMap(({ rows }) => rows));
    for (const row of [...given.keys()]) if (!flying && !waiting.has(row)) given.delete(row);
    while (cells.length > data.tiles.length) cells.pop().destroy();
    while (cells.length < data.tiles.length) {
      const i = cells.length;
      cells.push(makeTile(grid, () => toggle(i)));
    }
    data.tiles.forEach((tile, i) => cells[i].update(tile, data.pictures));
    const known = (each) => each && JSON.stringify(each.choices);
    if (known(before) !== known(data)) drawFoot();
    say(data.confirmation);
    draw();
    flush();
    const isComing = data.pictures && data.tiles.some(({ image, sentence }) => !image && !sentence);
    looker.update(data.of, isComing);
    turns += 1;
    return turns;
  }

  return {
    update,
    turn: () => turns,
    destroy() {
      looker.stop();
      document.removeEventListener("keydown", onKey, true);
      document.removeEventListener("visibilitychange", onVisibility);
      for (const cell of cells) cell.destroy();
      box.remove();
    },
  };
}
