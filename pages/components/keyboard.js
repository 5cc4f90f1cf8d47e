// What everything that is answered by keys goes by: which keys are its own now, their buttons, whether
// the server is there, and how long something was before the person's eyes.

const UNSEEN_MS = 250; // what is new cannot have been judged yet: the end of a double press
const LISTEN_MS = 500; // between looks at whether the server still answers
const SLOW_MS = 1000; // after which it is said that something is being done
const GIVE_UP_MS = 8000; // after which what nothing came of may be said again
const TRAINING = "Training on it…";
const LOST = "Not confirmed: no connection to Sextant. Is it still running?";

const OPEN = "[role=dialog], [role=menu], [role=listbox], [data-testid^=stDataFrame][data-testid$=Menu]";
const UNTYPED = ["checkbox", "radio", "range", "button", "submit", "reset", "color", "file"]
  .map((type) => `[type=${type}]`);
const TYPED_INTO = `input:not(${UNTYPED}), textarea, select, [contenteditable], [role=combobox], `
  + "[data-testid=stDataFrame]:not(.st-key-audit-list *)";

// Keys are one's own while nothing is open over the page, and nothing that is typed into has the
// focus: no field, and no table but the list whose chosen line is what the keys are about.  A menu that is drawn again loses the focus, and is still open.
function isElsewhere(event) {
  return document.querySelector(OPEN) !== null
    || event.composedPath().some((each) => each.matches?.(TYPED_INTO));
}

// What Streamlit says of itself; an event sent without a connection is dropped without a word.
function server(what) {
  return document.querySelector("[data-testid=stApp]")?.getAttribute(`data-test-${what}-state`);
}
const connected = () => (server("connection") ?? "CONNECTED") === "CONNECTED";

// Looks at the server until what was sent `isOver`: whether it is slow, gone, or done without a word.
function listen(isOver, { slow, lost, giveUp }) {
  const since = performance.now();
  const looking = setInterval(() => {
    const waited = performance.now() - since;
    if (isOver()) clearInterval(looking);
    else if (!connected()) lost();
    else if (waited > SLOW_MS) slow();
    if (isOver() || waited < GIVE_UP_MS || server("script") === "running") return;
    clearInterval(looking);
    giveUp();
  }, LISTEN_MS);
  return () => clearInterval(looking);
}

// Calls `press` with each key that is pressed while `box` is on the screen and its keys are its own;
// one that it says yes to goes no further.  `isTheirs` says which keys what has the focus takes itself,
// and `mayRepeat` which may be held down.
function ownKeys(box, { isTheirs, mayRepeat, press }) {
  function onKey(event) {
    const isHeldBack = event.repeat && !mayRepeat(event);
    const isModified = event.ctrlKey || event.metaKey || event.altKey;
    if (isHeldBack || isModified || event.isComposing || !box.getClientRects().length) return;
    if (isElsewhere(event) || isTheirs(event) || !press(event.key)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }
  document.addEventListener("keydown", onKey, true);
  return () => document.removeEventListener("keydown", onKey, true);
}

// What is done without a label; `passing` and `postponing` say what the first two do here.
const withoutLabel = (passing, postponing) => [
  { action: "unsure", name: "Unsure", key: "U", help: passing },
  { action: "later", name: "Later", key: "L", help: postponing },
  { action: "undo", name: "Undo", key: "Z", help: "Take back the last answer" },
];

// The one of some that a key belongs to; a letter in either case.
function belonging(key, some) {
  const letter = key.length === 1 ? key.toUpperCase() : key;
  return some.find((each) => each.key && (each.key === key || each.key === letter));
}

// A button with its key.  A name that is its own key is shown once.
function keyButton(parent, { name, key, title, sent = "", colour = "" }, action) {
  const made = element("button", "keyed", parent);
  made.type = "button";
  made.title = title;
  made.classList.toggle("bare", name === key);
  if (sent) made.dataset.sent = sent;
  if (colour) made.style.setProperty("--colour", colour);
  if (key) {
    element("kbd", "", made, key).setAttribute("aria-hidden", "true");
    made.setAttribute("aria-keyshortcuts", key);
  }
  if (name !== key) element("span", "name", made, name);
  else made.setAttribute("aria-label", name);
  made.addEventListener("click", (event) => {
    action();
    // Left on a button that was clicked, the focus would make Enter press it for what comes next.
    if (event.detail) made.blur();
  });
  return made;
}

// Time that the object was really before the person's eyes.
function makeStopwatch() {
  let spent = 0;
  let since = null;
  const pause = () => {
    if (since !== null) spent += performance.now() - since;
    since = null;
  };
  const go = () => {
    if (since === null && !document.hidden) since = performance.now();
  };
  const onVisibility = () => (document.hidden ? pause() : go());
  document.addEventListener("visibilitychange", onVisibility);
  return {
    restart() {
      spent = 0;
      since = null;
      go();
    },
    // In whole milliseconds.
    seconds: () => Math.round(spent + (since === null ? 0 : performance.now() - since)) / 1000,
    stop: () => document.removeEventListener("visibilitychange", onVisibility),
  };
}
