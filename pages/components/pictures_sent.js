// Pictures as they are sent, taken apart, and a look now and then at whether more have come: shared by
// the components that show pictures.

const FIRST_LOOK_MS = 300; // until the first look at what has come meanwhile
const LOOK_SLOWER = 1.5; // each look waits so much longer than the one before
const LATEST_LOOK_MS = 3000;

// The head, in which each thing that ``listed`` finds and that has an image can make a blob of it.
function unpackPictures(bytes, listed) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const images = bytes.subarray(4 + length);
  for (const { image } of listed(head)) {
    if (image) image.blob = () => new Blob([images.slice(image.start, image.end)], { type: image.type });
  }
  return head;
}

// A place for a picture, which is made into one once and given back when another takes its place.
function makeImage(parent) {
  const image = element("img", "", parent);
  image.alt = "";
  let shown = "";

  function forget() {
    if (image.src) URL.revokeObjectURL(image.src);
    image.removeAttribute("src");
    shown = "";
  }

  function show(sent) {
    if (shown === (sent?.id ?? "")) return;
    forget();
    if (!sent) return;
    shown = sent.id;
    image.src = URL.createObjectURL(sent.blob());
  }

  return { show, forget };
}

// ``send`` asks for another look at what there is; ``of`` names what is looked at.
function makeLooker(box, send) {
  let timer = 0;
  let wait = FIRST_LOOK_MS;
  let before = "";

  // Never while something is computed: an answer goes first.
  function look() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (isLeaving() || isRunning() || document.hidden || !box.getClientRects().length) {
        look();
        return;
      }
      send();
      wait = Math.min(wait * LOOK_SLOWER, LATEST_LOOK_MS);
      look(); // what was sent without a connection never arrived
    }, wait);
  }

  return {
    update(of, isComing) {
      if (of !== before) wait = FIRST_LOOK_MS;
      before = of;
      clearTimeout(timer);
      if (isComing) look();
    },
    stop: () => clearTimeout(timer),
  };
}
