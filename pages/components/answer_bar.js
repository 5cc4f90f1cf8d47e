// The answer bar in the browser: draws question and buttons, owns the keys of the page.
// What opens over it is in answer_bar_panels.js and finder.js.

const SUREST = 3; // how sure one can say to be
const SURE_KEY = ".";
const LOCKS = new Set(["answer", "unsure", "later", "undo"]);
const MENU_FIELDS = "[data-testid=stPopoverBody] :is(textarea, input[type=text])";
const OPENS_LOOK_MS = 30, OPENS_WITHIN_MS = 3000; // looks for the field of a menu that opens
const FOCUS_BACK_MS = 150; // a click into a frame ends before the focus is taken from it

export default (component) => mount(component, makeBar);

const PRESSED_BY_ENTER = "a, button, input, summary, canvas, [role=button], [role=tab], [role=radio]";
const CHOSEN = "[aria-selected=true], [aria-checked=true], [aria-current]"; // nothing more to press
const MOVED_BY_ARROWS = "input, [role=slider], [role=tab], [role=option], [role=grid], canvas";
// For page and maps, which keep so much free; null where no bar is.
function tellHeight(px) {
  const { style } = document.documentElement;
  if (px === null) style.removeProperty("--sextant-bar");
  else style.setProperty("--sextant-bar", `${px}px`);
  window.dispatchEvent(new Event("resize"));
}

