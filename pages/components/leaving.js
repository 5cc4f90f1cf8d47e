// Whether the person is on the way to another page, shared by the components that send events.
// An event of a page that is being left would be run for that page after the new one was drawn,
// and Streamlit then shows neither.

const LEAVING_MS = 1500;
let leftAt = -Infinity;
const leave = () => { leftAt = performance.now(); };
// A link to the page one is on draws the same once more: nothing new might arrive to end the wait.
const leads = (each) => each instanceof HTMLAnchorElement && each.pathname !== location.pathname;
document.addEventListener("click", (event) => {
  if (event.composedPath().some(leads)) leave();
}, true);
window.addEventListener("popstate", leave);
const arrive = () => { leftAt = -Infinity; }; // something new is drawn: the way is over
const isLeaving = () => performance.now() - leftAt < LEAVING_MS;
const isRunning = () => {
  const app = document.querySelector("[data-testid=stApp]");
  return !["notRunning", undefined, null].includes(app?.getAttribute("data-test-script-state"));
};
