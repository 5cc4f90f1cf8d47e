// How the map looks: picture, marks, axes and read-out on a canvas.  Pure functions of a scene;
// they keep nothing and listen to nothing.

const MARGIN = { left: 58, right: 12, top: 10, bottom: 42 };

// Where the plot stands on a canvas, and the way between its pixels and the data.
function geometry(canvasWidth, canvasHeight, x, y) {
  const { left, top } = MARGIN;
  const width = Math.max(canvasWidth - left - MARGIN.right, 1);
  const height = Math.max(canvasHeight - top - MARGIN.bottom, 1);
  return {
    left, top, width, height, x, y, canvasWidth, canvasHeight,
    toX: (px) => x[0] + ((px - left) / width) * (x[1] - x[0]),
    toY: (py) => y[1] - ((py - top) / height) * (y[1] - y[0]),
    pxOf: (value) => left + ((value - x[0]) / (x[1] - x[0])) * width,
    pyOf: (value) => top + ((y[1] - value) / (y[1] - y[0])) * height,
    holds: ({ px, py }) => px >= left && px <= left + width && py >= top && py <= top + height,
  };
}

function drawScene(ctx, scene) {
  const { at, picture, ratio } = scene;
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, at.canvasWidth, at.canvasHeight);
  ctx.save();
  ctx.beginPath();
  ctx.rect(at.left, at.top, at.width, at.height);
  ctx.clip();
  if (picture) drawPicture(ctx, scene, picture);
  drawBars(ctx, scene);
  drawLines(ctx, scene);
  drawOverlays(ctx, scene);
  drawOutline(ctx, scene);
  ctx.restore();
  drawAxes(ctx, scene);
  drawReadout(ctx, scene);
}

const area = ({ x, y }) => (x[1] - x[0]) * (y[1] - y[0]);

// Of pictures of parts of the plane, the one that shows most of a view; of those that show as
// much, to a percent, the closest: it is the sharpest.
function bestPicture(pictures, view) {
  const common = (a, b) => Math.max(0, Math.min(a[1], b[1]) - Math.max(a[0], b[0]));
  const share = ({ x, y }) => common(x, view.x) * common(y, view.y) / area(view);
  const percent = (picture) => Math.round(100 * share(picture));
  return [...pictures].sort((a, b) => percent(b) - percent(a) || area(a) - area(b))[0] ?? null;
}

function drawPicture(ctx, { at, ratio }, { x, y, bitmap }) {
  const [left, top] = [at.pxOf(x[0]), at.pyOf(y[1])];
  const [w, h] = [at.pxOf(x[1]) - left, at.pyOf(y[0]) - top];
  ctx.imageSmoothingEnabled = w * ratio < bitmap.width * 0.98;
  ctx.drawImage(bitmap, left, top, w, h);
}

function drawBars(ctx, { at, head }) {
  for (const { colour, edges, low, high } of head.bars) {
    ctx.fillStyle = colour;
    for (let i = 0; i < low.length; i++) {
      if (high[i] === low[i]) continue;
      const [left, right] = [at.pxOf(edges[i]), at.pxOf(edges[i + 1])];
      const [top, foot] = [at.pyOf(high[i]), at.pyOf(low[i])];
      const gap = right - left > 6 ? 1 : 0;
      ctx.fillRect(left, top, right - left - gap, foot - top);
    }
  }
}

function drawLines(ctx, { at, head, ink, ground }) {
  for (const each of head.lines) {
    const path = new Path2D();
    each.x.forEach((value, i) => {
      const [px, py] = [at.pxOf(value), at.pyOf(each.y[i])];
      if (i) path.lineTo(px, py);
      else path.moveTo(px, py);
    });
    ctx.save();
    ctx.lineJoin = "round";
    ctx.setLineDash(each.is_dashed ? [7, 5] : []);
    for (const [paint, width] of [[ground, 4], [each.colour || ink, 1.6]]) {
      ctx.strokeStyle = paint;
      ctx.lineWidth = width;
      ctx.stroke(path);
    }
    ctx.restore();
  }
}

// What is being enclosed, before it is let go.
function drawOutline(ctx, { outline, ink }) {
  if (!outline) return;
  const path = new Path2D();
  polygon(path, outline.map(({ px, py }) => [px, py]));
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = ink;
  ctx.lineWidth = 1.2;
  ctx.setLineDash([4, 3]);
  ctx.stroke(path);
  ctx.globalAlpha = 0.08;
  ctx.fill(path);
  ctx.restore();
}

