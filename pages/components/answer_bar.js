// The answer bar in the browser: draws question and buttons, owns the keys of the page.
// What opens over it is in answer_bar_panels.js.

const FIXED = [
  { action: "unsure", name: "Unsure", key: "U", help: "Pass it by for good, ask about another" },
  { action: "later", name: "Later", key: "L", help: "Ask this one again after some others" },
  { action: "undo", name: "Undo", key: "Z", help: "Take back the last answer" },
];
const HELD_BACK = "ULZNCRTF"; // letters that never begin a search: ours, and Streamlit's C and R
const SUREST = 3; // how sure one can say to be
const SURE_KEY = ".";
const LOCKS = new Set(["answer", "unsure", "later", "undo"]);
const GIVE_UP_MS = 8000; // after which an event that nothing came of may be repeated
const ONE_ROW_LETTERS = 48; // that labels fill one row of a small window with; more are drawn small
const SLOW_MS = 1000; // after which it is said that something is being done
const LISTEN_MS = 500; // between looks at whether the server still answers
const UNSEEN_MS = 250; // a new object cannot have been judged yet: the end of a double press
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
  const box = element("div", "bar", root);
  box.setAttribute("role", "group");
  const line = element("div", "line", box);
  const question = element("span", "question", line);
  const offered = element("span", "offered", line);
  const accept = element("button", "back", line);
  accept.type = "button";
  accept.dataset.sent = "Enter";
  element("kbd", "", accept, "Enter").setAttribute("aria-hidden", "true");
  accept.setAttribute("aria-keyshortcuts", "Enter");
  const acceptName = element("span", "name", accept);
  accept.addEventListener("click", (event) => {
    takeOffered();
    if (event.detail) accept.blur();
  });
  const why = element("span", "why", line);
  const back = element("button", "back", line);
  back.type = "button";
  element("kbd", "", back, "N").setAttribute("aria-hidden", "true");
  const backTo = element("span", "", back);
  back.addEventListener("click", () => send("queried"));
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
  let giveUp = 0;
  let listening = 0;
  let waiting = 0;
  let turns = 0;
  let sure = 0; // said for the next answer, 0 for nothing
  let sureButton = null;

  const fixedOnes = () => FIXED.filter(({ action }) => data.fixed.includes(action));
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
    const seconds = Math.round(stopwatch.seconds() * 1000) / 1000;
    const confidence = action === "answer" && sure ? sure : null;
    component.setTriggerValue("event", {
      action, label, object_id: data.object_id, token: data.token, seconds, confidence, nonce: lastNonce,
    });
    if (!LOCKS.has(action)) return;
    pending = { nonce: lastNonce, token: data.token, name: name || action, done: false };
    const sentAt = performance.now();
    listening = setInterval(() => {
      const late = performance.now() - sentAt > GIVE_UP_MS;
      if (performance.now() - sentAt > SLOW_MS && !pending.done) say("Training on it…");
      if (!connected()) sayLost();
      if (!connected() || (late && server("script") !== "running")) unlock();
    }, LISTEN_MS);
    finder.close();
    refresh();
  }

  function unlock() {
    clearTimeout(giveUp);
    clearInterval(listening);
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

  function button(parent, name, key, title, action) {
    const made = element("button", "", parent);
    made.type = "button";
    made.title = title;
    if (key) {
      element("kbd", "", made, key).setAttribute("aria-hidden", "true");
      made.setAttribute("aria-keyshortcuts", key);
    }
    // A label that is its own key is shown once.
    if (name !== key) element("span", "name", made, name);
    made.addEventListener("click", (event) => {
      action();
      // Left on a button that was clicked, the focus would make Enter press it for what comes next.
      if (event.detail) made.blur();
    });
    return made;
  }

  function choiceButton(parent, choice) {
    const title = choice.help ? "" : choice.name; // a definition is shown in its place
    const made = button(parent, choice.name, choice.key, title, () => take(choice));
    if (choice.help) definition.show(made, choice);
    made.classList.add("choice");
    made.dataset.sent = choice.key || choice.name;
    made.classList.toggle("said", choice.value === data.said);
    if (choice.colour) made.style.setProperty("--colour", choice.colour);
  }

  function drawRow() {
    definition.hide();
    const focused = root.activeElement?.dataset.sent;
    choices.replaceChildren();
    fixed.replaceChildren();
    const letters = data.choices.reduce((n, { name }) => n + Math.min(name.length, 16), 0);
    row.classList.toggle("many", letters > ONE_ROW_LETTERS);
    for (const choice of data.choices.filter((each) => each.key)) choiceButton(choices, choice);
    const more = data.choices.filter((each) => !each.key).length;
    if (more) button(choices, `${more} more`, "/", "Find a label by typing", () => openFinder());
    for (const { action, name, key, help: title } of fixedOnes()) {
      button(fixed, name, key, title, () => send(action)).dataset.sent = action;
    }
    sureButton = data.confidence ? button(fixed, "○○○", SURE_KEY, "", surer) : null;
    sureButton?.classList.add("sure");
    saySure(sure);
    const all = button(fixed, "", "?", "Show all keys", toggleHelp);
    all.className = "round";
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

  function onKey(event) {
    const shown = data && box.getClientRects().length > 0;
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    const held = event.repeat && event.key === "Enter" && event.composedPath().includes(box);
    if (held) event.preventDefault(); // or a button held down would answer what comes next
    if (!shown || modified || event.repeat || event.isComposing) return;
    if (isElsewhere(event)) return;
    const target = event.composedPath()[0];
    if (event.key.startsWith("Arrow") && target.matches?.(MOVED_BY_ARROWS)) return;
    if (event.key === "Enter" && target.closest?.(PRESSED_BY_ENTER) && !target.closest(CHOSEN)) return;
    if (press(event.key)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }

  // True when the key is one of ours.
  function press(key) {
    const letter = key.length === 1 ? key.toUpperCase() : key;
    const choice = data.choices.find((each) => each.key && each.key === key);
    const fixed = fixedOnes().find((each) => each.key === letter);
    const many = data.choices.some((each) => !each.key);
    const opened = data.opens.find((each) => each.key === letter && menuButton(each));
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
    else if (key === "/" && many) openFinder();
    else if (many && /^\p{L}$/u.test(key) && !HELD_BACK.includes(letter)) {
      openFinder(key);
    } else return false;
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

  const onVisibility = () => (document.hidden ? stopwatch.pause() : stopwatch.go());

  // The page keeps room below for the bar, which lies over its lower edge.
  const observer = new ResizeObserver(() => tellHeight(box.offsetHeight));
  observer.observe(box);

  document.addEventListener("keydown", onKey, true);
  document.addEventListener("visibilitychange", onVisibility);
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
      clearInterval(listening);
      giveUp = setTimeout(unlock, UNSEEN_MS);
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
      clearTimeout(giveUp);
      clearInterval(listening);
      clearInterval(waiting);
      observer.disconnect();
      document.removeEventListener("keydown", onKey, true);
      document.removeEventListener("visibilitychange", onVisibility);
      window.removeEventListener("blur", onBlur);
      box.remove();
      if (!document.querySelector(".st-key-answer-bar")) tellHeight(null);
    },
  };
}