function makeBar(root) {
  const without = withoutLabel("Pass it by for good, ask about another", "Ask this one again after some others");
  const box = element("div", "bar", root);
  box.setAttribute("role", "group");
  const line = element("div", "line", box);
  const question = element("span", "question", line);
  const offered = element("span", "offered", line);
  const accept = keyButton(line, { name: "", key: "Enter", title: "", sent: "Enter" }, () => takeOffered());
  accept.classList.add("back");
  const acceptName = accept.querySelector(".name");
  const why = element("span", "why", line);
  const back = keyButton(line, { name: "", key: "N", title: "" }, () => send("queried"));
  back.classList.add("back");
  const backTo = back.querySelector(".name");
  const confirmation = element("span", "confirmation", line);
  confirmation.setAttribute("role", "status");
  const row = element("div", "row", box);
  const choices = element("div", "choices", row);
  const fixed = element("div", "fixed", row);
  const help = element("div", "panel", box);
  const keys = element("div", "keys", help);
  help.hidden = true;
  const definition = makeDefinition(box);
  const finder = makeFinder(box, {
    choices: () => data.choices,
    draw: (parent, choice) => choiceButton(parent, choice),
    drawn: () => refresh(),
    chosen: (choice) => closed("answer") || take(choice),
    left: () => closePanels(),
  });

  const stopwatch = makeStopwatch();
  let component = null;
  let data = null;
  let pending = null; // what was sent last, until an answer may be given again
  let unlocking = 0;
  let stopListening = () => {};
  let waiting = 0;
  let turns = 0;
  let sure = 0; // said for the next answer, 0 for nothing
  let sureButton = null;

  const fixedOnes = () => without.filter(({ action }) => data.fixed.includes(action));
  const locked = () => pending !== null || data.busy;
  // Where nothing is asked, the last answer can be taken back all the same.
  const closed = (action) => locked() || (!data.asks && action !== "undo");

  // ---- sending

  function send(action, label = null, name = "") {
    if (isLeaving() || (LOCKS.has(action) && closed(action))) return;
    if (action === "undo" && !data.can_undo) return;
    if (!connected()) {
      sayLost();
      return;
    }
    nonce();
    const seconds = stopwatch.seconds();
    const confidence = action === "answer" && sure ? sure : null;
    component.setTriggerValue("event", {
      action, label, object_id: data.object_id, token: data.token, seconds, confidence, nonce: lastNonce,
    });
    if (!LOCKS.has(action)) return;
    pending = { nonce: lastNonce, token: data.token, name: name || action, done: false };
    const sent = pending;
    stopListening = listen(() => pending !== sent || sent.done, {
      slow: () => say(TRAINING),
      lost() {
        sayLost();
        unlock();
      },
      giveUp: unlock,
    });
    finder.close();
    refresh();
  }

  function unlock() {
    clearTimeout(unlocking);
    stopListening();
    pending = null;
    refresh();
  }

  // Stands until there is a connection again: what was sent without one is never taken.
  function sayLost() {
    say(LOST, true);
    clearInterval(waiting);
    waiting = setInterval(() => {
      if (!connected()) return;
      clearInterval(waiting);
      say(data.confirmation);
    }, LISTEN_MS);
  }

  function say(text, isLost = false) {
    confirmation.textContent = text;
    confirmation.classList.toggle("lost", isLost);
  }

  const take = (choice) => send("answer", choice.value, choice.key || choice.name);
  const takeOffered = () => send("answer", data.accept.value, "Enter");

  function saySure(n) {
    sure = n;
    if (!sureButton) return;
    const said = sure ? `${sure} of ${SUREST}` : "not said";
    sureButton.querySelector(".name").textContent = "●".repeat(sure) + "○".repeat(SUREST - sure);
    sureButton.title = `How sure you are of the next answer: ${said}`;
    sureButton.setAttribute("aria-label", sureButton.title);
  }

  const surer = () => saySure((sure + 1) % (SUREST + 1));

  // ---- drawing

  function choiceButton(parent, choice) {
    const title = choice.help ? "" : choice.name; // a definition is shown in its place
    const { name, key, colour } = choice;
    const made = keyButton(parent, { name, key, title, sent: key || name, colour }, () => take(choice));
    if (choice.help) definition.show(made, choice);
    made.classList.add("choice");
    made.classList.toggle("said", choice.value === data.said);
  }

  function drawRow() {
    definition.hide();
    const focused = root.activeElement?.dataset.sent;
    choices.replaceChildren();
    fixed.replaceChildren();
    row.classList.toggle("many", isLong(data.choices));
    for (const choice of data.choices.filter((each) => each.key)) choiceButton(choices, choice);
    moreButton(choices, data.choices, () => openFinder());
    for (const { action, name, key, help: title } of fixedOnes()) {
      keyButton(fixed, { name, key, title, sent: action }, () => send(action));
    }
    sureButton = data.confidence ? keyButton(fixed, { name: "○○○", key: SURE_KEY, title: "" }, surer) : null;
    sureButton?.classList.add("sure");
    saySure(sure);
    const all = keyButton(fixed, { name: "?", key: "?", title: "Show all keys" }, toggleHelp);
    all.classList.add("round");
    all.setAttribute("aria-label", "Show all keys");
    if (focused) [...row.querySelectorAll("button")].find((each) => each.dataset.sent === focused)?.focus();
  }

  // Which buttons can be pressed, without making them anew.
  function refresh() {
    for (const each of box.querySelectorAll("button[data-sent]")) {
      const { sent } = each.dataset;
      each.disabled = closed(sent) || (sent === "undo" && !data.can_undo);
      const pressed = pending && !pending.done && pending.name === sent;
      each.classList.toggle("pressed", Boolean(pressed));
    }
    box.setAttribute("aria-busy", String(locked()));
  }

  // ---- what opens over the bar

  function openFinder(text = "") {
    makeRoom(box);
    help.hidden = true;
    finder.open(text);
  }

  function closePanels() {
    help.hidden = true;
    finder.close();
  }

  function toggleHelp() {
    makeRoom(box);
    finder.close();
    help.hidden = !help.hidden;
  }

  // ---- menus of the page

  const menuButton = ({ menu }) => document.querySelector(`[class*="st-key-${menu}"] button`);

  // What a menu holds is there a little after it opens, and the menu takes the focus once more
  // while it comes: the field has it until the person does something.
  function openMenu(opened) {
    menuButton(opened).click();
    const since = performance.now();
    const look = setInterval(() => {
      if (performance.now() - since > OPENS_WITHIN_MS) stop();
      else [...document.querySelectorAll(MENU_FIELDS)].find((each) => each.getClientRects().length)?.focus();
    }, OPENS_LOOK_MS);
    const doing = ["keydown", "pointerdown"];
    const stop = () => {
      clearInterval(look);
      for (const what of doing) document.removeEventListener(what, stop, true);
    };
    for (const what of doing) document.addEventListener(what, stop, true);
  }

  // ---- keys of the page

  function isTheirs(event) {
    const target = event.composedPath()[0];
    if (event.key.startsWith("Arrow")) return target.matches?.(MOVED_BY_ARROWS);
    return event.key === "Enter" && target.closest?.(PRESSED_BY_ENTER) && !target.closest(CHOSEN);
  }

  // Or a button held down would answer what comes next.
  function onHeld(event) {
    if (event.repeat && event.key === "Enter") event.preventDefault();
  }

  // True when the key is one of ours.
  function press(key) {
    const letter = key.length === 1 ? key.toUpperCase() : key;
    const choice = belonging(key, data.choices);
    const fixed = belonging(key, fixedOnes());
    const search = searched(key, data.choices);
    const opened = belonging(key, data.opens.filter(menuButton));
    if (choice) take(choice);
    else if (key === "Enter" && data.accept) takeOffered();
    else if (fixed) send(fixed.action);
    else if (letter === "N") send("queried");
    else if (key === SURE_KEY && data.confidence) surer();
    else if (key === "?") toggleHelp();
    else if (key === "Escape" && (finder.isOpen() || !help.hidden)) closePanels();
    else if (opened) openMenu(opened);
    else if (key in data.extra_keys) send("key", key);
    else if (letter in data.extra_keys) send("key", letter);
    else if (key === "=" && "+" in data.extra_keys) send("key", "+"); // the same key, not shifted
    else if (search !== null) openFinder(search);
    else return false;
    return true;
  }

  // A click into a frame, such as a chart's, would keep all later keys to itself.
  function onBlur() {
    setTimeout(() => {
      const frame = document.activeElement;
      if (!(frame instanceof HTMLIFrameElement) || !box.getClientRects().length) return;
      const inside = frame.contentDocument?.activeElement;
      if (inside?.matches("input, textarea, select")) return;
      frame.blur();
      window.focus();
    }, FOCUS_BACK_MS);
  }

  // The page keeps room below for the bar, which lies over its lower edge.
  const observer = new ResizeObserver(() => tellHeight(box.offsetHeight));
  observer.observe(box);

  const disownKeys = ownKeys(box, { isTheirs, mayRepeat: () => false, press });
  box.addEventListener("keydown", onHeld);
  window.addEventListener("blur", onBlur);

  function update(newComponent) {
    component = newComponent;
    arrive();
    const before = data;
    data = component.data;
    const asked = before && before.token === data.token && before.object_id === data.object_id;
    if (!asked) {
      stopwatch.restart();
      saySure(0);
    }
    const dealtWith = pending?.token !== data.token || pending?.nonce === data.handled;
    if (pending && !pending.done && dealtWith) {
      pending.done = true;
      stopListening();
      unlocking = setTimeout(unlock, UNSEEN_MS);
    }
    question.textContent = data.question;
    why.textContent = data.why;
    why.title = data.why;
    box.classList.toggle("corrects", data.corrects);
    clearInterval(waiting);
    offered.hidden = !data.accept;
    accept.hidden = !data.accept;
    offered.textContent = data.accept?.why ?? "";
    offered.title = offered.textContent;
    acceptName.textContent = data.accept ? `${data.accept.verb} ${data.accept.name}` : "";
    accept.title = acceptName.textContent;
    back.hidden = !data.back;
    backTo.textContent = data.back;
    say(data.confirmation);
    confirmation.title = data.confirmation;
    box.setAttribute("aria-label", data.question);
    const known = (each) => each && JSON.stringify([
      each.choices, each.extra_keys, each.opens, !each.accept, each.said]);
    if (known(before) !== known(data)) {
      drawRow();
      listKeys(keys, data, fixedOnes());
      if (finder.isOpen()) finder.redraw();
    }
    refresh();
    turns += 1;
    return turns;
  }

  return {
    update,
    turn: () => turns,
    destroy() {
      clearTimeout(unlocking);
      stopListening();
      clearInterval(waiting);
      stopwatch.stop();
      observer.disconnect();
      disownKeys();
      window.removeEventListener("blur", onBlur);
      box.remove();
      if (!document.querySelector(".st-key-answer-bar")) tellHeight(null);
    },
  };
}
