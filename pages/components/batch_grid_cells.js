// One object of a batch in its place of a fixed size: nothing moves when its picture comes, or when it
// is answered.

function makeTile(parent, chosen) {
  const box = element("button", "cell", parent);
  box.type = "button";
  const stage = element("span", "stage", box);
  const image = makeImage(stage);
  const sentence = element("span", "said", stage);
  const text = element("span", "text", box);
  const guess = element("span", "guess", box);
  const id = element("span", "id", box);
  const answer = element("span", "answer", box);
  let tile = null;
  box.addEventListener("click", chosen);
  // The space bar was dealt with as it went down; Firefox presses the button once it comes up all the same.
  box.addEventListener("keyup", (event) => {
    if (event.key === " ") event.preventDefault();
  });

  function update(newTile, hasPictures) {
    tile = newTile;
    stage.hidden = !hasPictures;
    text.hidden = !tile.text;
    box.classList.toggle("wide", Boolean(tile.text));
    box.classList.toggle("coming", hasPictures && !tile.image && !tile.sentence);
    sentence.textContent = tile.sentence;
    text.textContent = tile.text;
    guess.textContent = tile.guess || "\u00a0";
    guess.title = tile.guess && `${tile.guess}: the probability of the label, as the model makes it`;
    id.textContent = tile.id;
    id.title = tile.id;
    image.show(tile.image);
  }

  function draw({ isSelected, isAt, given }) {
    const said = tile.said || given;
    box.classList.toggle("selected", isSelected);
    box.classList.toggle("at", isAt);
    box.classList.toggle("done", Boolean(said));
    box.classList.toggle("sent", Boolean(given) && !tile.said);
    box.tabIndex = isAt ? 0 : -1;
    box.setAttribute("aria-pressed", String(isSelected));
    const told = [tile.id, tile.guess && `model: ${tile.guess}`, tile.text, said && `answered: ${said}`];
    box.setAttribute("aria-label", told.filter(Boolean).join(", "));
    answer.textContent = said;
    box.style.setProperty("--colour", tile.said && tile.colour ? tile.colour : "var(--st-border-color)");
  }

  return {
    update,
    draw,
    focus: () => box.focus({ preventScroll: false }),
    top: () => box.offsetTop,
    destroy() {
      image.forget();
      box.remove();
    },
  };
}
