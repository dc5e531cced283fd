import { saveBlob } from "./save.ts";

const MARGIN = 20;
const LINE = 20;

/** Saves a chart as it is drawn, or when it is, with its title and legend, as a PNG named `name`. */
export async function saveImage(figure: HTMLElement, title: string, name: string): Promise<void> {
  const drawn = await canvasOf(figure);
  const style = getComputedStyle(document.documentElement);
  const color = (of: string): string => style.getPropertyValue(`--${of}`).trim();
  const scale = devicePixelRatio;
  const canvas = document.createElement("canvas");
  canvas.width = drawn.width + 2 * MARGIN * scale;
  canvas.height = drawn.height + (2 * MARGIN + 2 * LINE + 10) * scale;
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.fillStyle = color("paper");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.scale(scale, scale);
  const family = getComputedStyle(document.body).fontFamily;
  context.textBaseline = "middle";
  context.font = `600 15px ${family}`;
  context.fillStyle = color("ink");
  context.fillText(title, MARGIN, MARGIN + LINE / 2);
  context.font = `12px ${family}`;
  let x = MARGIN;
  for (const legend of figure.querySelectorAll<HTMLElement>("[data-legend]")) {
    const text = legend.textContent.trim();
    context.fillStyle = color(legend.dataset["legend"] ?? "accent");
    context.fillRect(x, MARGIN + LINE * 1.5 - 2, 14, 4);
    context.fillStyle = color("soft");
    context.fillText(text, x + 20, MARGIN + LINE * 1.5);
    x += 20 + context.measureText(text).width + 18;
  }
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(drawn, MARGIN * scale, (MARGIN + 2 * LINE + 10) * scale);
  canvas.toBlob((blob) => {
    if (blob !== null) saveBlob(name, blob);
  }, "image/png");
}

/** The chart is drawn a moment after the page. */
function canvasOf(figure: HTMLElement): Promise<HTMLCanvasElement> {
  const there = figure.querySelector("canvas");
  if (there !== null) return Promise.resolve(there);
  return new Promise((resolve) => {
    const waiting = new MutationObserver(() => {
      const drawn = figure.querySelector("canvas");
      if (drawn === null) return;
      waiting.disconnect();
      // Its lines stand there with the next frame.
      requestAnimationFrame(() => resolve(drawn));
    });
    waiting.observe(figure, { childList: true, subtree: true });
  });
}
