// What everything that owns keys of a page goes by: whether they are its own now, whether the server is
// there, and how long something was before the person's eyes.

const LOST = "Not confirmed: no connection to Sextant. Is it still running?";

const OPEN = "[role=dialog], [role=menu], [role=listbox], [data-testid^=stDataFrame][data-testid$=Menu]";
const UNTYPED = ["checkbox", "radio", "range", "button", "submit", "reset", "color", "file"]
  .map((type) => `[type=${type}]`);
const TYPED_INTO = `input:not(${UNTYPED}), textarea, select, [contenteditable], [role=combobox], `
  + "[data-testid=stDataFrame]";

// Keys are one's own while nothing is open over the page, and nothing that is typed into has the
// focus: no field, and no table.  A menu that is drawn again loses the focus, and is still open.
function isElsewhere(event) {
  return document.querySelector(OPEN) !== null
    || event.composedPath().some((each) => each.matches?.(TYPED_INTO));
}

// What Streamlit says of itself; an event sent without a connection is dropped without a word.
function server(what) {
  return document.querySelector("[data-testid=stApp]")?.getAttribute(`data-test-${what}-state`);
}
const connected = () => (server("connection") ?? "CONNECTED") === "CONNECTED";

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
  return {
    pause,
    go,
    restart() {
      spent = 0;
      since = null;
      go();
    },
    seconds: () => (spent + (since === null ? 0 : performance.now() - since)) / 1000,
  };
}