function drawOverlays(ctx, { at, head, ink, ground }) {
  const inside = (px, low, size) => Math.max(low + 7, Math.min(low + size - 7, px));
  for (const overlay of head.overlays) {
    const paint = overlay.colour || ink;
    for (let i = 0; i < overlay.x.length; i++) {
      const [px, py] = [at.pxOf(overlay.x[i]), at.pyOf(overlay.y[i])];
      if (at.holds({ px, py })) {
        mark(ctx, overlay.shape, px, py, overlay.size, paint, overlay.filled, ground);
      } else if (overlay.x.length === 1) { // where to look for the one object that matters
        const [edgeX, edgeY] = [inside(px, at.left, at.width), inside(py, at.top, at.height)];
        arrow(ctx, edgeX, edgeY, Math.atan2(py - edgeY, px - edgeX), paint, ground);
      }
    }
  }
}

function drawAxes(ctx, { at: p, head, ink, font }) {
  ctx.strokeStyle = ink;
  ctx.fillStyle = ink;
  ctx.lineWidth = 1;
  ctx.globalAlpha = 0.35;
  ctx.strokeRect(p.left - 0.5, p.top - 0.5, p.width + 1, p.height + 1);
  ctx.globalAlpha = 1;
  ctx.font = `12px ${font}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  for (const tick of ticksOn(head.scales[0], p.x, p.width / 70)) {
    const px = Math.round(p.pxOf(tick.value)) + 0.5;
    line(ctx, px, p.top + p.height, px, p.top + p.height + 4);
    const half = ctx.measureText(tick.text).width / 2;
    ctx.fillText(tick.text, Math.min(px, p.canvasWidth - half), p.top + p.height + 6);
  }
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (const tick of ticksOn(head.scales[1], p.y, p.height / 34)) {
    const py = Math.round(p.pyOf(tick.value)) + 0.5;
    line(ctx, p.left - 4, py, p.left, py);
    ctx.fillText(tick.text, p.left - 7, py);
  }
  ctx.font = `600 12px ${font}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "bottom";
  ctx.fillText(head.axes[0], p.left + p.width / 2, head.height_px - 2, p.width);
  ctx.save();
  ctx.translate(2, p.top + p.height / 2);
  ctx.rotate(-Math.PI / 2);
  ctx.textBaseline = "top";
  ctx.fillText(head.axes[1], 0, 0, p.height);
  ctx.restore();
}

function hovered({ at, head, cursor }) {
  let best = null;
  for (const overlay of head.overlays) {
    for (let i = 0; i < overlay.x.length; i++) {
      const [right, down] = [at.pxOf(overlay.x[i]) - cursor.px, at.pyOf(overlay.y[i]) - cursor.py];
      const away = Math.hypot(right, down);
      if (away <= overlay.size / 2 + 4 && !(best?.away < away)) best = { away, overlay };
    }
  }
  return best?.overlay.name;
}

function drawReadout(ctx, scene) {
  const { at, cursor, ink, ground, font } = scene;
  if (!cursor || !at.holds(cursor)) return;
  const [across, along] = scene.head.scales;
  const place = `${shown(across, at.toX(cursor.px), (at.x[1] - at.x[0]) / at.width)},  `
    + shown(along, at.toY(cursor.py), (at.y[1] - at.y[0]) / at.height);
  const text = [hovered(scene), place].filter(Boolean).join("   ");
  ctx.font = `12px ${font}`;
  ctx.textAlign = "right";
  ctx.textBaseline = "bottom";
  const width = Math.min(ctx.measureText(text).width, at.width - 12);
  const [right, bottom] = [at.left + at.width - 6, at.top + at.height - 5];
  ctx.globalAlpha = 0.85;
  ctx.fillStyle = ground;
  ctx.fillRect(right - width - 4, bottom - 15, width + 8, 18);
  ctx.globalAlpha = 1;
  ctx.fillStyle = ink;
  ctx.fillText(text, right, bottom, width);
}

// A place on an axis as the value it stands for; `step` is how far apart places can be told.
function shown(scale, at, step) {
  if (scale === "minus") return number(-at, step);
  if (scale !== "log") return number(at, step);
  const value = 10 ** at;
  return number(value, Math.max(value * Math.LN10 * step, Number.MIN_VALUE));
}

