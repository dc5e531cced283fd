const MARGIN = 20;
const LINE = 20;

/** Saves a chart as it is drawn, with its title and legend, as a PNG named `name`. */
export function saveImage(figure: HTMLElement, title: string, name: string): void {
  const drawn = figure.querySelector("canvas");
  if (drawn === null) return;
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
    if (blob === null) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  }, "image/png");
}
