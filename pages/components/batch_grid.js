// A batch in the browser: a grid with one focus, some of it selected, and the keys that answer.  What is
// answered waits here until what was sent before has been dealt with, so that none overtakes another.

const PRESSED_BY_SPACE = "button:not(.cell), a, summary, [role=button]";
const LEADING_AWAY = ["pointerdown", "keydown"];
const UNDOING = "Undo…";
const isUndoing = ({ action }) => action === "undo";

export default (component) => mount(component, makeBatch);

function makeBatch(root) {
  const without = withoutLabel("Pass it by for good", "Ask about it again after the batch");
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
  const finder = makeFinder(foot, {
    choices: () => data.choices,
    draw: (parent, choice) => choiceButton(parent, choice),
    drawn: () => draw(),
    chosen: (choice) => give(choice),
    left: () => leaveFinder(),
  });

  const cells = [];
  const selected = new Set(); // rows
  const given = new Map(); // rows answered here that the server has not confirmed, to what was said
  const stopwatch = makeStopwatch();
  let outbox = []; // acts that are still to be sent
  let flying = null; // what was sent last, until it is dealt with
  let stopListening = () => {};
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
    finder.close();
    outbox.push({ action, label, rows, token: data.token, seconds: stopwatch.seconds() });
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

  const give = (choice) => answer("answer", choice.value, choice.name);
  const doWithout = ({ action, name }) => (action === "undo" ? undo() : answer(action, null, name));

  // What was not sent yet is simply not said.  An undo that waits is no answer: it is kept, and told.
  function undo() {
    if (outbox.length && !isUndoing(outbox.at(-1))) {
      for (const row of outbox.pop().rows) given.delete(row);
      draw();
    } else if (data.can_undo || flying) {
      outbox.push({ action: "undo", label: null, rows: [], token: "", seconds: null });
      say(UNDOING);
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
    send([]);
  }

  // `again` is what was sent and not dealt with: each act is taken once.  An undo is of the moment it is
  // sent in: of what was answered just before.
  function send(again) {
    const last = outbox.findIndex(isUndoing);
    const n = last === 0 && !flying ? 1 : last < 0 ? outbox.length : last;
    if (!n) return;
    const acts = outbox.splice(0, n).map((act) => ({ ...act, token: act.token || data.token, nonce: nonce() }));
    const sent = { nonce: nonce(), acts: [...again, ...acts] };
    flying = sent;
    component.setTriggerValue("event", { kind: "acts", acts: sent.acts, nonce: sent.nonce });
    stopListening();
    stopListening = listen(() => flying !== sent, {
      slow: () => say(outbox.some(isUndoing) ? UNDOING : TRAINING),
      lost: () => say(LOST, true),
      giveUp: forget,
    });
  }

  // Whatever is pressed outside may lead away, where nothing more is sent: it is sent before.
  function sendBefore(event) {
    if (flying && !event.composedPath().includes(box) && !isLeaving() && connected()) send(flying.acts);
  }
  for (const kind of LEADING_AWAY) document.addEventListener(kind, sendBefore, true);

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

  function choiceButton(parent, choice) {
    const { name, key, colour, help } = choice;
    const told = { name, key, colour, title: help || name, sent: "answer" };
    keyButton(parent, told, () => give(choice)).classList.add("choice");
  }

  function drawFoot() {
    choices.replaceChildren();
    fixed.replaceChildren();
    foot.classList.toggle("many", isLong(data.choices));
    for (const choice of data.choices.filter(({ key }) => key)) choiceButton(choices, choice);
    moreButton(choices, data.choices, () => finder.open(""));
    for (const each of without) {
      const { action, name, key, help } = each;
      keyButton(fixed, { name, key, title: help, sent: action }, () => doWithout(each));
    }
    if (finder.isOpen()) finder.redraw();
  }

  function leaveFinder() {
    finder.close();
    focus();
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
    const choice = belonging(key, data.choices);
    const held = belonging(key, without);
    const search = searched(key, data.choices);
    if (choice) give(choice);
    else if (held) doWithout(held);
    else if (key === "ArrowLeft") move(-1);
    else if (key === "ArrowRight") move(1);
    else if (key === "ArrowUp") move(at - nAcross() < 0 ? 0 : -nAcross());
    else if (key === "ArrowDown") move(at + nAcross() >= cells.length ? 0 : nAcross());
    else if (key === " ") toggle(at);
    else if (key === "Escape" && finder.isOpen()) leaveFinder();
    else if (key === "Escape" && selected.size) {
      selected.clear();
      draw();
    } else if (search !== null) finder.open(search);
    else return false;
    return true;
  }

  const disownKeys = ownKeys(box, {
    isTheirs: (event) => event.key === " " && event.composedPath()[0].matches?.(PRESSED_BY_SPACE),
    mayRepeat: ({ key }) => key.startsWith("Arrow"),
    press,
  });
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
      outbox = outbox.filter(isUndoing); // asked for before it came: it takes back what led here
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
    say(outbox.some(isUndoing) ? UNDOING : data.confirmation);
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
      stopListening();
      stopwatch.stop();
      disownKeys();
      for (const kind of LEADING_AWAY) document.removeEventListener(kind, sendBefore, true);
      for (const cell of cells) cell.destroy();
      box.remove();
    },
  };
}