// Ticks of an axis that shows values, their log10, or what is minus them.
function ticksOn(scale, [low, high], wanted) {
  if (scale === "minus") {
    return ticks([-high, -low], wanted).map(({ value, text }) => ({ value: -value, text }));
  }
  if (scale !== "log") return ticks([low, high], wanted);
  if (high - low < 1) { // less than a decade: values that are evenly spaced
    return ticks([10 ** low, 10 ** high], wanted)
      .filter(({ value }) => value > 0)
      .map(({ value, text }) => ({ value: Math.log10(value), text }));
  }
  const step = Math.max(1, Math.ceil((high - low) / Math.max(wanted, 2)));
  const out = [];
  for (let i = Math.ceil(low / step) * step; i <= high; i += step) {
    out.push({ value: i, text: Math.abs(i) < 5 ? number(10 ** i, 10 ** i) : `1e${i}`.replace("-", "−") });
  }
  return out;
}

function ticks([low, high], wanted) {
  const rough = (high - low) / Math.max(wanted, 3);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((nice) => nice * power >= rough) || 10);
  const out = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) {
    out.push({ value: i * step, text: number(i * step, step) });
  }
  return out;
}

// `value` with as many digits as make differences of `step` visible.
function number(value, step) {
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const large = Math.abs(value) >= 1e6 || (digits > 5 && Math.abs(value) < 1e-3);
  const shown = Math.round(value / step) === 0 ? 0 : value; // never "−0"
  if (!large) return shown.toFixed(Math.min(digits, 8)).replace("-", "−");
  if (shown === 0) return "0";
  const power = (size) => Math.floor(Math.log10(size) + 1e-9);
  const kept = Math.max(0, Math.min(8, power(Math.abs(value)) - power(step)));
  return value.toExponential(kept).replace("e+", "e").replaceAll("-", "−");
}

function line(ctx, x0, y0, x1, y1) {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

function polygon(path, points) {
  points.forEach(([px, py], i) => (i ? path.lineTo(px, py) : path.moveTo(px, py)));
  path.closePath();
}

const SHAPES = {
  dot: (path, r) => path.arc(0, 0, r * 0.8, 0, 2 * Math.PI),
  ring: (path, r) => path.arc(0, 0, r, 0, 2 * Math.PI),
  square: (path, r) => path.rect(-r, -r, 2 * r, 2 * r),
  diamond: (path, r) => polygon(path, [[0, -r], [r, 0], [0, r], [-r, 0]]),
  star: (path, r) => polygon(path, Array.from({ length: 10 }, (_, i) => {
    const [length, angle] = [i % 2 ? r * 0.45 : r, (i * Math.PI) / 5];
    return [length * Math.sin(angle), -length * Math.cos(angle)];
  })),
  cross: (path, r) => {
    for (const side of [-1, 1]) {
      path.moveTo(-r, -r * side);
      path.lineTo(r, r * side);
    }
  },
  target: (path, r) => {
    polygon(path, [[0, -r * 0.7], [r * 0.7, 0], [0, r * 0.7], [-r * 0.7, 0]]);
    for (const [across, down] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      path.moveTo(across * r * 0.7, down * r * 0.7);
      path.lineTo(across * r * 1.3, down * r * 1.3);
    }
  },
  bracket: (path, r) => {
    for (const [across, down] of [[1, 1], [-1, 1], [-1, -1], [1, -1]]) {
      path.moveTo(across * r * 0.45, down * r);
      path.lineTo(across * r, down * r);
      path.lineTo(across * r, down * r * 0.45);
    }
  },
};

function mark(ctx, shape, px, py, size, paint, filled, halo) {
  const path = new Path2D();
  SHAPES[shape](path, size / 2);
  ctx.save();
  ctx.translate(px, py);
  ctx.lineJoin = "round";
  ctx.strokeStyle = halo;
  ctx.lineWidth = 4.5;
  ctx.stroke(path);
  ctx.strokeStyle = paint;
  ctx.fillStyle = paint;
  ctx.lineWidth = 2;
  if (filled || shape === "dot") ctx.fill(path);
  else ctx.stroke(path);
  ctx.restore();
}

function arrow(ctx, px, py, angle, paint, halo) {
  ctx.save();
  ctx.translate(px, py);
  ctx.rotate(angle);
  ctx.beginPath();
  polygon(ctx, [[6, 0], [-5, -5], [-5, 5]]);
  ctx.strokeStyle = halo;
  ctx.lineWidth = 3;
  ctx.stroke();
  ctx.fillStyle = paint;
  ctx.fill();
  ctx.restore();
}
