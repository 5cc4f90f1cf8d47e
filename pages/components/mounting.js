// What every component of ours begins with: one thing made for each place on the page, which lives
// until its element leaves it, though Streamlit calls the default export whenever data change.

const mounted = new WeakMap();
let lastNonce = 0;

function mount(component, make) {
  const root = component.parentElement;
  if (!mounted.has(root)) mounted.set(root, make(root));
  const made = mounted.get(root);
  const turn = made.update(component);
  return () => setTimeout(() => {
    if (made.turn() !== turn || root.isConnected) return;
    made.destroy();
    mounted.delete(root);
  });
}

function nonce() {
  lastNonce = Math.max(lastNonce + 1, Date.now());
  return lastNonce;
}

function element(tag, className, parent, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  parent.append(made);
  return made;
}
